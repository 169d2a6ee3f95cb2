// A new user's first hour with the CLI on a real engine: from another directory, through a link, with two sessions of one name.
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leftOf, openEngine, until } from '../integration/harness/look-at-engine.ts';
import { BOTTLE, bottle, freshDirectory, type Running, startBottle } from './bottle-process.ts';

const directory = freshDirectory();
const name = `tour-${process.pid}`;
const env = { BOTTLE_STATE_DIR: join(directory, 'state'), TOUR_TOKEN: undefined };
const project = join(directory, 'project');
const docker = openEngine();
mkdirSync(project);
symlinkSync(BOTTLE, join(directory, 'bottle'));
afterAll(() => rmSync(directory, { recursive: true }));

const run = (args: readonly string[], input = '') => bottle(args, { cwd: project, env, input });

describe('a spec from "bottle init"', () => {
  test('is written once, is fine, and runs on the directory that it is started in, through a link', async () => {
    expect(await run(['init', 'mine.yaml'])).toMatchObject({ code: 0 });
    expect((await run(['init', 'mine.yaml'])).code).toBe(2);
    expect((await run(['check', 'mine.yaml'])).code).toBe(0);

    writeFileSync(join(project, 'read.txt'), 'from the host');
    const link = join(directory, 'bottle');
    const script = 'cat read.txt; echo from the agent > written.txt; head -c 9 mine.yaml';
    const { stdout } = await execa(link, ['start', 'mine.yaml', '--', 'sh', '-c', script], { cwd: project, env });
    // Its own spec is empty to it.
    expect(stdout).toBe('from the host');
    expect(readFileSync(join(project, 'written.txt'), 'utf8')).toBe('from the agent\n');
  });

  test('shows its phases on request, on stderr', async () => {
    const { stdout, stderr } = await run(['start', 'mine.yaml', '--timings', '--', 'echo', 'done']);
    expect(stdout).toBe('done\n');
    expect(stderr).toMatch(/^start-agent +\d+ +\d+/m);
  });

  test('can be looked at without being run', async () => {
    const { code, stdout } = await run(['start', 'mine.yaml', '--name', `dry-${name}`, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bottle dry-.*: sealed$/m);
    expect(await leftOf(docker, `dry-${name}`)).toEqual([]);
  });
});

test('a secret that is missing is named, and nothing is started', async () => {
  const file = join(project, 'secret.yaml');
  writeFileSync(file, `version: 1\nname: secret-${name}\nsecrets: { TOUR_TOKEN: { env: TOUR_TOKEN } }\n`);
  const { code, stdout, stderr } = await run(['start', file, '--', 'echo', 'ran']);
  expect(code).toBe(125);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^bottle: a secret has no value: TOUR_TOKEN .*the variable is not set/);
  expect(await leftOf(docker, `secret-${name}`)).toEqual([]);
});

describe('a session that runs', () => {
  let session: Running;
  beforeAll(async () => {
    writeFileSync(
      join(project, 'long.yaml'),
      `version: 1\nname: ${name}\nagent: { command: [sh, -c, "echo up; sleep 300"] }\n`,
    );
    session = startBottle(['start', 'long.yaml'], { cwd: project, env });
    await session.waitFor(/up/);
  });

  test('is listed, and takes programs and a shell', async () => {
    expect((await run(['ps'])).stdout).toMatch(new RegExp(`^${name} +${name}-[0-9a-f]{6} +running +sealed`, 'm'));
    expect(await run(['exec', name, '--', 'sh', '-c', 'cat; exit 7'], 'through')).toMatchObject({
      code: 7,
      stdout: 'through',
    });
    expect(await run(['shell', name], 'echo in the shell; exit 4\n')).toMatchObject({
      code: 4,
      stdout: 'in the shell\n',
    });
  });

  test('leaves room for a second one of its name, and its log is the one that is followed', async () => {
    expect(await run(['start', 'long.yaml', '--', 'true'])).toMatchObject({ code: 0 });

    const follow = startBottle(['logs', name, '--follow'], { cwd: project, env });
    await run(['exec', name, '--', 'curl', '-s', 'https://elsewhere.test/followed']);
    const seen = await follow.waitFor(/followed/);
    expect(seen).toMatch(/block +403 +GET elsewhere\.test\/followed/);
    follow.process.kill('SIGINT');
    expect((await follow.outcome).code).toBe(0);
  });

  test('is stopped by its name, and nothing is left of it but its log', async () => {
    expect((await run(['stop', name])).code).toBe(0);
    expect((await session.outcome).code).toBeGreaterThan(128);
    await until('nothing is left on the engine', async () => (await leftOf(docker, name)).length === 0);
    expect((await run(['stop', name])).code).toBe(2);
    const { stdout } = await run(['ps', '--all']);
    expect(stdout.split('\n').filter((line) => line.startsWith(`${name} `)).length).toBe(2);
  });
});
