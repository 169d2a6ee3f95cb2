// AWS requests signed with placeholders, by curl and by hand, as they arrive at a service that checks signatures with another implementation.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import aws4 from 'aws4';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chunkStringToSign, sha256, signingKey, signV4 } from '../../src/pipeline/sign/sigv4.ts';
import { connectHost } from './harness/client.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting } from './harness/setting.ts';

const run = promisify(execFile);
const text = (length: number) => randomBytes(length).toString('hex').slice(0, length);
const REAL = { accessKeyId: `AKIA${text(16).toUpperCase()}`, secretAccessKey: text(40), sessionToken: text(200) };
const HELD = { accessKeyId: `AKIA${text(16).toUpperCase()}`, secretAccessKey: `bottle-${text(40)}` };
const TOKEN_PLACEHOLDER = `bottle-${text(40)}`;

interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** What the real keys give for it. */
  readonly isRight: boolean;
}

let proxy: RunningProxy;
let ca: string;
let arrived: Arrived[] = [];

beforeAll(async () => {
  ({ proxy } = await httpSetting(
    (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (chunk: Buffer) => pieces.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const body = Buffer.concat(pieces);
        const isRight = judge(method, url, headers, body);
        arrived.push({ method, url, headers, body, isRight });
        // As S3 does: what it refuses it repeats.
        response.statusCode = isRight ? 200 : 403;
        response.end(`<AWSAccessKeyId>${REAL.accessKeyId}</AWSAccessKeyId> ${headers['x-amz-security-token']} end`);
      });
    },
    {
      secrets: [
        { name: 'ID', value: REAL.accessKeyId, placeholder: HELD.accessKeyId },
        { name: 'KEY', value: REAL.secretAccessKey, placeholder: HELD.secretAccessKey },
        { name: 'SESSION', value: REAL.sessionToken, placeholder: TOKEN_PLACEHOLDER },
      ],
      route: {
        auth: {
          type: 'sigv4',
          accessKey: 'ID',
          secret: 'KEY',
          sessionToken: 'SESSION',
          services: ['s3', 'sts'],
          regions: ['eu-1'],
        },
      },
      limits: { holdBytes: 200_000 },
    },
  ));
  ca = join(proxy.directory, 'ca.pem');
  writeFileSync(ca, proxy.ca);
});
afterAll(endSettings);
beforeEach(() => {
  arrived = [];
});

/** By the second implementation: its signature over what arrived, with the real keys. */
function judge(method: string, url: string, headers: IncomingMessage['headers'], body: Buffer): boolean {
  const given = /SignedHeaders=([^,]+), Signature=([0-9a-f]{64})/.exec(headers.authorization ?? '');
  const [, , region, service] = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  if (given === null || region === undefined || service === undefined) return judgePresigned(method, url);
  const names = given[1]!.split(';');
  const signed = Object.fromEntries(names.map((name) => [name, String(headers[name] ?? '')]));
  const request = {
    ...{ method, path: url, service, region, headers: signed, body },
    extraHeadersToIgnore: Object.fromEntries(
      ['content-length', 'content-type'].filter((name) => !names.includes(name)).map((name) => [name, true]),
    ),
  };
  const expected = String((aws4.sign(request, REAL).headers as Record<string, string>).Authorization);
  return expected.includes(`SignedHeaders=${given[1]}`) && expected.endsWith(`Signature=${given[2]}`);
}

function judgePresigned(method: string, url: string): boolean {
  const { pathname, searchParams } = new URL(url, `https://${HOST}`);
  const [, , region = '', service = ''] = (searchParams.get('X-Amz-Credential') ?? '').split('/');
  const signature = searchParams.get('X-Amz-Signature');
  const path = `${pathname}?X-Amz-Expires=${searchParams.get('X-Amz-Expires')}&X-Amz-Date=${searchParams.get('X-Amz-Date')}`;
  const made = aws4.sign({ method, host: HOST, path, service, region, signQuery: true }, REAL);
  return new URL(made.path ?? '', `https://${HOST}`).searchParams.get('X-Amz-Signature') === signature;
}

const curl = async (...args: string[]) =>
  (await run('curl', ['-sS', '--cacert', ca, '-x', `http://127.0.0.1:${proxy.port}`, ...args])).stdout;
const signing = (service: string, region = 'eu-1', keys = HELD) => [
  ...['--aws-sigv4', `aws:amz:${region}:${service}`, '--user', `${keys.accessKeyId}:${keys.secretAccessKey}`],
];

function expectNothingOf(secrets: readonly string[], where: string): void {
  for (const secret of secrets) expect(where.includes(secret)).toBe(false);
}

describe('what curl signed with placeholders arrives signed with the real keys', () => {
  it.each<[string, string[]]>([
    ['GET', ['/bucket/key?list-type=2&prefix=a%2Fb']],
    ['an upload', ['/bucket/key', '-X', 'PUT', '--data-binary', 'x'.repeat(50_000)]],
    ['over HTTP/2', ['/bucket/key', '--http2']],
  ])('%s', async (_, [path = '', ...args]) => {
    const answer = await curl(...signing('s3'), ...args, `https://${HOST}${path}`);
    expect(arrived).toMatchObject([{ isRight: true }]);
    const [{ headers, url }] = arrived as [Arrived];
    expect(headers['x-amz-security-token']).toBe(REAL.sessionToken);
    expectNothingOf(Object.values(HELD), JSON.stringify(headers) + url);
    // And nothing comes back.
    expect(answer).toMatch(/^<AWSAccessKeyId>\*{20}<\/AWSAccessKeyId> \*{200} end$/);
    const log = JSON.stringify(proxy.records());
    expectNothingOf([...Object.values(REAL), ...Object.values(HELD)], log);
    expect(proxy.records().at(-1)).toMatchObject({ injected: ['ID', 'KEY', 'SESSION'], verdict: 'allow' });
  });
});

it('a presigned URL is presigned anew', async () => {
  const request = { host: HOST, path: '/bucket/key?X-Amz-Expires=900', service: 's3', region: 'eu-1', signQuery: true };
  const { path } = aws4.sign(request, { ...HELD, sessionToken: TOKEN_PLACEHOLDER });
  await curl(`https://${HOST}${path}`);
  expect(arrived).toMatchObject([{ isRight: true }]);
  expectNothingOf([...Object.values(HELD), TOKEN_PLACEHOLDER], arrived[0]!.url);
  expect(arrived[0]!.url).toContain(encodeURIComponent(REAL.accessKeyId));
});

describe('a stream of signed chunks', () => {
  const sizes = [65_536, 65_536, 65_536, 65_536, 100, 0];
  const date = () => new Date().toISOString().replace(/[-:]|\.\d+/g, '');

  /** As an SDK uploads: the head's signature is the seed of the chunks'. */
  function upload(keys: typeof HELD, amzDate: string, datas: readonly Buffer[], seed: string): Buffer {
    const scope = { date: amzDate.slice(0, 8), region: 'eu-1', service: 's3' };
    const key = signingKey(keys, scope);
    let previous = seed;
    return Buffer.concat(
      datas.flatMap((data) => {
        previous = signV4(key, chunkStringToSign(amzDate, scope, previous, data));
        return [Buffer.from(`${data.length.toString(16)};chunk-signature=${previous}\r\n`), data, Buffer.from('\r\n')];
      }),
    );
  }

  it.each([
    ['held whole', 2],
    ['as it goes', 6],
  ])('arrives signed anew, %s', async (_, count) => {
    const amzDate = date();
    const datas = sizes.slice(-count).map((size) => randomBytes(size));
    const length = upload(HELD, amzDate, datas, '0'.repeat(64)).length;
    const decoded = datas.reduce((sum, data) => sum + data.length, 0);
    const headers = {
      ...{ Host: HOST, 'X-Amz-Date': amzDate, 'X-Amz-Content-Sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
      ...{
        'Content-Encoding': 'aws-chunked',
        'X-Amz-Decoded-Content-Length': String(decoded),
        'Content-Length': String(length),
      },
    };
    const signed = aws4.sign({ method: 'PUT', path: '/b/k', service: 's3', region: 'eu-1', headers }, HELD);
    const own = Object.entries(signed.headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    const seed = /Signature=(\w+)/.exec(own.join(''))![1]!;
    const client = await connectHost(proxy, HOST);
    client.send(`PUT /b/k HTTP/1.1\r\n${own.join('')}\r\n`);
    client.send(upload(HELD, amzDate, datas, seed));
    await client.waitFor(' end');
    const [{ headers: there, body, isRight }] = arrived as [Arrived];
    expect(isRight).toBe(true);
    expect(body).toHaveLength(length);
    const realSeed = /Signature=(\w+)/.exec(there.authorization ?? '')![1]!;
    expect(realSeed).not.toBe(seed);
    expect(body.equals(upload(REAL, amzDate, datas, realSeed))).toBe(true);
  });

  it('that stops being signed reaches nobody as a whole', async () => {
    const amzDate = date();
    const datas = sizes.map((size) => randomBytes(size));
    const body = upload(HELD, amzDate, datas, '0'.repeat(64));
    const cut = body.lastIndexOf(';chunk-signature=');
    const headers = {
      ...{ Host: HOST, 'X-Amz-Date': amzDate, 'X-Amz-Content-Sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
      ...{ 'Content-Encoding': 'aws-chunked', 'Content-Length': String(body.length) },
    };
    const signed = aws4.sign({ method: 'PUT', path: '/b/k', service: 's3', region: 'eu-1', headers }, HELD);
    const client = await connectHost(proxy, HOST);
    const own = Object.entries(signed.headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    client.send(`PUT /b/k HTTP/1.1\r\n${own.join('')}\r\n`);
    client.send(Buffer.concat([body.subarray(0, cut), Buffer.alloc(body.length - cut, 'x')]));
    await client.waitFor('its stream of chunks ends in the middle');
    expect(arrived).toEqual([]);
  });
});

describe('nothing leaves that is', () => {
  const asked = `https://${HOST}/bucket/key`;
  it.each<[string, string[], RegExp]>([
    ['not signed', [asked], /it is not signed/],
    [
      'signed with other keys',
      [...signing('s3', 'eu-1', { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' }), asked],
      /not the placeholder/,
    ],
    ['for another service', [...signing('iam'), asked], /service iam/],
    ['for another region', [...signing('s3', 'us-east-1'), asked], /region us-east-1/],
    ['with a bearer token instead', ['-H', `Authorization: Bearer ${HELD.accessKeyId}`, asked], /algorithm/],
    ['with the placeholder in its body', [...signing('s3'), '-d', HELD.secretAccessKey, asked], /placeholder/],
    ['with the placeholder in its path', [...signing('s3'), `${asked}/${HELD.accessKeyId}`], /placeholder/],
    ['with the real key in its body', [...signing('s3'), '-d', REAL.secretAccessKey, asked], /known-secret/],
  ])('%s', async (_, args, why) => {
    expect(await curl(...args)).toMatch(why);
    expect(arrived).toEqual([]);
  });

  it('in a parameter of a signature that is not there', async () => {
    const smuggled = text(40);
    await curl(...signing('s3'), `${asked}?X-Amz-Credential=${smuggled}&X-Amz-Security-Token=${smuggled}&a=1`);
    expect(arrived[0]?.url).toBe('/bucket/key?a=1');
    expect(arrived[0]?.isRight).toBe(true);
  });
});

it('a body whose hash the agent left out is hashed', async () => {
  const body = 'Action=GetCallerIdentity&Version=2011-06-15';
  const answer = await curl(...signing('sts'), '-d', body, `https://${HOST}/`);
  expect(answer).toMatch(/ end$/);
  expect(arrived).toMatchObject([{ isRight: true }]);
  expect(sha256(arrived[0]!.body)).toBe(sha256(body));
});
