import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bottle, freshDirectory } from './bottle-process.ts';

const directory = freshDirectory();

function specFile(name: string, egress: string): string {
  const file = join(directory, name);
  writeFileSync(file, `version: 1\nsecrets:\n  API_TOKEN: { env: BOTTLE_TEST_UNSET }\negress:\n${egress}`);
  return file;
}

const SPEC = specFile(
  'shop.yaml',
  `  allow:
    - host: api.example
      rules: ["GET /repos/acme/**", "POST /notes"]
      auth: { type: bearer, secret: API_TOKEN }
  deny: ["*.bad.example"]
`,
);
const githubToken = () => `ghp_${randomBytes(27).toString('base64url').replace(/[-_]/g, 'x')}`;

describe('bottle why', () => {
  test('says that a request would pass, by which rule, and what would be injected where; without the secret at hand', async () => {
    const { code, stdout, stderr } = await bottle(['why', SPEC, 'GET', 'https://api.example/repos/acme/web']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^allowed {2}GET https:\/\/api\.example\/repos\/acme\/web\n/);
    expect(stdout).toMatch(/ rule +allow\.0\n/);
    expect(stdout).toMatch(/ injects +API_TOKEN into header authorization \(bearer\)\n/);
  });

  test.each([
    [
      'a host that is not listed',
      ['GET', 'https://new.example/x'],
      /policy[\s\S]*new\.example is not in the allow list/,
    ],
    ['a path that no rule covers', ['GET', 'https://api.example/repos/other'], /policy[\s\S]*allow\.0/],
    ['a method that no rule covers', ['delete', 'https://api.example/repos/acme/web'], /DELETE[\s\S]*policy/],
    ['a denied host', ['GET', 'https://x.bad.example/'], /policy[\s\S]*deny\.0[\s\S]*denied at egress\.deny/],
    ['a path that leaves the rule', ['GET', 'https://api.example/repos/acme/%2e%2e/other'], /policy/],
    ['a metadata address', ['GET', 'http://169.254.169.254/'], /metadata[\s\S]*no line to add/],
    ['a token in the body', ['POST', 'https://api.example/notes', '--body', githubToken()], /dlp[\s\S]*github-token/],
    [
      'a token in a header',
      ['POST', 'https://api.example/notes', '-H', `x-note: ${githubToken()}`],
      /dlp[\s\S]*header x-note/,
    ],
  ])('%s is refused, with the reason', async (_, args, message) => {
    const { code, stdout, stderr } = await bottle(['why', SPEC, ...args]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^refused {2}/);
    expect(stdout).toMatch(message);
  });

  test('the body comes from a file or from stdin, too', async () => {
    const file = join(directory, 'note.txt');
    writeFileSync(file, `my token is ${githubToken()}`);
    const request = ['why', SPEC, 'POST', 'https://api.example/notes', '--body'];
    expect(await bottle([...request, `@${file}`])).toMatchObject({ code: 1 });
    expect(await bottle([...request, '-'], { input: githubToken() })).toMatchObject({ code: 1 });
    expect(await bottle([...request, '-'], { input: 'an innocent note' })).toMatchObject({ code: 0 });
  });

  test('the line that it proposes allows the request', async () => {
    const request = ['POST', 'https://new.example:8443/upload/7?name=x'];
    const before = await bottle(['why', specFile('before.yaml', '  allow: [api.example]\n'), ...request]);
    const line = /add under egress\.allow:\n +(- .*)\n/.exec(before.stdout)?.[1];
    expect(line).toBe('- { host: new.example, port: 8443, rules: ["POST /upload/*"] }');
    const after = await bottle([
      'why',
      specFile('after.yaml', `  allow:\n    - api.example\n    ${line}\n`),
      ...request,
    ]);
    expect(after).toMatchObject({ code: 0 });
  });

  test('a finding is lifted by a line inside the entry that found it', async () => {
    const { stdout } = await bottle(['why', SPEC, 'POST', 'https://api.example/notes', '--body', githubToken()]);
    expect(stdout).toContain('to allow it, add under egress.allow.0:\n      dlp: { except: [github-token] }');
  });

  test('--json is the decision for a program', async () => {
    const { code, stdout } = await bottle(['why', SPEC, 'GET', 'https://new.example/', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'block', stage: 'policy', spec_change: { do: 'add' } });
  });

  test.each([
    ['a URL that is none', [SPEC, 'GET', '/user'], /^bottle: "\/user" is no URL: .*absolute/],
    ['a method that is none', [SPEC, 'GET /', 'https://api.example/'], /^bottle: "GET \/" is no method: /],
    [
      'a header that is none',
      [SPEC, 'GET', 'https://api.example/', '-H', 'x'],
      /^bottle: --header does not understand "x": /,
    ],
    [
      'a spec that is not there',
      ['/nowhere.yaml', 'GET', 'https://api.example/'],
      /^bottle: cannot read the spec \/nowhere\.yaml: /,
    ],
    [
      'a body that is not there',
      [SPEC, 'POST', 'https://api.example/notes', '--body', '@/nowhere'],
      /^bottle: cannot read the body from \/nowhere: /,
    ],
  ])('%s is wrong input, told in one line', async (_, args, message) => {
    const { code, stdout, stderr } = await bottle(['why', ...args]);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 2, stdout: '', lines: 1 });
    expect(stderr).toMatch(message);
  });

  test('a bad spec is told with every problem at its place', async () => {
    const file = join(directory, 'bad.yaml');
    writeFileSync(file, 'version: 1\negres: {}\nagent:\n  netwrk: sealed\n');
    const { code, stderr } = await bottle(['why', file, 'GET', 'https://api.example/']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.yaml:2:1: .*egres.*\n.*bad\.yaml:4:3: .*netwrk/);
  });
});
