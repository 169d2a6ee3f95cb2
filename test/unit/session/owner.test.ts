import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { livenessOf, ownerOf } from '../../../src/session/owner.ts';

test('this process is alive', () => {
  expect(livenessOf(ownerOf(process.pid))).toBe('alive');
});

test('a process that ended is dead', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
  const owner = ownerOf(child.pid ?? 0);
  expect(livenessOf(owner)).toBe('alive');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(livenessOf(owner)).toBe('dead');
});

test('another process with the same number is not it', () => {
  const parts = ownerOf(process.pid).split('/');
  expect(livenessOf([...parts.slice(0, 3), '1'].join('/'))).toBe('dead');
});

test('a process of an earlier boot is dead', () => {
  expect(livenessOf(['another-boot', ...ownerOf(process.pid).split('/').slice(1)].join('/'))).toBe('dead');
});

test('a process that cannot be seen from here is not judged', () => {
  const [boot] = ownerOf(process.pid).split('/');
  expect(livenessOf(`${boot}/1/1/1`)).toBe('unknown');
  expect(livenessOf('')).toBe('unknown');
});
