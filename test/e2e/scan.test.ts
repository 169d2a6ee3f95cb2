import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bottle, freshDirectory } from './bottle-process.ts';

const githubToken = () => `ghp_${randomBytes(27).toString('base64url').replace(/[-_]/g, 'x')}`;

function tree(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = freshDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

describe('bottle scan', () => {
  test('names file, line and column of a finding, in text and in what it decodes to, and never the text', async () => {
    const token = githubToken();
    const directory = tree({
      'src/app.env': `A=1\nB=2\n  TOKEN=${token}\n`,
      'b64.txt': `x\n${Buffer.from(`key ${token}`).toString('base64')}`,
      'packed.gz': gzipSync(`hidden ${token}`),
      'clean.md': 'ghp_ is how a token begins',
      'node_modules/x/index.js': token,
    });
    const { code, stdout, stderr } = await bottle(['scan', '.'], { cwd: directory });
    expect(code).toBe(1);
    expect(stdout.split('\n').sort()).toEqual([
      '',
      expect.stringMatching(/^b64\.txt:2:1: github-token in base64 \(40 characters, [0-9a-f]{16}\)$/),
      expect.stringMatching(/^packed\.gz:1:1: github-token in gzip \(40 characters, [0-9a-f]{16}\)$/),
      expect.stringMatching(/^src\/app\.env:3:9: github-token \(40 characters, [0-9a-f]{16}\)$/),
    ]);
    expect(stderr).toMatch(/^bottle: 4 files, .*: 3 findings, 1 left out/);
    expect(stdout + stderr).not.toContain(token.slice(4, 20));
    const all = await bottle(['scan', '--all', '--json', directory]);
    const found = all.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { file: string });
    expect(found.map(({ file }) => file)).toContain(join(directory, 'node_modules/x/index.js'));
  });

  test('a clean tree is exit code 0 and an empty stdout', async () => {
    const { code, stdout, stderr } = await bottle(['scan', tree({ 'a.txt': 'nothing here' })]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('1 file, 0.0 MB: nothing found');
  });

  test('reads stdin, and writes SARIF', async () => {
    const { code, stdout } = await bottle(['scan', '-', '--sarif'], { input: `\n\nkey: ${githubToken()}` });
    expect(code).toBe(1);
    const log = JSON.parse(stdout) as { runs: [{ results: [{ ruleId: string; locations: unknown }] }] };
    expect(log.runs[0].results).toMatchObject([
      {
        ruleId: 'github-token',
        locations: [
          { physicalLocation: { artifactLocation: { uri: 'stdin' }, region: { startLine: 3, startColumn: 6 } } },
        ],
      },
    ]);
  });

  test('reads the requests of a HAR file, not the responses', async () => {
    const [inHeader, inBody, inAnswer] = [githubToken(), githubToken(), githubToken()];
    const entry = {
      request: {
        method: 'POST',
        url: 'https://api.example/x',
        headers: [{ name: 'X-Key', value: inHeader }],
        postData: { mimeType: 'application/json', text: JSON.stringify({ deep: { key: inBody } }) },
      },
      response: { content: { text: inAnswer } },
    };
    const directory = tree({ 'saved.har': JSON.stringify({ log: { entries: [entry] } }) });
    const { stdout } = await bottle(['scan', 'saved.har', '--json'], { cwd: directory });
    const places = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { where: string }).where);
    expect(places).toEqual(['request 1 POST api.example header x-key', 'request 1 POST api.example body $.deep.key']);
  });

  test('a file that is too large to hold is searched to its end, with the right line', async () => {
    const line = `${'lorem ipsum '.repeat(80)}\n`;
    const before = line.repeat(Math.ceil((66 * 1024 * 1024) / line.length));
    const directory = tree({ 'large.log': `${before}token ${githubToken()}\n${line}` });
    const { code, stdout } = await bottle(['scan', 'large.log'], { cwd: directory });
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^large\\.log:${before.split('\n').length}:7: github-token \\(40 characters`));
  });

  test("a spec's detectors decide, and its secrets are searched for on request", async () => {
    const value = randomBytes(18).toString('hex');
    const directory = tree({
      'spec.yaml':
        'version: 1\nname: s\nsecrets:\n  API_TOKEN: { env: BOTTLE_TEST_SECRET }\ndlp:\n  detectors: [jwt]\n',
      'x.txt': `${githubToken()} and ${value}`,
    });
    const env = { BOTTLE_TEST_SECRET: value };
    const without = await bottle(['scan', '--spec', 'spec.yaml', 'x.txt'], { cwd: directory, env });
    expect({ code: without.code, stdout: without.stdout }).toEqual({ code: 0, stdout: '' });
    const known = await bottle(['scan', '--spec', 'spec.yaml', '--known', 'x.txt'], { cwd: directory, env });
    expect(known.stdout).toMatch(/^x\.txt:1:46: known-secret \(36 characters/);
    expect(known.stdout + known.stderr).not.toContain(value);
  });

  test.each([
    ['a target that is not there', ['scan', '/nowhere/x'], /cannot scan \/nowhere\/x/],
    ['two formats at once', ['scan', '.', '--json', '--sarif'], /choose one/],
    ['--known without a spec', ['scan', '.', '--known'], /add --spec/],
  ])('%s is wrong input, said in one line', async (_, args, message) => {
    const { code, stdout, stderr } = await bottle(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a link that leads nowhere is said; links below a directory are not followed', async () => {
    const directory = tree({ 'a.txt': githubToken() });
    symlinkSync('/nowhere', join(directory, 'broken'));
    expect((await bottle(['scan', join(directory, 'broken')])).stderr).toMatch(/a link that leads nowhere/);
    const { stdout, stderr } = await bottle(['scan', '.'], { cwd: directory });
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('1 left out');
  });
});
