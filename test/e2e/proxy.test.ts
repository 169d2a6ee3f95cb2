import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { bottle, freshDirectory, type Running, startBottle } from './bottle-process.ts';
import { fetchThrough, startUpstream, type Upstream } from './upstream.ts';

const secret = `real-${randomBytes(24).toString('hex')}`;
const githubToken = `ghp_${randomBytes(18).toString('hex')}`;
const directory = freshDirectory();
const path = (name: string) => join(directory, name);

function write(name: string, text: string): string {
  writeFileSync(path(name), text);
  return path(name);
}

const SPEC = write(
  'shop.yaml',
  `version: 1
secrets:
  API_TOKEN: { env: BOTTLE_TEST_TOKEN }
egress:
  allow:
    - host: api.example
      rules: ["GET /repos/**", "POST /notes"]
      auth: { type: bearer, secret: API_TOKEN }
    - host: "10.9.8.7"
      allow_private: true
  deny: [denied.example]
`,
);

interface Proxy {
  readonly running: Running;
  readonly listening: string;
  readonly ca: string;
  readonly placeholder: string;
  readonly log: string;
  /** The proxy's own process. */
  readonly child: number;
}

let upstream: Upstream;

async function startProxy(name: string, extra: readonly string[] = []): Promise<Proxy> {
  const map = write(
    `${name}.map.json`,
    JSON.stringify({
      'api.example:443': `127.0.0.1:${upstream.port}`,
      '192.168.7.7:443': `127.0.0.1:${upstream.port}`,
    }),
  );
  const roots = write(`${name}.roots.pem`, upstream.ca);
  const log = path(`${name}.jsonl`);
  const args = ['--spec', SPEC, '--listen', '127.0.0.1:0', '--ca-out', path(`${name}.pem`), '--log', log];
  const running = startBottle(['proxy', ...args, '--upstream-map', map, '--upstream-ca', roots, ...extra], {
    env: { BOTTLE_TEST_TOKEN: secret },
  });
  const lines = (await running.waitFor(/\n/)).trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  const { listening, ca, placeholders } = JSON.parse(lines[0] ?? '');
  return {
    running,
    listening,
    ca: readFileSync(ca, 'utf8'),
    placeholder: placeholders.API_TOKEN,
    log,
    child: childOf(running.process.pid ?? 0),
  };
}

function childOf(pid: number): number {
  const [child, ...others] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(others).toEqual([]);
  return child ?? 0;
}

function recordsOf({ log }: Proxy): AuditRecord[] {
  return readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function waitUntilGone(pid: number): Promise<void> {
  const begin = Date.now();
  while (readdirSync('/proc').includes(String(pid))) {
    if (Date.now() - begin > 10_000) throw new Error(`process ${pid} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

describe('bottle proxy', () => {
  let proxy: Proxy;
  beforeAll(async () => {
    proxy = await startProxy('main');
  });
  afterAll(async () => {
    proxy.running.process.kill('SIGTERM');
    await proxy.running.outcome;
  });

  test('sends an allowed request on with the real credential in place of whatever the client had', async () => {
    const before = upstream.arrived.length;
    const answer = await fetchThrough(proxy.listening, proxy.ca, 'https://api.example/repos/a?q=1', {
      headers: { authorization: `Bearer ${proxy.placeholder}` },
    });
    expect(answer).toMatchObject({ status: 200, body: 'hello GET /repos/a?q=1' });
    expect(upstream.arrived.slice(before)).toMatchObject([
      { method: 'GET', url: '/repos/a?q=1', headers: { host: 'api.example', authorization: `Bearer ${secret}` } },
    ]);
    expect(recordsOf(proxy).at(-1)).toMatchObject({
      host: 'api.example',
      verdict: 'allow',
      status: 200,
      rule: 'allow.0',
      path: '/repos/a?q=',
      injected: ['API_TOKEN'],
    });
  });

  test.each([
    ['an unlisted host', 'https://evil.example/x', {}, 'policy', 'default'],
    ['a denied host', 'https://denied.example/', {}, 'policy', 'deny.0'],
    ['a path without a rule', 'https://api.example/admin', {}, 'policy', 'allow.0'],
    [
      'a token in a body',
      'https://api.example/notes',
      { method: 'POST', body: `x=${githubToken}` },
      'dlp',
      'github-token',
    ],
    ['the secret itself', 'https://api.example/notes', { method: 'POST', body: secret }, 'dlp', 'known-secret'],
    ['a private address, though it is mapped', 'https://192.168.7.7/', {}, 'policy', 'default'],
  ] as const)('%s is refused inside TLS, and nothing arrives', async (_, url, sent, stage, rule) => {
    const before = upstream.arrived.length;
    const answer = await fetchThrough(proxy.listening, proxy.ca, url, sent);
    expect(answer.status).toBe(403);
    const record = recordsOf(proxy).at(-1);
    expect(answer.headers['x-bottle-block']).toBe(`${stage} ${rule} ${record?.id}`);
    expect(JSON.parse(answer.body)).toMatchObject({ blocked: true, stage, rule, id: record?.id });
    expect(upstream.arrived).toHaveLength(before);
  });

  test('what a client was told is found again in bottle logs, with the line that would allow it', async () => {
    const answer = await fetchThrough(proxy.listening, proxy.ca, 'https://new.example/data/17');
    const { id } = JSON.parse(answer.body);
    const { stdout } = await bottle(['logs', '--log', proxy.log, '--blocked']);
    expect(stdout).toMatch(new RegExp(`block  new\\.example  1x .* id ${id}\n`));
    expect(stdout).toContain('- { host: new.example, rules: ["GET /data/*"] }');
    expect(await bottle(['logs', '--log', proxy.log, '--verify'])).toMatchObject({ code: 0 });
  });

  test('the secret is in no environment, no argument, no file and no output of ours', async () => {
    // This test's own process gave it to `bottle proxy` in a variable; the proxy itself got it by its stdin.
    for (const file of ['environ', 'cmdline']) {
      expect(readFileSync(`/proc/${proxy.child}/${file}`, 'latin1')).not.toContain(secret);
    }
    expect(readFileSync(`/proc/${proxy.running.process.pid}/cmdline`, 'latin1')).not.toContain(secret);
    for (const name of readdirSync(directory)) expect(readFileSync(path(name), 'latin1'), name).not.toContain(secret);
    expect(await proxy.running.waitFor(/\n/)).not.toContain(secret);
  });
});

describe('the end of bottle proxy', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends it in order, with exit code 0, and its child',
    async (signal) => {
      const proxy = await startProxy(`end-${signal}`);
      proxy.running.process.kill(signal);
      expect(await proxy.running.outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
      await waitUntilGone(proxy.child);
    },
  );

  test('kill -9 takes the child along', async () => {
    const proxy = await startProxy('killed');
    proxy.running.process.kill('SIGKILL');
    await proxy.running.outcome;
    await waitUntilGone(proxy.child);
  });

  test('a child that dies is a failure of ours, told in one line', async () => {
    const proxy = await startProxy('orphaned');
    process.kill(proxy.child, 'SIGKILL');
    const { code, stderr } = await proxy.running.outcome;
    expect(code).toBe(125);
    expect(stderr).toMatch(/^bottle: the proxy ended by itself: .*SIGKILL.*\n$/);
  });

  test('a second run goes on in the same log, and the chain holds', async () => {
    for (let run = 1; run <= 2; run++) {
      const proxy = await startProxy('twice');
      await fetchThrough(proxy.listening, proxy.ca, 'https://api.example/repos/a');
      proxy.running.process.kill('SIGTERM');
      await proxy.running.outcome;
    }
    const { code, stdout } = await bottle(['logs', '--log', path('twice.jsonl'), '--verify']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${path('twice.jsonl')}: 2 records, whole and unchanged\n` });
  });
});

describe('what bottle proxy cannot work with is told in one line', () => {
  const args = (more: Record<string, string> = {}) =>
    Object.entries({
      '--spec': SPEC,
      '--listen': '127.0.0.1:0',
      '--ca-out': path('x.pem'),
      '--log': path('x.jsonl'),
      ...more,
    }).flat();
  const env = { BOTTLE_TEST_TOKEN: secret };

  test.each([
    ['an address that is none', { '--listen': 'here' }, 2, /^bottle: --listen does not understand "here": /],
    [
      'a map that is none',
      { '--upstream-map': write('bad.json', '[]') },
      2,
      /^bottle: --upstream-map .*bad\.json is wrong: /,
    ],
    [
      'a map that is not there',
      { '--upstream-map': '/nowhere.json' },
      2,
      /^bottle: cannot read --upstream-map \/nowhere\.json: /,
    ],
    [
      'roots that are none',
      { '--upstream-ca': write('bad.pem', 'x') },
      2,
      /^bottle: --upstream-ca names .*, which holds no certificate/,
    ],
    ['a spec that is not there', { '--spec': '/nowhere.yaml' }, 2, /^bottle: cannot read the spec \/nowhere\.yaml: /],
    [
      'a directory that is not there',
      { '--ca-out': '/nowhere/ca.pem' },
      2,
      /^bottle: cannot write --ca-out \/nowhere\/ca\.pem: /,
    ],
    ['a log that cannot be written', { '--log': directory }, 125, /^bottle: .*log/],
  ])('%s', async (_, more, exitCode, message) => {
    const { code, stdout, stderr } = await bottle(['proxy', ...args(more)], { env });
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('a secret without a value', async () => {
    const { code, stderr } = await bottle(['proxy', ...args()], { env: { BOTTLE_TEST_TOKEN: undefined } });
    expect(code).toBe(125);
    expect(stderr).toMatch(/^bottle: a secret has no value: API_TOKEN \(env BOTTLE_TEST_TOKEN\): .*\n$/);
  });

  test('a port that somebody else has', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await bottle(['proxy', ...args({ '--listen': `127.0.0.1:${port}` })], { env });
    other.close();
    expect(code).toBe(125);
    expect(stderr).toMatch(new RegExp(`^bottle: .*${port}.*\n$`));
  });

  test('a way in from other machines is warned about', async () => {
    const running = startBottle(['proxy', ...args({ '--listen': '0.0.0.0:0' })], { env });
    await running.waitFor(/\n/);
    running.process.kill('SIGTERM');
    const { code, stderr } = await running.outcome;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^bottle: warning: 0\.0\.0\.0:0 can be reached from outside this machine/);
  });
});

test('a secret that a service no longer accepts is read again from its file, without a restart', async () => {
  const values = [0, 1].map(() => `real-${randomBytes(24).toString('hex')}`);
  const file = write('auth.json', '');
  const store = (value = '') => writeFileSync(file, JSON.stringify({ tokens: { access: value } }), { mode: 0o600 });
  chmodSync(file, 0o600);
  store(values[0]);
  const spec = write(
    'renewed.yaml',
    `version: 1
secrets: { API_TOKEN: { file: ${file}, json: tokens.access } }
egress: { allow: [{ host: api.example, auth: { type: bearer, secret: API_TOKEN } }] }
`,
  );
  const proxy = await startProxy('renewed', ['--spec', spec]);
  const arrivedWith = async () => {
    await fetchThrough(proxy.listening, proxy.ca, 'https://api.example/401');
    return upstream.arrived.at(-1)?.headers.authorization;
  };
  try {
    expect(await arrivedWith()).toBe(`Bearer ${values[0]}`);
    store(values[1]);
    await vi.waitFor(async () => expect(await arrivedWith()).toBe(`Bearer ${values[1]}`), {
      timeout: 60_000,
      interval: 500,
    });
    const log = readFileSync(proxy.log, 'utf8');
    for (const value of values) expect(log).not.toContain(value);
  } finally {
    proxy.running.process.kill('SIGTERM');
    await proxy.running.outcome;
  }
});
