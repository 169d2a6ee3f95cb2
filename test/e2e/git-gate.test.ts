// `git:` of a spec with real git on both sides: what a push may do, judged by the refs and objects that the forge has afterwards.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createAuthority } from '../../proxy/src/ca/authority.ts';
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { freshDirectory, type Running, startBottle } from './bottle-process.ts';

const token = `real-${randomBytes(24).toString('hex')}`;
const directory = freshDirectory();
const forge = join(directory, 'forge');
const work = join(directory, 'work');
const log = join(directory, 'audit.jsonl');
const env: NodeJS.ProcessEnv = {
  ...process.env,
  ...{ HOME: directory, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
  ...{
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@x.example',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@x.example',
  },
};
const arrivals: { readonly method: string; readonly url: string; readonly authorization: string | undefined }[] = [];
let server: Server;
let proxy: Running;
let proxyUrl: string;

const SPEC = `version: 1
secrets: { FORGE_TOKEN: { env: BOTTLE_TEST_TOKEN } }
git:
  - { repo: forge.example/acme/shop, access: write, refs: ["agent/**", "refs/tags/agent-*"], secret: FORGE_TOKEN }
  - { repo: forge.example/acme/free, access: write, refs: ["**", "refs/tags/**"], force: true, delete: true, secret: FORGE_TOKEN }
  - { repo: forge.example/acme/seen, secret: FORGE_TOKEN }
egress:
  limits: { hold_bytes: 1m }
`;

beforeAll(async () => {
  mkdirSync(forge);
  const authority = createAuthority({ session: 'forge' });
  server = createServer({ SNICallback: (name, done) => done(null, authority.secureContext(name)) });
  server.on('request', (request, response) => {
    const { method = '', url = '', headers } = request;
    arrivals.push({ method, url, authorization: headers.authorization });
    const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
    if (headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="forge"' }).end('who are you');
      request.resume();
      return;
    }
    const [path = '', query = ''] = url.split('?');
    const backend = spawn('git', ['http-backend'], {
      env: {
        ...{ PATH: process.env.PATH, GIT_PROJECT_ROOT: forge, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: path },
        ...{ QUERY_STRING: query, REQUEST_METHOD: method, CONTENT_TYPE: headers['content-type'] ?? '' },
        ...{ REMOTE_USER: 'x', HTTP_CONTENT_ENCODING: `${headers['content-encoding'] ?? ''}` },
        ...{ GIT_PROTOCOL: `${headers['git-protocol'] ?? ''}`, HOME: directory },
      },
    });
    request.pipe(backend.stdin);
    request.on('aborted', () => backend.kill());
    backend.stdin.on('error', () => {});
    let head = Buffer.alloc(0);
    let isBody = false;
    backend.stdout.on('data', (chunk: Buffer) => {
      if (isBody) return void response.write(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      isBody = true;
      for (const line of head.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(/: (.*)/s);
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.write(head.subarray(end + 4));
    });
    backend.on('close', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const files = {
    'spec.yaml': SPEC,
    'map.json': JSON.stringify({ 'forge.example:443': `127.0.0.1:${(server.address() as AddressInfo).port}` }),
    'roots.pem': authority.certificatePem,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const path = (name: string) => join(directory, name);
  const args = [
    'proxy',
    '--spec',
    path('spec.yaml'),
    '--listen',
    '127.0.0.1:0',
    '--ca-out',
    path('ca.pem'),
    '--log',
    log,
  ];
  proxy = startBottle([...args, '--upstream-map', path('map.json'), '--upstream-ca', path('roots.pem')], {
    env: { BOTTLE_TEST_TOKEN: token },
  });
  proxyUrl = `http://${JSON.parse((await proxy.waitFor(/\n/)).split('\n')[0] ?? '').listening}`;
});

afterAll(async () => {
  proxy.process.kill('SIGTERM');
  await proxy.outcome;
  server.close();
  server.closeAllConnections();
});

function git(args: readonly string[], cwd = work) {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 28 });
  return { code: status, stdout: stdout.trim(), stderr };
}

function mustGit(args: readonly string[], cwd = work): string {
  const { code, stdout, stderr } = git(args, cwd);
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function commit(files: Readonly<Record<string, string | Buffer>>, message = 'work'): string {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(work, name), content);
  mustGit(['add', '-A']);
  mustGit(['commit', '-q', '--allow-empty', '-m', message]);
  return mustGit(['rev-parse', 'HEAD']);
}

const refsOf = (name: string) =>
  mustGit(['for-each-ref', '--format=%(refname) %(objectname)'], join(forge, 'acme', `${name}.git`));

/** Runs git asynchronously: the forge lives in this process. */
function through(
  args: readonly string[],
  cwd = work,
): Promise<{ readonly code: number | null; readonly text: string }> {
  const own = { ...env, https_proxy: proxyUrl, HTTPS_PROXY: proxyUrl, GIT_SSL_CAINFO: join(directory, 'ca.pem') };
  return new Promise((resolve) => {
    const child = spawn('git', args, { cwd, env: own });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    child.on('close', (code) => resolve({ code, text }));
  });
}

const push = (...args: string[]) => through(['push', ...args]);

async function expectPushed(name: string, ref: string, ...args: string[]) {
  const { code, text } = await push(...args);
  expect({ code, text }).toMatchObject({ code: 0 });
  expect(refsOf(name)).toContain(ref);
}

/** Nothing changes at the forge, and git shows the reason and the way out. */
async function expectRefused(name: string, words: RegExp, ...args: string[]) {
  const before = refsOf(name);
  const { code, text } = await push(...args);
  expect(text).toMatch(words);
  expect(code).not.toBe(0);
  expect(refsOf(name)).toBe(before);
}

/** Arguments of a push, once something was prepared. */
const having = (_prepared: string, ...args: string[]): readonly string[] => args;

beforeEach(() => {
  rmSync(work, { recursive: true, force: true });
  rmSync(join(forge, 'acme'), { recursive: true, force: true });
  mustGit(['init', '-q', '-b', 'main', work], directory);
  commit({ 'README.md': 'hello\n' }, 'first');
  for (const name of ['shop', 'free', 'seen', 'other']) {
    const bare = join(forge, 'acme', `${name}.git`);
    mustGit(['clone', '-q', '--bare', work, bare], directory);
    mustGit(['config', 'http.receivepack', 'true'], bare);
    mustGit(['config', 'receive.advertisePushOptions', 'true'], bare);
    mustGit(['remote', 'add', name, `https://forge.example/acme/${name}.git`]);
  }
  arrivals.length = 0;
});

describe('what may be pushed', () => {
  test('branches that the entry names: new, forward, many commits, a merge, and more than is held', async () => {
    mustGit(['switch', '-qc', 'agent/one']);
    const first = commit({ a: 'one\n' });
    await expectPushed('shop', `refs/heads/agent/one ${first}`, 'shop', 'agent/one');
    for (let i = 0; i < 30; i++) commit({ a: `${i}\n` }, `step ${i}`);
    await expectPushed('shop', `refs/heads/agent/one ${mustGit(['rev-parse', 'HEAD'])}`, 'shop', 'agent/one');
    mustGit(['switch', '-qc', 'side', 'main']);
    commit({ b: 'side\n' });
    mustGit(['switch', '-q', 'agent/one']);
    mustGit(['merge', '-q', '-m', 'merged', 'side']);
    await expectPushed('shop', `refs/heads/agent/one ${mustGit(['rev-parse', 'HEAD'])}`, 'shop', 'agent/one');
    const large = commit({ large: randomBytes(6 * 1024 * 1024).toString('latin1') });
    await expectPushed('shop', `refs/heads/agent/one ${large}`, 'shop', 'agent/one');
    mustGit(['fsck', '--strict'], join(forge, 'acme/shop.git'));
    expect(arrivals.every(({ authorization }) => authorization?.startsWith('Basic ') === true)).toBe(true);
  });

  test('tags and several refs that the entry names, with options of a push', async () => {
    mustGit(['branch', 'agent/x']);
    mustGit(['branch', 'agent/y']);
    mustGit(['tag', '-am', 'one', 'agent-1']);
    const { code } = await push('-o', 'ci.skip', 'shop', 'agent/x', 'agent/y', 'agent-1');
    expect(code).toBe(0);
    expect(refsOf('shop').split('\n')).toHaveLength(4);
  });

  test('clone and fetch work without a credential of the agent, with and without .git', async () => {
    for (const url of ['https://forge.example/acme/seen.git', 'https://forge.example/acme/seen']) {
      rmSync(join(directory, 'copy'), { recursive: true, force: true });
      expect(await through(['clone', '-q', url, 'copy'], directory)).toMatchObject({ code: 0 });
      expect(readFileSync(join(directory, 'copy/README.md'), 'utf8')).toBe('hello\n');
    }
    expect((await through(['fetch', 'shop', '--depth=1'])).code).toBe(0);
  });

  test('where the entry says so: other branches, rewriting, deleting, moving a tag', async () => {
    commit({ a: 'one\n' });
    await expectPushed('free', `refs/heads/main ${mustGit(['rev-parse', 'HEAD'])}`, 'free', 'main');
    mustGit(['commit', '-q', '--amend', '-m', 'again']);
    await expectPushed('free', `refs/heads/main ${mustGit(['rev-parse', 'HEAD'])}`, '--force', 'free', 'main');
    mustGit(['tag', 'v1']);
    mustGit(['branch', 'gone']);
    expect((await push('free', 'v1', 'gone')).code).toBe(0);
    commit({ a: 'two\n' });
    mustGit(['tag', '-f', 'v1']);
    expect((await push('--force', 'free', 'v1')).code).toBe(0);
    expect((await push('free', '--delete', 'gone')).code).toBe(0);
    expect(refsOf('free')).not.toContain('gone');
  });
});

describe('what may not', () => {
  test.each<[string, () => readonly string[], RegExp]>([
    [
      'another branch',
      () => ['shop', 'main:main2'],
      /refs\/heads\/main2 may not be pushed so: the entry lets only refs\/heads\/agent\/\*\*/,
    ],
    ['the default branch', () => having(commit({ a: 'x\n' }), 'shop', 'main'), /refs\/heads\/main may not be pushed/],
    ['a tag of another name', () => having(mustGit(['tag', 'v1']), 'shop', 'v1'), /refs\/tags\/v1 may not be pushed/],
    ['a ref of another kind', () => ['shop', 'main:refs/agent/x'], /refs\/agent\/x may not be pushed/],
    ['a branch whose name begins alike', () => ['shop', 'main:agentx'], /refs\/heads\/agentx may not/],
    [
      'one good and one bad ref',
      () => having(mustGit(['branch', 'agent/ok']), 'shop', 'agent/ok', 'main:evil'),
      /refs\/heads\/evil may not/,
    ],
    ['a mirror', () => having(mustGit(['branch', 'x']), '--mirror', 'shop'), /may not be pushed so/],
  ])('%s', async (_, prepare, words) => {
    await expectRefused('shop', words, ...prepare());
  });

  test('rewriting, deleting and moving tags', async () => {
    mustGit(['switch', '-qc', 'agent/one']);
    commit({ a: 'one\n' });
    mustGit(['tag', 'agent-1']);
    expect((await push('shop', 'agent/one', 'agent-1')).code).toBe(0);
    mustGit(['commit', '-q', '--amend', '-m', 'again']);
    await expectRefused('shop', /may rewrite history \(git\.0\); .*add `force: true`/, '--force', 'shop', 'agent/one');
    await expectRefused('shop', /may rewrite history/, '--force', 'shop', 'main:agent/one');
    await expectRefused('shop', /it would be deleted \(git\.0\); add `delete: true`/, 'shop', '--delete', 'agent/one');
    mustGit(['tag', '-f', 'agent-1']);
    await expectRefused('shop', /a ref that is no branch would be moved/, '--force', 'shop', 'agent-1');
    const large = commit({ large: randomBytes(3 * 1024 * 1024).toString('latin1') });
    expect(large).toBeTruthy();
    await expectRefused(
      'shop',
      /may rewrite history.*remote rejected\] agent\/one -> agent\/one/s,
      '--force',
      'shop',
      'agent/one',
    );
  });

  test('a repository that is only read, and one that is not named', async () => {
    await expectRefused('seen', /403|not in the allow list|bottle:/, 'seen', 'main:agent/x');
    const { code, text } = await through(['ls-remote', 'https://forge.example/acme/other.git']);
    expect({ code: code !== 0, text }).toMatchObject({ code: true, text: expect.stringMatching(/bottle: /) });
    expect(arrivals.filter(({ url }) => url.includes('other'))).toEqual([]);
  });

  test('a secret in the objects of a push to an allowed branch, small and streamed', async () => {
    const secret = `ghp_${randomBytes(64)
      .toString('base64')
      .replace(/[^A-Za-z0-9]/g, '')
      .slice(0, 36)}`;
    mustGit(['switch', '-qc', 'agent/leak']);
    commit({ config: `t = "${secret}"\n` });
    await expectRefused('shop', /remote: bottle: github-token/, 'shop', 'agent/leak');
    commit({ filler: randomBytes(4 * 1024 * 1024).toString('latin1') });
    // This forge begins its answer before it has read the pack: what is found later can only break it off.
    await expectRefused('shop', /remote: bottle: github-token|RPC failed/, 'shop', 'agent/leak');
    commit({ real: token }, 'the real one');
    await expectRefused('shop', /remote: bottle: |RPC failed/, 'shop', 'agent/leak');
    expect(readFileSync(log, 'utf8')).not.toContain(secret);
  });
});

describe('requests that no git client makes', () => {
  const zero = '0'.repeat(40);
  const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;

  function body(kind: string, id: string): Buffer {
    const good = `${zero} ${id} refs/heads/agent/x`;
    const bad = `${zero} ${id} refs/heads/main2`;
    const capabilities = '\0report-status side-band-64k';
    const pack = execFileSync('git', ['pack-objects', '--stdout', '-q'], { cwd: work, env, input: '' });
    const text: Record<string, string> = {
      'a bad ref first': `${packet(bad + capabilities)}0000`,
      'a bad ref second': `${packet(good + capabilities)}${packet(bad)}0000`,
      'capital hex digits': `${packet(good + capabilities)}${packet(bad).replace(/^..../, (d) => d.toUpperCase())}0000`,
      'a length with a sign': `+0${packet(good + capabilities).slice(2)}0000`,
      'a delimiter between': `${packet(good + capabilities)}0001${packet(bad)}0000`,
      'an end of response between': `${packet(good + capabilities)}0002${packet(bad)}0000`,
      'an empty packet': `${packet(good + capabilities)}0004${packet(bad)}0000`,
      'capabilities twice': `${packet(good + capabilities)}${packet(bad + capabilities)}0000`,
      'a NUL in the name': `${packet(`${good}\0${'x'}`)}${packet(`${bad}`)}0000`,
      'a line feed in the name': `${packet(`${zero} ${id} refs/heads/agent/x\n${bad}${capabilities}`)}0000`,
      'dots in the name': `${packet(`${zero} ${id} refs/heads/agent/../main${capabilities}`)}0000`,
      'a name with a blank': `${packet(`${zero} ${id} refs/heads/agent/x y${capabilities}`)}0000`,
      'no commands but a pack': '0000',
      'a certificate': `${packet(`push-cert\0${capabilities}\n`)}${packet('certificate version 0.1\n')}${packet('push-cert-end\n')}0000`,
      'commands that are cut': packet(good + capabilities).slice(0, 30),
      'a shallow line with a ref': `${packet(`shallow ${id} refs/heads/main2`)}${packet(good + capabilities)}0000`,
      'a second list after the flush': `${packet(good + capabilities)}0000${packet(bad + capabilities)}0000`,
    };
    return Buffer.concat([Buffer.from(text[kind] ?? '', 'latin1'), pack]);
  }

  async function post(
    content: Buffer,
    headers: Readonly<Record<string, string>> = {},
    path = '/acme/shop.git/git-receive-pack',
  ) {
    const args = [
      '-sS',
      '--cacert',
      join(directory, 'ca.pem'),
      '-x',
      proxyUrl,
      '--data-binary',
      '@-',
      '-o',
      '-',
      '-w',
      '\n%{http_code}',
    ];
    const fields = Object.entries({ 'content-type': 'application/x-git-receive-pack-request', ...headers });
    const child = spawn('curl', [
      ...args,
      ...fields.flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      `https://forge.example${path}`,
    ]);
    child.stdin.end(content);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    await new Promise((resolve) => child.on('close', resolve));
    return text;
  }

  test.each([
    ...['a bad ref first', 'a bad ref second', 'capital hex digits', 'a length with a sign', 'a delimiter between'],
    ...[
      'an end of response between',
      'an empty packet',
      'capabilities twice',
      'a NUL in the name',
      'a line feed in the name',
    ],
    ...[
      'dots in the name',
      'a name with a blank',
      'a certificate',
      'commands that are cut',
      'a shallow line with a ref',
    ],
    ...['no commands but a pack', 'a second list after the flush'],
  ])('%s changes no other ref', async (kind) => {
    const id = mustGit(['rev-parse', 'HEAD']);
    await post(body(kind, id));
    await post(body(kind, id), { 'transfer-encoding': 'chunked' });
    expect(
      refsOf('shop')
        .split('\n')
        .filter((line) => !line.includes('agent/x')),
    ).toEqual([`refs/heads/main ${id}`]);
  });

  test('a body that is compressed is refused: the forge would decode it', async () => {
    const id = mustGit(['rev-parse', 'HEAD']);
    const bad = `${packet(`${zero} ${id} refs/heads/main2\0report-status`)}0000`;
    const text = await post(gzipSync(Buffer.from(bad, 'latin1')), { 'content-encoding': 'gzip' });
    expect(text).toMatch(/bottle/);
    expect(refsOf('shop')).not.toContain('main2');
    expect(arrivals.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  test.each([
    '/acme/shop.git/../other.git/git-receive-pack',
    '/acme/shop/git-receive-pack/',
    '/acme/shop.git//git-receive-pack',
    '/acme/shop.git/git-receive-pack%2f',
    '/acme/SHOP.git/git-receive-pack',
    '/acme/shop.git/git-receive-pack?service=git-upload-pack',
    '/acme/shop.git/info/../git-receive-pack',
    '/acme/shop.git/objects/00/00',
  ])('%s gives no way around', async (path) => {
    const id = mustGit(['rev-parse', 'HEAD']);
    const bad = `${packet(`${zero} ${id} refs/heads/main2\0report-status`)}0000`;
    await post(Buffer.from(bad, 'latin1'), {}, path);
    for (const name of ['shop', 'other']) expect(refsOf(name)).not.toContain('main2');
  });
});

test('every push has its record, with the rule that refused it', async () => {
  await push('shop', 'main:evil');
  await vi.waitFor(() => {
    const records = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): AuditRecord => JSON.parse(line));
    const last = records.findLast(({ path }) => path.endsWith('/git-receive-pack'));
    expect(last).toMatchObject({ verdict: 'block', stage: 'policy', rule: 'push', injected: [] });
    expect(last?.reason).toMatch(/^refs\/heads\/evil may not be pushed so: /);
  });
});
