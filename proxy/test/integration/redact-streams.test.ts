// Bodies too large to hold on a route that redacts: what real decoders at the upstream read, however they came compressed.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  brotliCompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Route } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { ask, connectH2, h2Upstream, requestList } from './harness/h2.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting, proxyTo } from './harness/setting.ts';
import { testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

const REDACTING: Partial<Route> = { dlp: { onMatch: 'redact', except: [] } };
const limits = { holdBytes: 16 * 1024 };
const REDACTED = /bottle-redacted-github-token-[0-9a-f]{8}/g;
const token = (): string => `ghp_${randomBytes(18).toString('hex')}`;
const filler = (bytes: number): string =>
  randomBytes(bytes / 2)
    .toString('hex')
    .replaceAll(/.{60}/g, '$&\n');

/** Two of one secret and one of another, among things that do not compress well. */
function conversation(): { readonly text: string; readonly redacted: string; readonly secrets: readonly string[] } {
  const [first, second] = [token(), token()];
  const parts = [filler(200_000), filler(70_000), filler(100_000), filler(90_000)];
  const text = JSON.stringify({ parts: [parts[0], first, parts[1], second, parts[2], first, parts[3]], n: 1.0 });
  return { text, redacted: text.replaceAll(/ghp_[0-9a-f]{36}/g, '#'), secrets: [first, second] };
}

function expectRedacted(content: string, { redacted, secrets }: ReturnType<typeof conversation>): void {
  for (const secret of secrets) expect(content).not.toContain(secret);
  const names = content.match(REDACTED) ?? [];
  expect(names).toHaveLength(3);
  expect(names[2]).toBe(names[0]);
  expect(names[1]).not.toBe(names[0]);
  expect(content.replaceAll(REDACTED, '#') === redacted).toBe(true);
}

const CODINGS: readonly (readonly [string, string, (data: Buffer) => Buffer, () => Transform])[] = [
  ['gzip', 'gzip', gzipSync, createGunzip],
  ['gzip in two members', 'gzip', (data) => halves(data, gzipSync), createGunzip],
  ['deflate', 'deflate', deflateSync, createInflate],
  ['raw deflate', 'deflate', deflateRawSync, createInflateRaw],
  ['br', 'br', brotliCompressSync, createBrotliDecompress],
  ['zstd', 'zstd', zstdCompressSync, createZstdDecompress],
  ['zstd in two frames', 'zstd', (data) => halves(data, zstdCompressSync), createZstdDecompress],
];

function halves(data: Buffer, encode: (part: Buffer) => Buffer): Buffer {
  const middle = data.length >> 1;
  return Buffer.concat([encode(data.subarray(0, middle)), encode(data.subarray(middle))]);
}

describe.each(CODINGS)('a large body in %s', (_, coding, encode, decoder) => {
  it('is redacted in step, in the same coding, with its length put right', async () => {
    const heard: { headers: IncomingMessage['headers']; content: string }[] = [];
    const { proxy } = await httpSetting(
      (request, response) => {
        buffer(request.pipe(decoder())).then(
          (content) => {
            heard.push({ headers: request.headers, content: content.toString() });
            response.end('hi');
          },
          (error: Error) => response.writeHead(400).end(error.message),
        );
      },
      { route: REDACTING, limits },
    );
    const talk = conversation();
    const body = encode(Buffer.from(talk.text));
    const client = await connectHost(proxy, HOST);
    client.send(
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Encoding: ${coding}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    for (let at = 0; at < body.length; at += 9000) client.send(body.subarray(at, at + 9000));
    await client.waitFor('HTTP/1.1 ');
    expect(heard).toHaveLength(1);
    expectRedacted(heard[0]!.content, talk);
    expect(heard[0]!.headers).toMatchObject({ 'content-encoding': coding, 'transfer-encoding': 'chunked' });
    expect(heard[0]!.headers['content-length']).toBeUndefined();
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ verdict: 'redact', status: 200 }]);
    expect(records[0]!.findings.map(({ detector }) => detector)).toEqual(Array(3).fill('github-token'));
  });

  it('is redacted from HTTP/2 to HTTP/2 as well', async () => {
    const authority = testAuthority();
    const upstream = await h2Upstream(authority, (stream) => {
      stream.on('end', () => stream.respond({ ':status': 204 }, { endStream: true }));
    });
    const proxy = await proxyTo(upstream, authority.certificatePem, { route: REDACTING, limits });
    const talk = conversation();
    const body = encode(Buffer.from(talk.text));
    const fields = ['content-encoding', coding, 'content-length', String(body.length)];
    const { status } = await ask(await connectH2(proxy, HOST), requestList(HOST, 'POST', '/', fields), body);
    expect(status).toBe(204);
    const { raw, body: sent } = upstream.requests[0]!;
    expect(raw).not.toContain('content-length');
    expectRedacted((await buffer(Readable.from([sent]).pipe(decoder()))).toString(), talk);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'redact', status: 204 }]);
  });
});

describe('a large compressed body that ends badly', () => {
  it('never ends at the upstream: a wrong checksum, a cut, something behind it', async () => {
    const talk = conversation();
    const good = gzipSync(talk.text);
    const wrong = Buffer.from(good);
    wrong[wrong.length - 6]! ^= 1;
    for (const body of [
      wrong,
      good.subarray(0, good.length - 4),
      Buffer.concat([good, Buffer.from(talk.secrets[0]!)]),
    ]) {
      const failed: Error[] = [];
      let ended = 0;
      const { proxy } = await httpSetting(
        (request) => {
          request.on('error', (error) => failed.push(error));
          request.on('end', () => ended++);
          request.resume();
        },
        { route: REDACTING, limits },
      );
      const client = await connectHost(proxy, HOST);
      client.send(
        `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      client.send(body);
      await client.waitFor('cannot be decoded');
      expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'undecodable', status: 403 }]);
      await until(() => failed.length === 1, 'the end of the request at the upstream');
      expect(ended).toBe(0);
    }
  });
});
