import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { ControlMessage } from '../../../proxy/src/contract.ts';
import { type FreshOptions, type FreshSecrets, keepFresh } from '../../../src/secrets/keep-fresh.ts';
import { Secret } from '../../../src/secrets/secret.ts';
import type { SecretSource } from '../../../src/spec/bottle.ts';

const directory = mkdtempSync(join(tmpdir(), 'bottle-fresh-'));
const file = join(directory, 'token');
let running: FreshSecrets[] = [];
afterEach(() => {
  for (const one of running) one.close();
  running = [];
  rmSync(file, { force: true });
});

function start(source: SecretSource, leastPauseMs = 0, more: Partial<FreshOptions> = {}) {
  const told: ControlMessage[] = [];
  const failures: string[] = [];
  const fresh = keepFresh({
    sources: { TOKEN: source, OTHER: { kind: 'env', env: 'OTHER' } },
    current: new Map([['TOKEN', new Secret('value-0')]]),
    surroundings: { env: process.env, specFile: join(directory, 'spec.yaml'), roots: '' },
    lives: new Map(),
    tell: (message) => told.push(message),
    onFailure: (text) => failures.push(text),
    leastPauseMs,
    ...more,
  });
  running.push(fresh);
  return { fresh, told, failures };
}

const soon = (look: () => void) => vi.waitFor(look, 10_000);
const write = (value: string) => writeFileSync(file, value, { mode: 0o600 });
const STALE = JSON.stringify({ event: 'stale', secret: 'TOKEN' });
const renewed = (value: string) => ({ do: 'renew', values: [{ name: 'TOKEN', value }] });

it('reads a secret again when its time is over, and tells only what is new', async () => {
  write('value-0');
  const { told } = start({ kind: 'file', file, ttlMs: 20 });
  write('value-1');
  await soon(() => expect(told).toEqual([renewed('value-1')]));
  write('value-2');
  await soon(() => expect(told).toEqual([renewed('value-1'), renewed('value-2')]));
});

it('reads it again when a service does not accept it', async () => {
  write('value-1');
  const { fresh, told } = start({ kind: 'file', file });
  fresh.onLine(STALE);
  await soon(() => expect(told).toEqual([renewed('value-1')]));
});

it('asks a store once, however often it is called stale', async () => {
  const count = join(directory, 'count');
  const script = `require("fs").appendFileSync(${JSON.stringify(count)}, "x"); console.log("value-1")`;
  const { fresh, told } = start({ kind: 'cmd', cmd: [process.execPath, '-e', script] }, 60_000);
  for (let i = 0; i < 50; i++) fresh.onLine(STALE);
  await soon(() => expect(told).toEqual([renewed('value-1')]));
  for (let i = 0; i < 50; i++) fresh.onLine(STALE);
  const { readFileSync } = await import('node:fs');
  expect(readFileSync(count, 'utf8')).toBe('x');
});

it('keeps the old value when it cannot be read, and says so without the new one', async () => {
  writeFileSync(file, 'value-1', { mode: 0o644 });
  const { fresh, told, failures } = start({ kind: 'file', file });
  fresh.onLine(STALE);
  await soon(() => expect(failures).toHaveLength(1));
  expect(failures[0]).toMatch(/^secret TOKEN \(file .*\) was not renewed: everybody on this machine may read the file/);
  expect(failures[0]).not.toContain('value-1');
  expect(told).toEqual([]);
});

it.each([
  ['no event', 'hello'],
  ['an event of something else', '{"event":"held","id":"x"}'],
  ['of a name that there is not', '{"event":"stale","secret":"__proto__"}'],
  ['of a variable, which does not change', '{"event":"stale","secret":"OTHER"}'],
])('ignores %s', async (_, line) => {
  write('value-1');
  const { fresh, told, failures } = start({ kind: 'file', file });
  fresh.onLine(line);
  fresh.onLine(STALE);
  await soon(() => expect(told).toEqual([renewed('value-1')]));
  expect(failures).toEqual([]);
});

it('passes on why the proxy did not take a value', () => {
  const { fresh, failures } = start({ kind: 'file', file });
  fresh.onLine('{"event":"not-renewed","secrets":["TOKEN"],"why":"it holds a line break"}');
  expect(failures).toEqual(['TOKEN was not renewed: it holds a line break']);
});

it('ends a command that still runs, in silence', async () => {
  const started = join(directory, 'started');
  const script = `require("fs").writeFileSync(${JSON.stringify(started)}, String(process.pid)); setInterval(() => {}, 1000)`;
  const { fresh, told, failures } = start({ kind: 'cmd', cmd: [process.execPath, '-e', script] });
  fresh.onLine(STALE);
  const { readFileSync } = await import('node:fs');
  const pid = await vi.waitFor(() => {
    const text = readFileSync(started, 'utf8');
    expect(text).toMatch(/^\d+$/);
    return Number(text);
  }, 10_000);
  fresh.close();
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 10_000);
  expect(told).toEqual([]);
  expect(failures).toEqual([]);
});

it('says once what fails again and again, and again what fails anew', async () => {
  const { failures } = start({ kind: 'file', file, ttlMs: 5 });
  await soon(() => expect(failures).toHaveLength(1));
  write('value-1');
  chmodSync(file, 0o644);
  await soon(() => expect(failures).toHaveLength(2));
  expect(failures[0]).not.toBe(failures[1]);
  rmSync(file);
  await soon(() => expect(failures).toHaveLength(3));
});

it('reads what has expired while the machine slept, though its timer stood still', async () => {
  write('value-1');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  try {
    const { told } = start({ kind: 'file', file, ttlMs: 3600_000 }, 0, { stepMs: 5 });
    expect(told).toEqual([]);
    vi.setSystemTime(Date.now() + 8 * 3600_000);
    await soon(() => expect(told).toEqual([renewed('value-1')]));
  } finally {
    vi.useRealTimers();
  }
});
