import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BOTTLE, bottle, freshDirectory } from './bottle-process.ts';

const VERBS = [
  ...['start', 'plan', 'check', 'show', 'init', 'presets', 'ps', 'stop', 'exec', 'shell', 'reap'],
  ...['logs', 'why', 'proxy', 'doctor'],
];

describe('the program', () => {
  test('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await bottle(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('lists every verb in its help, and each verb has a help with an example', async () => {
    const { code, stdout } = await bottle(['--help']);
    expect(code).toBe(0);
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
    for (const verb of VERBS) {
      const help = await bottle([verb, '--help']);
      expect(help, verb).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout, verb).toMatch(new RegExp(`Examples?:\n +bottle ${verb}`));
    }
  });

  test('answers --help at once: no verb loads what only its action needs', async () => {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const begin = performance.now();
      await bottle(['--help']);
      times.push(performance.now() - begin);
    }
    // ~100 ms on an idle machine; an engine client or a validator alone would add as much again.
    expect(Math.min(...times)).toBeLessThan(250);
  });

  test('works through a symlink and from any directory', async () => {
    const link = join(mkdtempSync(join(tmpdir(), 'bottle-link-')), 'bottle');
    symlinkSync(BOTTLE, link);
    expect(execFileSync(link, ['--version'], { cwd: '/', encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('wrong input is told in one line, with exit code 2', () => {
  test.each([
    [['strat', 'x.yaml'], 'bottle: unknown command "strat"; did you mean "start"?\n'],
    [['lgos'], 'bottle: unknown command "lgos"; did you mean "logs"?\n'],
    [['logs', '--blokced'], 'bottle: unknown option "--blokced"; did you mean "--blocked"?\n'],
    [['why', 'x.yaml'], 'bottle: missing required argument "method"; see "bottle why --help"\n'],
    [
      ['proxy', '--spec', 'x.yaml'],
      'bottle: required option "--listen <addr:port>" not specified; see "bottle proxy --help"\n',
    ],
    [['frobnicate'], 'bottle: unknown command "frobnicate"; see "bottle --help"\n'],
  ])('bottle %j', async (args, message) => {
    expect(await bottle(args)).toMatchObject({ code: 2, stdout: '', stderr: message });
  });

  test('no verb at all prints the help', async () => {
    const { code, stderr } = await bottle([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: bottle VERB');
  });
});

describe('an expected failure', () => {
  const env = { BOTTLE_STATE_DIR: freshDirectory() };

  test('is one line', async () => {
    const { stderr } = await bottle(['logs'], { env });
    expect(stderr).toMatch(/^bottle: there is no session: .*; start one with "bottle start SPEC"\n$/);
  });

  test('has its stack with BOTTLE_DEBUG=1', async () => {
    const { stderr } = await bottle(['logs'], { env: { ...env, BOTTLE_DEBUG: '1' } });
    expect(stderr).toMatch(/\n +at .*sessions\.ts/);
  });
});

describe('bottle doctor', () => {
  test('names what is missing, with the fix, and looks at the rest', async () => {
    const { code, stdout } = await bottle(['doctor'], { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok {2}Node/m);
    expect(stdout).toMatch(
      /^no {2}engine +cannot reach Docker \(DOCKER_HOST\): \/nowhere\/docker\.sock does not exist\n +start Docker/m,
    );
  });

  test('gives its findings as JSON', async () => {
    const { stdout } = await bottle(['doctor', '--json'], { env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' } });
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ subject: 'engine', ok: false }));
  });
});
