// Requests that the proxy signs with a keyed hash, as they arrive at a TLS service that works the signature out from what it received.
import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HmacAuth } from '../../src/contract.ts';
import { githubToken } from '../unit/pipeline/session.ts';
import { connectHost } from './harness/client.ts';
import { answerOf, ask, connectH2, h2Upstream, open, requestList } from './harness/h2.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting, proxyTo } from './harness/setting.ts';
import { testAuthority } from './harness/upstream.ts';

const run = promisify(execFile);
const KEY = randomBytes(32).toString('base64');
const ID = `id-${randomBytes(12).toString('hex')}`;
const PLACEHOLDERS = {
  KEY: `bottle_${randomBytes(20).toString('hex')}`,
  ID: `bottle_${randomBytes(20).toString('hex')}`,
};
const SECRETS = [
  { name: 'KEY', value: KEY, placeholder: PLACEHOLDERS.KEY },
  { name: 'ID', value: ID, placeholder: PLACEHOLDERS.ID },
];
const AUTH: HmacAuth = {
  ...{
    type: 'hmac',
    secret: 'KEY',
    accessKey: 'ID',
    algorithm: 'sha256',
    encoding: 'base64',
    secretEncoding: 'base64',
  },
  message: '{timestamp}.{nonce}.{method}.{path}.{body}',
  headers: {
    'x-signature': 'v1={signature}',
    'x-timestamp': '{timestamp}',
    'x-nonce': '{nonce}',
    'x-key': '{access_key}',
  },
  query: {},
};
const HOLD_BYTES = 100_000;

interface Arrived {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Names as they came, in lower case. */
  readonly names: readonly string[];
  readonly body: Buffer;
  readonly isRight: boolean;
}

let proxy: RunningProxy;
let ca: string;
let key = KEY;
let arrived: Arrived[] = [];

beforeAll(async () => {
  ({ proxy } = await httpSetting(
    (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (chunk: Buffer) => pieces.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers, rawHeaders } = request;
        const body = Buffer.concat(pieces);
        const expected = signatureOf({ method, url, headers, body });
        const isRight = headers['x-signature'] === `v1=${expected}` && headers['x-key'] === ID;
        const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
        arrived.push({ url, headers, names, body, isRight });
        response.statusCode = isRight ? 200 : 401;
        response.setHeader('X-Echo', String(headers['x-signature']));
        const hex = Buffer.from(expected, 'base64').toString('hex');
        response.end(`${headers['x-signature']} ${encodeURIComponent(expected)} ${hex} ${headers['x-key']} end`);
      });
    },
    {
      secrets: SECRETS,
      route: { auth: AUTH, dlp: { onMatch: 'redact', except: [] } },
      limits: { holdBytes: HOLD_BYTES },
    },
  ));
  ca = join(proxy.directory, 'ca.pem');
  writeFileSync(ca, proxy.ca);
});
afterAll(endSettings);
beforeEach(() => {
  arrived = [];
});

function signatureOf(of: { method: string; url: string; headers: Record<string, unknown>; body: Buffer }): string {
  const mac = createHmac('sha256', Buffer.from(key, 'base64'));
  mac.update(`${of.headers['x-timestamp']}.${of.headers['x-nonce']}.${of.method}.${of.url}.`);
  return mac.update(of.body).digest('base64');
}

const curl = async (...args: string[]) =>
  (await run('curl', ['-sS', '--cacert', ca, '-x', `http://127.0.0.1:${proxy.port}`, ...args])).stdout;
const URL = `https://${HOST}/orders?limit=1&of=a%20b`;
const SCRUBBED = /^v1=\*{44} \*{44,} \*{64} \*{27} end$/;

function expectNothingIn(text: string): void {
  const [{ headers }] = arrived as [Arrived];
  const signature = String(headers['x-signature']).slice(3);
  const made = [signature, encodeURIComponent(signature), Buffer.from(signature, 'base64').toString('hex')];
  for (const value of [...made, KEY, ID, ...Object.values(PLACEHOLDERS)]) expect(text.includes(value)).toBe(false);
}

describe('arrives signed, and its signature does not come back', () => {
  const large = 'x'.repeat(HOLD_BYTES - 1000);
  it.each<[string, string[], string]>([
    ['GET', [], ''],
    ['POST', ['-d', 'a=1&b=größer'], 'a=1&b=größer'],
    ['an empty body', ['-X', 'POST', '-H', 'Content-Length: 0'], ''],
    ['chunks', ['-H', 'Transfer-Encoding: chunked', '-d', 'one'], 'one'],
    ['a body that just may be held', ['-d', large], large],
    ['GET over HTTP/2', ['--http2'], ''],
    ['POST over HTTP/2', ['--http2', '-d', 'two'], 'two'],
  ])('%s', async (_, args, body) => {
    const before = proxy.records().length;
    const answer = await curl('-i', ...args, URL);
    expect(arrived).toMatchObject([{ isRight: true }]);
    expect(arrived[0]!.body.toString()).toBe(body);
    expect(arrived[0]!.url).toBe('/orders?limit=1&of=a%20b');
    expect(answer.slice(answer.lastIndexOf('\r\n\r\n') + 4)).toMatch(SCRUBBED);
    expectNothingIn(answer);
    const records = (await proxy.recorded(before + 1)).slice(before);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ injected: ['KEY', 'ID'], verdict: 'allow', status: 200 });
    expectNothingIn(JSON.stringify(records));
  });

  it('bytes that are no text', async () => {
    const path = join(proxy.directory, 'bytes');
    const bytes = Buffer.concat([Buffer.from([0xed, 0xa0, 0x80, 0x0d, 0x0a, 0x00, 0xff]), randomBytes(200)]);
    writeFileSync(path, bytes);
    await curl('--data-binary', `@${path}`, '-H', 'Content-Type: application/octet-stream', URL);
    expect(arrived).toMatchObject([{ isRight: true }]);
    expect(arrived[0]!.body.equals(bytes)).toBe(true);
  });

  it('two of the same are signed each with its own nonce', async () => {
    await curl('-d', 'x', URL);
    await curl('-d', 'x', URL);
    expect(arrived.map(({ isRight }) => isRight)).toEqual([true, true]);
    expect(new Set(arrived.map(({ headers }) => headers['x-nonce'])).size).toBe(2);
    expect(new Set(arrived.map(({ headers }) => headers['x-signature'])).size).toBe(2);
  });

  it('a part of an answer is asked for under the same signature', async () => {
    await curl('-H', 'Range: bytes=3-9', URL);
    expect(arrived).toMatchObject([{ isRight: true }]);
  });
});

it('a body in which something was redacted is signed as it leaves', async () => {
  const token = githubToken();
  await curl('-H', 'Content-Type: application/json', '-d', JSON.stringify({ text: `here: ${token}` }), URL);
  expect(arrived).toMatchObject([{ isRight: true }]);
  expect(arrived[0]!.body.toString()).not.toContain(token);
  expect(proxy.records().at(-1)).toMatchObject({ verdict: 'redact' });
});

describe('an agent that signs by itself', () => {
  const forged = ['X-Signature: v1=mine', 'x_signature: v1=mine', 'X-Timestamp: 1', 'X-NONCE: mine', 'X-Key: mine'];

  it.each([
    ['h1', '--http1.1'],
    ['h2', '--http2'],
  ])('is not heard, over %s', async (_, version) => {
    await curl(version, ...forged.flatMap((field) => ['-H', field]), '-d', 'x', URL);
    const [{ isRight, names, headers }] = arrived as [Arrived];
    expect(isRight).toBe(true);
    expect(JSON.stringify(headers)).not.toContain('mine');
    expect(names.filter((name) => /signature|timestamp|nonce|key/.test(name)).sort()).toEqual(
      Object.keys(AUTH.headers).sort(),
    );
  });

  it('is not heard behind the body either', async () => {
    const client = await connectHost(proxy, HOST);
    client.send(`POST /orders HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    client.send('3\r\none\r\n0\r\nX-Key: mine\r\n\r\n');
    expect(await client.waitFor('trailer')).toMatch(/^HTTP\/1\.1 4/);
    expect(arrived).toEqual([]);
  });

  it('with a real credential in our place is a finding', async () => {
    await curl('-H', `X-Key: ${githubToken()}`, '-d', 'x', URL);
    expect(arrived).toMatchObject([{ isRight: true }]);
    expect(JSON.stringify(proxy.records().at(-1)!.findings)).toContain('header x-key (replaced)');
  });
});

describe('nothing leaves that', () => {
  it('is too large to be held whole', async () => {
    const before = proxy.records().length;
    const path = join(proxy.directory, 'large');
    writeFileSync(path, 'x'.repeat(3 * HOLD_BYTES));
    for (const args of [[], ['-H', 'Transfer-Encoding: chunked'], ['--http2']]) {
      expect(await curl(...args, '--data-binary', `@${path}`, URL)).toMatch(/cannot be held whole.*hold_bytes/s);
    }
    expect(arrived).toEqual([]);
    const records = (await proxy.recorded(before + 3)).slice(before);
    expect(records.map(({ rule, verdict }) => [rule, verdict])).toEqual(Array(3).fill(['signature', 'block']));
    expect(records.map(({ injected }) => injected)).toEqual([[], [], []]);
  });

  it.each([
    ['the placeholder of the key', PLACEHOLDERS.KEY],
    ['the placeholder of the id', PLACEHOLDERS.ID],
    ['the key', KEY],
    ["the key's bytes in hex", Buffer.from(KEY, 'base64').toString('hex')],
  ])('has %s in its body', async (_, value) => {
    await curl('-d', `a=${value}`, URL);
    // What is left of it is signed as it leaves.
    expect(arrived.map(({ body, isRight }) => [body.includes(value), isRight])).toEqual(
      arrived.map(() => [false, true]),
    );
    expect(proxy.records().at(-1)!.verdict).not.toBe('allow');
  });
});

it('a service of HTTP/2 gets the same', async () => {
  const authority = testAuthority();
  const upstream = await h2Upstream(authority, (stream) => {
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.end('fine');
    });
  });
  const there = await proxyTo(upstream, authority.certificatePem, { secrets: SECRETS, route: { auth: AUTH } });
  const session = await connectH2(there, HOST);
  const answer = await ask(session, requestList(HOST, 'POST', '/x?a=1', ['x-signature', 'v1=mine']), 'body');
  expect([answer.status, String(answer.body)]).toEqual([200, 'fine']);
  const get = open(session, requestList(HOST, 'GET', '/y'), { endStream: true });
  expect((await answerOf(get)).status).toBe(200);
  expect(upstream.requests).toHaveLength(2);
  for (const { raw, body } of upstream.requests) {
    const of = (name: string) => raw[raw.indexOf(name) + 1] ?? '';
    const headers = { 'x-timestamp': of('x-timestamp'), 'x-nonce': of('x-nonce') };
    const expected = signatureOf({ method: of(':method'), url: of(':path'), headers, body });
    expect(of('x-signature')).toBe(`v1=${expected}`);
    expect(raw.filter((name) => name === 'x-signature')).toHaveLength(1);
  }
});

it('a query is signed with the parameters of ours that it has, and the agent’s own are gone', async () => {
  const auth: HmacAuth = {
    ...{ ...AUTH, message: '{query}{body}', encoding: 'hex', headers: { 'x-apikey': '{access_key}' } },
    query: { timestamp: '{timestamp_ms}', signature: '{signature}' },
  };
  const urls: string[] = [];
  const { proxy: there } = await httpSetting(
    (request, response) => {
      urls.push(request.url ?? '');
      response.end(`echo ${request.url} end`);
    },
    { secrets: SECRETS, route: { auth } },
  );
  const client = await connectHost(there, HOST);
  client.send(`GET /o?symbol=X&signature=mine&timestamp=1&%73ignature=mine HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  const answer = await client.waitFor(' end');
  const [, query, signature] = /^\/o\?(symbol=X&timestamp=\d{13})&signature=([0-9a-f]{64})$/.exec(urls[0] ?? '') ?? [];
  expect(signature).toBe(createHmac('sha256', Buffer.from(KEY, 'base64')).update(String(query)).digest('hex'));
  expect(answer).toMatch(/&signature=\*{64} end$/);
});

it('a renewed key signs the next request; one that is no key is not taken', async () => {
  const said = (event: string) =>
    vi.waitFor(() => expect(proxy.events().map((one) => one.event)).toContain(event), 10_000);
  const next = randomBytes(32).toString('base64');
  proxy.tell({ do: 'renew', values: [{ name: 'KEY', value: `not base64: ${next}` }] });
  await said('not-renewed');
  await curl('-d', 'x', URL);
  proxy.tell({ do: 'renew', values: [{ name: 'KEY', value: next }] });
  await said('renewed');
  key = next;
  await curl('-d', 'x', URL);
  expect(arrived.map(({ isRight }) => isRight)).toEqual([true, true]);
});
