// Specs as a person meets them: init, check, show, presets.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bottle, freshDirectory } from './bottle-process.ts';

const EXAMPLES = fileURLToPath(new URL('../../bottles/', import.meta.url));

describe('bottle init', () => {
  test('prints a spec that bottle check finds right', async () => {
    const directory = freshDirectory();
    const { code, stdout, stderr } = await bottle(['init']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    writeFileSync(join(directory, 'mine.yaml'), stdout);
    expect(await bottle(['check', 'mine.yaml'], { cwd: directory })).toMatchObject({
      code: 0,
      stdout: 'mine.yaml: fine; nothing can be reached, no secrets\n',
      stderr: '',
    });
  });

  test('writes a new file, and never over an old one', async () => {
    const directory = freshDirectory();
    expect(await bottle(['init', 'mine.yaml'], { cwd: directory })).toMatchObject({ code: 0, stdout: '' });
    const written = readFileSync(join(directory, 'mine.yaml'), 'utf8');
    expect(written).toContain('version: 1');
    writeFileSync(join(directory, 'mine.yaml'), 'mine\n');
    expect(await bottle(['init', 'mine.yaml'], { cwd: directory })).toMatchObject({
      code: 2,
      stderr: 'bottle: cannot write mine.yaml: it is there already; give another name, or remove it first\n',
    });
    expect(readFileSync(join(directory, 'mine.yaml'), 'utf8')).toBe('mine\n');
  });
});

describe('bottle check', () => {
  test('finds every example right, from any directory', async () => {
    const files = ['claude', 'codex', 'gemini', 'opencode', 'demo'].map((name) => join(EXAMPLES, `${name}.yaml`));
    const { code, stdout, stderr } = await bottle(['check', ...files], { cwd: freshDirectory() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(files.length);
  });

  test('tells all problems of all files at once, each with its place, and nothing that is secret', async () => {
    const directory = freshDirectory();
    const token = `ghp_${'4x'.repeat(18)}`;
    writeFileSync(join(directory, 'good.yaml'), 'version: 1\n');
    writeFileSync(join(directory, 'one.yaml'), `version: 1\nagent:\n  imge: x\n  env: { GREETING: ${token} }\n`);
    writeFileSync(join(directory, 'two.yaml'), 'version: 1\negress:\n  allow: ["*.com"]\n');
    const { code, stdout, stderr } = await bottle(['check', 'good.yaml', 'one.yaml', 'two.yaml'], { cwd: directory });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^good\.yaml: fine; /);
    expect(stderr.split('\n').map((line) => line.split(';')[0])).toEqual([
      'one.yaml:3:3: unknown key "imge" in agent',
      'one.yaml:4:20: a GitHub token stands here',
      'two.yaml:3:11: allow.0 "*.com" covers every .com site',
      '',
    ]);
    expect(stdout + stderr).not.toContain(token);
  });

  test('gives the same as JSON', async () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'one.yaml'), 'version: 1\nnmae: x\n');
    const { code, stdout, stderr } = await bottle(['check', '--json', 'one.yaml'], { cwd: directory });
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toEqual([
      {
        file: 'one.yaml',
        ok: false,
        problems: [
          { file: 'one.yaml', line: 2, col: 1, what: 'unknown key "nmae"', why: '', fix: 'did you mean "name"?' },
        ],
        warnings: [],
      },
    ]);
  });

  test.each([
    ['nowhere.yaml', /^bottle: cannot read the spec nowhere\.yaml: there is no such file; /],
    ['.', /^bottle: cannot read the spec \.: it is a directory; /],
    ['latin1.yaml', /^bottle: cannot read the spec latin1\.yaml: it is not UTF-8 text; /],
  ])('says why %s cannot be read', async (file, message) => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'latin1.yaml'), Buffer.from('version: 1\nname: "b\xfccher"\n', 'latin1'));
    const { code, stderr } = await bottle(['check', file], { cwd: directory });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

describe('bottle show', () => {
  test('prints every default and every preset of a spec, as a spec again', async () => {
    const directory = freshDirectory();
    mkdirSync(join(directory, 'base'));
    writeFileSync(join(directory, 'base', 'deny.yaml'), 'version: 1\negress: { deny: ["*.evil.example"] }\n');
    writeFileSync(
      join(directory, 'mine.yaml'),
      'version: 1\nextends: base/deny.yaml\negress: { use: [github-read], allow: [a.example] }\n',
    );
    const first = await bottle(['show', 'mine.yaml'], { cwd: directory });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const shown = parse(first.stdout);
    expect(shown.agent.resources).toEqual({ cpus: 2, memory: '4g', pids: 1024 });
    expect(shown.egress.allow.map(({ id }: { id: string }) => id).slice(0, 2)).toEqual([
      'allow.0',
      'use.github-read.0',
    ]);
    expect(shown.egress.deny).toEqual(['*.evil.example']);
    writeFileSync(join(directory, 'again.yaml'), first.stdout);
    const again = await bottle(['show', 'again.yaml', '--json'], { cwd: directory });
    expect(JSON.parse(again.stdout)).toEqual(shown);
  });

  test('of a session that does not exist says so', async () => {
    const { code, stderr } = await bottle(['show', 'nothing'], {
      env: { BOTTLE_STATE_DIR: freshDirectory() },
      cwd: freshDirectory(),
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^bottle: no session "nothing": nothing was started yet; /);
  });
});

describe('bottle presets', () => {
  test('lists them, and prints the file of one', async () => {
    expect((await bottle(['presets'])).stdout).toMatch(
      /^github-read +GitHub: clone.*takes GH_TOKEN or GITHUB_TOKEN\)$/m,
    );
    const { code, stdout } = await bottle(['presets', 'openai']);
    expect(code).toBe(0);
    expect(parse(stdout).allow[0]).toMatchObject({ host: 'api.openai.com', auth: { secret: 'OPENAI_API_KEY' } });
  });

  test("one's own is a copy of such a file with another name, listed and used like the others", async () => {
    const config = freshDirectory();
    const env = { XDG_CONFIG_HOME: config };
    mkdirSync(join(config, 'bottle', 'presets'), { recursive: true });
    const { stdout: text } = await bottle(['presets', 'github-read']);
    writeFileSync(join(config, 'bottle', 'presets', 'mine.yaml'), text.replaceAll('github.com', 'git.example.com'));
    expect((await bottle(['presets'], { env })).stdout).toMatch(/^mine +GitHub: clone.*mine\.yaml\)$/m);
    const [mine] = JSON.parse((await bottle(['presets', '--json'], { env })).stdout).slice(-1);
    expect(mine).toMatchObject({ name: 'mine', secrets: ['GH_TOKEN', 'GITHUB_TOKEN'], needsSecret: false });
    const directory = freshDirectory();
    writeFileSync(join(directory, 'x.yaml'), 'version: 1\negress: { use: [mine] }\n');
    const shown = await bottle(['show', 'x.yaml', '--json'], { cwd: directory, env });
    expect(JSON.parse(shown.stdout).egress.allow[0]).toMatchObject({ id: 'use.mine.0', host: 'api.git.example.com' });
    const checked = await bottle(['check', 'x.yaml'], { cwd: directory, env: { XDG_CONFIG_HOME: freshDirectory() } });
    expect(checked).toMatchObject({ code: 2, stderr: expect.stringContaining('no preset is called "mine"') });
  });

  test('that is wrong says where', async () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'wrong.yaml'), 'version: 1\nabout: x\nallow:\n  - { hots: a.example }\n');
    const { code, stderr } = await bottle(['presets', './wrong.yaml'], { cwd: directory });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^wrong\.yaml:4:7: unknown key "hots" in allow\.0; .*did you mean "host"\?/m);
  });

  test('take the registry from what npm on this machine is told', async () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'x.yaml'), 'version: 1\negress: { use: [npm] }\n');
    const env = { npm_config_registry: 'https://packages.example/npm/' };
    const { stdout } = await bottle(['show', 'x.yaml', '--json'], { env, cwd: directory });
    expect(JSON.parse(stdout)).toMatchObject({
      agent: { env: { npm_config_registry: 'https://packages.example/npm/' } },
      egress: { allow: [{ host: 'packages.example', rules: ['GET,HEAD /npm/**'] }] },
    });
  });
});
