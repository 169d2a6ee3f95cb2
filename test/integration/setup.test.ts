import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const repoRoot = join(import.meta.dirname, '../..');
const setup = join(repoRoot, 'scripts/setup.sh');

it('a second set-up finds everything, says so step by step, and installs nothing', async () => {
  const lock = readFileSync(join(repoRoot, 'package-lock.json'), 'utf8');
  const { stderr } = await execa('sh', [setup], { cwd: '/', stdin: 'ignore' });
  const lines = stderr.split('\n').filter((line) => line.startsWith('setup: '));
  expect(lines.map((line) => /^setup: (\w+)/.exec(line)?.[1])).toEqual([
    'node',
    'packages',
    'hooks',
    'gitleaks',
    'engine',
    'images',
    'everything',
  ]);
  expect(lines.at(-1)).toMatch(/^setup: everything is there \(\d+\.\d\d s\)$/);
  expect(readFileSync(join(repoRoot, 'package-lock.json'), 'utf8')).toBe(lock);
  console.log(lines.at(-1)); // the wanted bound is 3 s; a fact to read, as other work shares the machine
});

it('two set-ups at once end well', async () => {
  const both = await Promise.all([
    execa('sh', [setup], { stdin: 'ignore' }),
    execa('sh', [setup], { stdin: 'ignore' }),
  ]);
  for (const { stderr } of both) expect(stderr).toContain('setup: everything is there');
});

it('a step that fails ends the set-up and says which it was', async () => {
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  const { exitCode, stderr } = await execa('sh', [setup], { env, stdin: 'ignore', reject: false });
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/bottle: .*\/nowhere\/docker\.sock/);
  expect(stderr).toContain('setup: engine failed');
  expect(stderr).not.toContain('everything is there');
});

it('bin/bottle finds its source through a symlink, from any directory', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'bottle-link-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(repoRoot, 'bin/bottle'), join(folder, 'absolute'));
  symlinkSync('absolute', join(folder, 'relative'));
  const { stdout } = await execa(join(folder, 'relative'), ['--version'], { cwd: '/' });
  expect(stdout.trim()).toMatch(/\d+\.\d+\.\d+/);
});

it('bin/bottle says what to do where there is no Node that is new enough', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'bottle-node-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'node'), '#!/bin/sh\necho v20.20.2\n', { mode: 0o755 });
  const env = { PATH: `${folder}:/usr/bin:/bin`, XDG_DATA_HOME: folder };
  const { exitCode, stderr } = await execa(join(repoRoot, 'bin/bottle'), ['--version'], { env, reject: false });
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/no Node >= 24\.7.*npm --prefix .* run setup/);
});
