import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BottleError } from '../../../src/report/bottle-error.ts';
import { resolveSecrets } from '../../../src/secrets/resolve-secrets.ts';
import { storeCommand } from '../../../src/secrets/store-command.ts';
import type { SecretSource, SecretStore } from '../../../src/spec/bottle.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-secrets-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const resolve = (sources: Record<string, SecretSource>, env: NodeJS.ProcessEnv = {}) =>
  resolveSecrets(sources, {
    env: { PATH: process.env.PATH, ...env },
    specFile: join(directory, 'spec.yaml'),
    roots: '',
  });
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

test('a certificate and its key have lines', async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----';
  const { secrets } = await resolve({ A: { kind: 'file', file: fileWith('pem', `subject=x\n${pem}\n`) } });
  expect(secrets.get('A')?.reveal()).toBe(`subject=x\n${pem}`);
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

  test.each([
    ['write', 0o666],
    ['read', 0o644],
  ])('everybody may %s its file', async (deed, mode) => {
    const message = await failure(
      resolve({ A: { kind: 'file', file: fileWith(`for-all-${deed}`, 'some-value', mode) } }),
    );
    expect(message).toContain(`everybody on this machine may ${deed} the file; run chmod 600 on it`);
  });

  test('its file is a directory, or a pipe that nobody writes to', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    const message = await failure(resolve({ A: { kind: 'file', file: pipe }, B: { kind: 'file', file: directory } }));
    expect(message).toContain(`A (file ${pipe}): it is not a file`);
    expect(message).toContain(`B (file ${directory}): it is not a file`);
  });
});

describe('a part of what a source gives', () => {
  const AUTH = '{"tokens":{"access":"from-json"}}';

  test('is taken from a file, a command and a variable', async () => {
    const json = { format: 'json', key: 'tokens.access' } as const;
    const { secrets } = await resolve(
      {
        A: { kind: 'file', file: fileWith('auth.json', AUTH), pick: json },
        B: { kind: 'cmd', cmd: [process.execPath, '-e', `console.log(${JSON.stringify(AUTH)})`], pick: json },
        C: { kind: 'env', env: 'AUTH', pick: json },
        D: { kind: 'file', file: fileWith('d.env', 'X=1\nT="from-dotenv"\n'), pick: { format: 'dotenv', key: 'T' } },
      },
      { AUTH },
    );
    expect([...secrets].map(([name, secret]) => [name, secret.reveal()]).sort()).toEqual([
      ['A', 'from-json'],
      ['B', 'from-json'],
      ['C', 'from-json'],
      ['D', 'from-dotenv'],
    ]);
  });

  test('that is not there is named with its place, without the text', async () => {
    const pick = { format: 'json', key: 'tokens.refresh' } as const;
    const file = fileWith('auth-2.json', AUTH);
    expect(await failure(resolve({ A: { kind: 'file', file, pick } }))).toContain(
      `A (file ${file} (json tokens.refresh)): as json, it has no tokens.refresh`,
    );
    const torn = await failure(resolve({ A: { kind: 'env', env: 'TORN', pick } }, { TORN: '{"tokens": from-json' }));
    expect(torn).toContain('as json, it is no JSON');
    expect(torn).not.toContain('from-json');
  });
});

test('a command that gives nothing in time is ended, also one that will not go', async () => {
  const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
  const cmd = [process.execPath, '-e', stubborn];
  expect(await failure(resolve({ A: { kind: 'cmd', cmd, timeoutMs: 300 } }))).toContain('gave nothing within 0.3 s');
});

test('what a command started and left behind, its output open, is not waited for', async () => {
  const late = { A: { kind: 'cmd', cmd: ['sh', '-c', 'sleep 20 2>&-; true'], timeoutMs: 300 } } as const;
  expect(await failure(resolve(late))).toContain('gave nothing within 0.3 s');
  const cmd = ['sh', '-c', 'sleep 20 2>&- & echo value'];
  const { secrets } = await resolve({ A: { kind: 'cmd', cmd } });
  expect(secrets.get('A')?.reveal()).toBe('value');
});

describe('a store of secrets', () => {
  /** A program of that name that prints its arguments, one a line, joined by `|`. */
  const standIn = (name: string) => {
    const bin = join(directory, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, name), '#!/bin/sh\nprintf %s "$0"; for a; do printf "|%s" "$a"; done\n', { mode: 0o755 });
    return { PATH: `${bin}:${process.env.PATH}` };
  };

  test.each<[string, SecretStore, string]>([
    ['secret-tool', { kind: 'keychain', service: 'github', account: 'me' }, '|lookup|service|github|account|me'],
    ['op', { kind: 'op', reference: 'op://work/item name/token' }, '|read|--no-newline|op://work/item name/token'],
    ['vault', { kind: 'vault', path: 'secret/app', field: 'token' }, '|kv|get|-field=token|secret/app'],
    [
      'aws',
      { kind: 'aws', secret: 'prod/x', region: 'eu-1', profile: null },
      '|secretsmanager|get-secret-value|--secret-id|prod/x|--query|SecretString|--output|text|--region|eu-1',
    ],
    [
      'gcloud',
      { kind: 'gcp', secret: 'x', version: 'latest', project: 'p $(id)' },
      '|secrets|versions|access|latest|--secret=x|--project=p $(id)',
    ],
  ])('%s is asked by its own program, argument by argument', async (program, store, args) => {
    const { secrets } = await resolve({ A: { kind: 'store', store } }, standIn(program));
    expect(secrets.get('A')?.reveal()).toBe(`${join(directory, 'bin', program)}${args}`);
  });

  test('of macOS is asked by security', () => {
    expect(storeCommand({ kind: 'keychain', service: 's', account: null }, 'darwin')).toEqual([
      ...['security', 'find-generic-password', '-s', 's', '-w'],
    ]);
  });

  test('that is not installed is named', async () => {
    const store = { kind: 'op', reference: 'op://a/b/c' } as const;
    expect(await failure(resolve({ A: { kind: 'store', store } }, { PATH: '/nowhere' }))).toContain(
      'A (command op read --no-newline op://a/b/c): the command did not run (ENOENT)',
    );
  });
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
