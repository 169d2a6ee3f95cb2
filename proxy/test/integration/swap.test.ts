// A placeholder in the path or the body becomes the value there, for one host, and is stopped everywhere else: judged by what arrives.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting } from './harness/setting.ts';

/** With what JSON and forms escape. */
const VALUE = `12345:"${randomBytes(12).toString('hex')}"\\+&é`;
const PLACEHOLDER = `bottle-token-${randomBytes(20).toString('hex')}`;
let proxy: RunningProxy;
let arrived: { url: string; body: Buffer; length: string | undefined }[] = [];

beforeAll(async () => {
  ({ proxy } = await httpSetting(
    (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (chunk: Buffer) => pieces.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(pieces);
        arrived.push({ url: request.url ?? '', body, length: request.headers['content-length'] });
        response.setHeader('location', request.url ?? '');
        response.end(`echo ${body.toString()} end`);
      });
    },
    {
      secrets: [{ name: 'TOKEN', value: VALUE, placeholder: PLACEHOLDER }],
      route: { placeholder: { secret: 'TOKEN', in: ['path', 'body'] } },
      limits: { holdBytes: 10_000 },
    },
  ));
});
afterAll(endSettings);
beforeEach(() => {
  arrived = [];
});

async function send(path: string, body: Buffer | string = '', fields = ''): Promise<string> {
  const bytes = Buffer.from(body);
  const client = await connectHost(proxy, HOST);
  const length = bytes.length === 0 ? '' : `Content-Length: ${bytes.length}\r\n`;
  const method = bytes.length === 0 ? 'GET' : 'POST';
  client.send(`${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n${fields}${length}\r\n`);
  client.send(bytes);
  return client.ended();
}

it('in a path', async () => {
  const answer = await send(`/bot${PLACEHOLDER}/getMe?x=1`);
  expect(arrived).toMatchObject([{ url: `/bot${encodeURIComponent(VALUE)}/getMe?x=1` }]);
  expect(answer).toMatch(/^HTTP\/1\.1 200/);
  expect(answer).not.toContain(encodeURIComponent(VALUE));
  const [record] = proxy.records().slice(-1);
  expect(record).toMatchObject({ verdict: 'allow', injected: ['TOKEN'] });
  expect(record!.path).not.toContain(PLACEHOLDER);
});

it.each<[string, string, (inside: string) => string, string]>([
  [
    'JSON',
    'application/json',
    (inside) => `{"a":"x ${inside} y","b":[1.50,"${inside}"]}`,
    JSON.stringify(VALUE).slice(1, -1),
  ],
  ['JSON of a kind', 'application/vnd.api+json', (inside) => `"${inside}"`, JSON.stringify(VALUE).slice(1, -1)],
  [
    'a form',
    'application/x-www-form-urlencoded',
    (inside) => `grant=x&token=${inside}&z=%20`,
    encodeURIComponent(VALUE),
  ],
  ['text', 'text/plain', (inside) => `token ${inside}\r\n`, VALUE],
])('in a body of %s', async (_, type, body, there) => {
  const answer = await send('/', body(PLACEHOLDER), `Content-Type: ${type}\r\n`);
  expect(arrived.map((one) => one.body.toString())).toEqual([body(there)]);
  expect(arrived[0]!.length).toBe(String(Buffer.byteLength(body(there))));
  expect(answer).toMatch(/^HTTP\/1\.1 200.*echo .* end/s);
  expect(answer).not.toContain(there);
  const echo = { detector: 'echoed-credential', where: expect.stringMatching(/^response body/) };
  expect(proxy.records().at(-1)).toMatchObject({ verdict: 'allow', findings: [echo], injected: ['TOKEN'] });
});

describe('is stopped', () => {
  const base64 = Buffer.from(PLACEHOLDER).toString('base64');
  it.each<[string, string, string | Buffer, string]>([
    ['in a query', `/?t=${PLACEHOLDER}`, '', ''],
    ['in a header', '/', '', `X-Note: ${PLACEHOLDER}\r\n`],
    ['in base64 in a path', `/${base64}`, '', ''],
    ['in base64 in a body', '/', base64, ''],
    ['reversed beside one that is right', '/', `${PLACEHOLDER} ${[...PLACEHOLDER].reverse().join('')}`, ''],
    ['in a compressed body', '/', gzipSync(PLACEHOLDER), 'Content-Encoding: gzip\r\n'],
    ['in a body too large to be held', '/', `${PLACEHOLDER}${' '.repeat(20_000)}`, ''],
    ['as the value itself', '/', VALUE, ''],
  ])('%s', async (_, path, body, fields) => {
    expect(await send(path, body, fields)).toMatch(/^HTTP\/1\.1 403/);
    expect(arrived).toEqual([]);
    expect(proxy.records().at(-1)).toMatchObject({ verdict: 'block', injected: [] });
  });
});

it('what else is in the body is searched', async () => {
  const token = `ghp_${randomBytes(18).toString('hex')}`;
  expect(await send('/', `{"a":"${PLACEHOLDER}","b":"${token}"}`)).toContain('github-token');
  expect(arrived).toEqual([]);
});
