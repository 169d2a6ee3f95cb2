// What README.md promises: its spec is fine, its commands do what stands beside them, its links lead somewhere.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { REPOSITORY } from '../integration/harness/run-bottle.ts';
import { bottle, freshDirectory } from './bottle-process.ts';

const readme = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
const directory = freshDirectory();
const project = join(directory, 'project');
const env = { BOTTLE_STATE_DIR: join(directory, 'state'), ANTHROPIC_API_KEY: `no-key-${crypto.randomUUID()}` };
afterAll(() => rmSync(directory, { recursive: true }));

const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```/gms)].map(([, kind = '', text = '']) => ({ kind, text }));
const yaml = blocks.find(({ kind }) => kind === 'yaml')?.text ?? '';
const specName = /^# (\S+\.yaml)$/m.exec(yaml)?.[1] ?? '';
const lines = blocks.filter(({ kind }) => kind === 'sh').flatMap(({ text }) => text.split('\n'));
const commands = lines.filter((line) => line.startsWith('bin/bottle ')).map((line) => line.replace(/\s+#.*$/, ''));

mkdirSync(project);
writeFileSync(join(project, specName), yaml);

/** The README's own words, in a directory that holds the README's own spec. */
const run = (command: string, input = '') =>
  bottle(command.replace(/^bin\/bottle\s+/, '').split(/\s+/), { cwd: project, env, input });

test('the tour has a spec and its commands', () => {
  expect(specName).toBe('mine.yaml');
  expect(commands.map((command) => command.split(/\s+/)[1])).toEqual(
    expect.arrayContaining(['check', 'show', 'plan', 'why', 'start', 'ps', 'logs', 'proxy']),
  );
});

test('every npm script, verb and link that it names is there', async () => {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { scripts: object };
  for (const [, name = ''] of readme.matchAll(/npm (?:run )?(demo|test|bench|\w+:\w+|check|setup)\b/g)) {
    expect(Object.keys(scripts)).toContain(name);
  }
  for (const [, link = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    expect(existsSync(join(REPOSITORY, link)), link).toBe(true);
  }
  const { stdout } = await bottle(['--help']);
  for (const [, verb = ''] of readme.matchAll(/bin\/bottle (\w+)/g))
    expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
});

describe('its commands', () => {
  const first = (verb: string) => commands.find((command) => command.startsWith(`bin/bottle ${verb} `)) ?? '';

  test('check, show and plan accept its spec', async () => {
    expect(await run(first('check'))).toMatchObject({ code: 0, stderr: '' });
    const shown = await run(first('show'));
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('api.anthropic.com');
    const planned = await run(first('plan'));
    expect(planned.code).toBe(0);
    expect(planned.stdout).toContain('CapDrop');
    expect(planned.stdout).not.toContain(env.ANTHROPIC_API_KEY);
  });

  test('why refuses what its spec does not allow, with the reason and the line that would', async () => {
    const { code, stdout } = await run(first('why'));
    expect(code).toBe(1);
    expect(stdout).toMatch(/^refused {2}GET https:\/\/api\.github\.com\/user\n/);
    expect(stdout).toContain('- { host: api.github.com, rules: ["GET /user"] }');
  });

  test('start runs a session whose refusal reads as shown, and logs finds it by its id', async () => {
    const refused = blocks.find(({ text }) => text.startsWith('$ curl'))?.text ?? '';
    const [, curl = '', promised = ''] = /^\$ (curl \S+)\n(.*)\(k3v…\)/.exec(refused) ?? [];
    const { code, stdout } = await run(first('start'), `${curl} 2>/dev/null\nexit 7\n`);
    expect(promised).toContain('is not in the allow list');
    expect(stdout).toContain(promised);
    expect(code).toBe(7);

    const { id } = JSON.parse(stdout) as { id: string };
    const found = await run(`bin/bottle logs --id ${id}`);
    expect(found.stdout).toContain('- { host: collector.example, rules: ["GET /"] }');
    expect((await run(first('logs'))).stdout).toContain(id);
  });
});
