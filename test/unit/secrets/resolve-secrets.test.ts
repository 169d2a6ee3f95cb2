import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BottleError } from '../../../src/report/bottle-error.ts';
import { resolveSecrets } from '../../../src/secrets/resolve-secrets.ts';
import type { SecretSource } from '../../../src/spec/bottle.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-secrets-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const resolve = (sources: Record<string, SecretSource>, env: NodeJS.ProcessEnv = {}) =>
  resolveSecrets(sources, { env: { PATH: process.env.PATH, ...env }, specFile: join(directory, 'spec.yaml') });
const fileWith = (name: string, text: string, mode = 0o600) => {
  const file = join(directory, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
};
const failure = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BottleError)) throw new Error(`no BottleError but ${String(error)}`);
  return error.message;
};

test('a variable, a file and a command give their values', async () => {
  const { secrets, warnings } = await resolve(
    {
      A: { kind: 'env', env: 'FROM' },
      B: { kind: 'file', file: fileWith('b', 'from a file\n') },
      C: { kind: 'cmd', cmd: [process.execPath, '-e', 'console.log("from a command")'] },
    },
    { FROM: 'from a variable' },
  );
  expect([...secrets].map(([name, secret]) => [name, secret.reveal()]).sort()).toEqual([
    ['A', 'from a variable'],
    ['B', 'from a file'],
    ['C', 'from a command'],
  ]);
  expect(warnings).toEqual([]);
});

test('only one line break at the end is taken away', async () => {
  const { secrets } = await resolve({ A: { kind: 'file', file: fileWith('spaces', '  with spaces  \r\n') } });
  expect(secrets.get('A')?.reveal()).toBe('  with spaces  ');
});

test('all that are missing are named at once, each with its source', async () => {
  const message = await failure(
    resolve({
      A: { kind: 'env', env: 'NOT_THERE' },
      B: { kind: 'file', file: join(directory, 'not-there') },
      C: { kind: 'cmd', cmd: ['no-such-program-at-all'] },
      D: { kind: 'env', env: 'THERE' },
    }),
  );
  expect(message).toContain('A (env NOT_THERE): the variable is not set');
  expect(message).toContain('not-there): the file cannot be read (ENOENT)');
  expect(message).toContain('C (command no-such-program-at-all): the command did not run (ENOENT)');
});

describe('a value is refused when', () => {
  test.each([
    ['it is empty', { kind: 'env', env: 'EMPTY' } as const, 'the value is empty'],
    ['it is blank', { kind: 'env', env: 'BLANK' } as const, 'the value is empty'],
    ['it has two lines', { kind: 'env', env: 'LINES' } as const, 'more than one line'],
    [
      'its command fails, whatever it printed',
      { kind: 'cmd', cmd: [process.execPath, '-e', 'console.log("half" + "-a-token"); process.exit(3)'] } as const,
      'the command ended with exit code 3',
    ],
  ])('%s', async (_, source, why) => {
    const message = await failure(resolve({ A: source }, { EMPTY: '', BLANK: ' \t', LINES: 'a\nb' }));
    expect(message).toContain(why);
    expect(message).not.toContain('half-a-token');
  });

  test('everybody may write its file', async () => {
    expect(await failure(resolve({ A: { kind: 'file', file: fileWith('w', 'some-value', 0o666) } }))).toContain(
      'chmod 600',
    );
  });
});

test('a file that everybody may read is warned about', async () => {
  const { warnings } = await resolve({ A: { kind: 'file', file: fileWith('r', 'some-value', 0o644) } });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('chmod 600');
});

test('a command gets its arguments as they are: there is no shell', async () => {
  const { secrets } = await resolve({
    A: { kind: 'cmd', cmd: [process.execPath, '-e', 'console.log(process.argv[1])', '$(id); `id` && $HOME'] },
  });
  expect(secrets.get('A')?.reveal()).toBe('$(id); `id` && $HOME');
});

test('a value that ordinary text may hold is warned about, not shown', async () => {
  const { warnings } = await resolve({ A: { kind: 'env', env: 'SHORT' } }, { SHORT: 'hunter2' });
  expect(warnings.join()).toContain('shorter than 8');
  expect(warnings.join()).not.toContain('hunter2');
});
