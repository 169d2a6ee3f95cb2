// `cookies: hold`: an agent logs in and works with its session, and never has the cookie: judged by what arrives at the service, and what the agent gets.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { HELD_COOKIES } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { endSettings } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { httpUpstream, testAuthority } from './harness/upstream.ts';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const SID = `s_${hex(20)}`;
const MARK = `bottle-cookie-${hex(12)}`;
let proxy: RunningProxy;
let arrived: { host: string; cookie: string | undefined }[] = [];

beforeAll(async () => {
  const authority = testAuthority();
  const upstream = await httpUpstream(authority, (request, response) => {
    const { host = '', cookie } = request.headers;
    arrived.push({ host, cookie });
    if (request.url === '/login') {
      response.setHeader('set-cookie', [
        `sid=${SID}; Path=/; Secure; HttpOnly`,
        `lang=en`,
        'bad=1; Domain=evil.example',
      ]);
      response.setHeader('x-session', SID);
      response.end(`<p>welcome, your session is ${SID}</p>`);
    } else response.end(`cookie: ${cookie} ${Buffer.from(cookie ?? '').toString('base64')}`);
  });
  later(() => upstream.close());
  const hosts = ['app.example', 'other.example', 'plain.example'];
  const routes = hosts.map((host) => routeTo(host, host === 'plain.example' ? {} : { cookies: 'hold' }));
  const map = Object.fromEntries(hosts.map((host) => [`${host}:443`, upstream.address]));
  const secrets = [{ name: HELD_COOKIES, value: hex(24), placeholder: MARK }];
  const roots = authority.certificatePem;
  // Threads as many as it likes: what one has sealed, any opens.
  proxy = await startProxy((directory) =>
    testConfig(directory, { routes, secrets, map, roots, limits: { workers: 2 } }),
  );
  later(() => proxy.stop());
});
afterAll(endSettings);
beforeEach(() => {
  arrived = [];
});

async function get(host: string, path: string, fields: readonly string[] = []): Promise<string> {
  const client = await connectHost(proxy, host);
  client.send(`GET ${path} HTTP/1.1\r\n${[`Host: ${host}`, 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`);
  return client.ended();
}

async function login(): Promise<string> {
  const answer = await get('app.example', '/login');
  return /\r\nset-cookie: (sid=[^;]+); Path=\/; Secure; HttpOnly\r\n/i.exec(answer)![1]!;
}

it('what a login sets is sealed, and nothing else of the answer tells it', async () => {
  const answer = await get('app.example', '/login');
  expect(answer).toMatch(new RegExp(`\r\nset-cookie: sid=${MARK}\\.[\\w-]+; Path=/; Secure; HttpOnly\r\n`, 'i'));
  expect(answer).toMatch(new RegExp(`\r\nset-cookie: lang=${MARK}\\.[\\w-]+\r\n`, 'i'));
  expect(answer).not.toMatch(/evil\.example/);
  expect(answer).not.toContain(SID);
  expect(answer).toContain(`welcome, your session is ${'*'.repeat(SID.length)}`);
  expect(answer).toContain(`x-session: ${'*'.repeat(SID.length)}`);
  expect(proxy.records().at(-1)!.findings).toMatchObject([
    { detector: 'echoed-credential', where: 'response head' },
    { detector: 'echoed-credential', where: 'response body' },
  ]);
});

it('the service gets its own cookie back, and its echo is stars', async () => {
  const sealed = await login();
  arrived = [];
  for (let i = 0; i < 8; i++) {
    const answer = await get('app.example', '/', [`Cookie: theme=dark; ${sealed}`]);
    expect(answer).toContain(`cookie: theme=dark; sid=${'*'.repeat(SID.length)} `);
    expect(answer).not.toContain(Buffer.from(SID).toString('base64').slice(2, -4));
  }
  expect(arrived.map(({ cookie }) => cookie)).toEqual(Array(8).fill(`theme=dark; sid=${SID}`));
  expect(proxy.records().at(-1)).toMatchObject({ verdict: 'allow', injected: [HELD_COOKIES] });
  expect(JSON.stringify(proxy.records())).not.toContain(SID);
});

it.each<[string, string, (sealed: string) => string[]]>([
  ['to another host that holds cookies', 'other.example', (sealed) => [`Cookie: ${sealed}`]],
  ['to a host that does not', 'plain.example', (sealed) => [`Cookie: ${sealed}`]],
  ['under another name', 'app.example', (sealed) => [`Cookie: x${sealed}`]],
  ['in another field', 'app.example', (sealed) => [`X-Note: ${sealed}`]],
  ['in base64', 'app.example', (sealed) => [`X-Note: ${Buffer.from(sealed).toString('base64')}`]],
  [
    'with a letter changed',
    'app.example',
    (sealed) => [`Cookie: ${sealed.slice(0, -9)}${sealed.at(-9) === 'A' ? 'B' : 'A'}${sealed.slice(-8)}`],
  ],
])('a sealed cookie %s is refused as a placeholder where none may be', async (_what, host, fields) => {
  const sealed = await login();
  arrived = [];
  const answer = await get(host, '/', fields(sealed));
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  expect(arrived).toEqual([]);
  expect(proxy.records().at(-1)).toMatchObject({ verdict: 'block', stage: 'placeholder' });
});

it('in the query it is refused, too, and a cookie of the same name that the agent made itself passes as its own', async () => {
  const sealed = await login();
  expect(await get('app.example', `/?${sealed}`)).toMatch(/^HTTP\/1\.1 403 /);
  arrived = [];
  await get('app.example', '/', ['Cookie: sid=mine']);
  expect(arrived).toMatchObject([{ cookie: 'sid=mine' }]);
});
