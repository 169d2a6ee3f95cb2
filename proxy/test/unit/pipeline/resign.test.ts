// A second implementation of the same signature, aws4, signs as an agent would with placeholders, and says what the real keys would have given.
import { randomBytes } from 'node:crypto';
import aws4 from 'aws4';
import { describe, expect, it } from 'vitest';
import { ChunkSigner } from '../../../src/pipeline/sign/chunk-signer.ts';
import { type AwsRule, resign } from '../../../src/pipeline/sign/resign.ts';
import type { SignableBody } from '../../../src/pipeline/sign/signing.ts';
import {
  chunkStringToSign,
  sha256,
  signingKey,
  signV4,
  trailerStringToSign,
} from '../../../src/pipeline/sign/sigv4.ts';

const random = (length: number) => randomBytes(length).toString('base64url').slice(0, length);
const PLACEHOLDER = { accessKeyId: `AKIA${random(16)}`, secretAccessKey: random(40) };
const REAL = { accessKeyId: `AKIA${random(16)}`, secretAccessKey: random(40) };
const DATE = '20261124T120000Z';
const NOW = new Date('2026-11-24T12:01:00Z');
const RULE: AwsRule = { placeholder: PLACEHOLDER.accessKeyId, services: null, regions: null };
const NONE: SignableBody = { kind: 'none' };

interface Signed {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly rawHeaders: readonly string[];
}

/** What the library makes of a request, with these keys. */
function signed(request: aws4.Request, keys: typeof REAL & { sessionToken?: string }): Signed {
  const copy = { ...request, headers: { 'X-Amz-Date': DATE, ...request.headers } };
  const done = aws4.sign(request.signQuery ? { ...request, path: `${request.path}&X-Amz-Date=${DATE}` } : copy, keys);
  const { host = '', ...headers } = Object.fromEntries(
    Object.entries(done.headers ?? {}).map(([name, value]) => [name === 'Host' ? 'host' : name, String(value)]),
  );
  return {
    method: done.method ?? 'GET',
    target: done.path ?? '/',
    host,
    rawHeaders: ['host', host, ...Object.entries(headers).flat()],
  };
}

const agents = (request: aws4.Request) => signed(request, PLACEHOLDER);
/** What we leave out of a signature, it leaves out as well. */
const expected = (request: aws4.Request, keys: Parameters<typeof signed>[1] = REAL) => {
  const asked: aws4.Request & { extraHeadersToIgnore: object } = {
    ...request,
    extraHeadersToIgnore: { 'content-length': true },
  };
  return signatureOf(signed(asked, keys));
};
const field = (rawHeaders: readonly string[], name: string) => {
  const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? '' : (rawHeaders[at + 1] ?? '');
};
const signatureOf = ({ target, rawHeaders }: { target: string; rawHeaders: readonly string[] }) =>
  /Signature=([0-9a-f]{64})(?:&|$)/.exec(target + field(rawHeaders, 'authorization'))?.[1];

describe('a request is signed as its real keys would have signed it', () => {
  const bytes = Buffer.from('Action=ListUsers&Version=2010-05-08');
  it.each<[string, aws4.Request, SignableBody]>([
    [
      'GET of S3',
      { service: 's3', region: 'eu-central-1', path: '/bucket/a%20b%2Fc/%C3%A4?list-type=2&prefix=a%2Fb' },
      NONE,
    ],
    [
      'PUT to S3',
      { service: 's3', region: 'eu-1', path: '/b/k', method: 'PUT', body: bytes.toString() },
      { kind: 'whole', bytes, isChanged: false },
    ],
    [
      'a query to IAM',
      { service: 'iam', path: '/', body: bytes.toString(), method: 'POST' },
      { kind: 'whole', bytes, isChanged: false },
    ],
    [
      'a path that is encoded twice',
      { service: 'execute-api', host: 'x.execute-api.eu-1.amazonaws.com', path: '/a%20b/ü?y=2&x=1&x=0' },
      NONE,
    ],
    ['a presigned URL', { service: 's3', region: 'eu-1', path: '/b/k?X-Amz-Expires=900', signQuery: true }, NONE],
  ])('%s', (_, request, body) => {
    const asked = agents(request);
    const made = resign(asked, { ...REAL, sessionToken: null }, RULE, body, NOW);
    expect(signatureOf(made)).toBe(expected(request));
    expect(signatureOf(made)).not.toBe(signatureOf(asked));
    const all = made.target + made.rawHeaders.join('\n');
    expect(all).toContain(REAL.accessKeyId);
    expect(all).not.toContain(PLACEHOLDER.accessKeyId);
    for (const keys of [REAL, PLACEHOLDER]) expect(all).not.toContain(keys.secretAccessKey);
  });

  it('with a session token, which is added and signed; the agent own one goes', () => {
    const sessionToken = random(100);
    const request = { service: 'sts', method: 'POST', path: '/', body: 'Action=GetCallerIdentity' };
    const body = { kind: 'whole', bytes: Buffer.from(request.body), isChanged: false } as const;
    const asked = signed(request, { ...PLACEHOLDER, sessionToken: 'agents-own' });
    const made = resign(asked, { ...REAL, sessionToken }, RULE, body, NOW);
    expect(field(made.rawHeaders, 'x-amz-security-token')).toBe(sessionToken);
    expect(made.rawHeaders.join()).not.toContain('agents-own');
    expect(signatureOf(made)).toBe(expected(request, { ...REAL, sessionToken }));
    const without = resign(asked, { ...REAL, sessionToken: null }, RULE, body, NOW);
    expect(field(without.rawHeaders, 'authorization')).not.toContain('security-token');
    expect(without.rawHeaders.map((text) => text.toLowerCase())).not.toContain('x-amz-security-token');
  });

  it('also when its body was redacted on the way', () => {
    const request = { service: 's3', region: 'eu-1', method: 'PUT', path: '/b/k', body: 'the agent wrote a secret' };
    const bytes = Buffer.from('the agent wrote [redacted]');
    const made = resign(
      agents(request),
      { ...REAL, sessionToken: null },
      RULE,
      { kind: 'whole', bytes, isChanged: true },
      NOW,
    );
    expect(field(made.rawHeaders, 'x-amz-content-sha256')).toBe(sha256(bytes));
  });

  it('without what a proxy may change', () => {
    const headers = { 'accept-encoding': 'gzip', 'Content-Length': '2' };
    const asked = agents({ service: 's3', region: 'eu-1', path: '/', headers });
    expect(field(asked.rawHeaders, 'authorization')).toMatch(/SignedHeaders=accept-encoding;/);
    const { rawHeaders } = resign(asked, { ...REAL, sessionToken: null }, RULE, NONE, NOW);
    expect(field(rawHeaders, 'authorization')).toMatch(/SignedHeaders=host;x-amz-content-sha256;x-amz-date,/);
    expect(field(rawHeaders, 'accept-encoding')).toBe('gzip');
  });
});

describe('is not signed, with the reason:', () => {
  const asked = agents({ service: 's3', region: 'eu-1', path: '/b/k' });
  const authorization = field(asked.rawHeaders, 'authorization');
  const withField = (name: string, value: string) =>
    asked.rawHeaders.map((text, i) => (i % 2 === 1 && asked.rawHeaders[i - 1]!.toLowerCase() === name ? value : text));
  const without = (name: string) =>
    asked.rawHeaders.filter((_, i) => asked.rawHeaders[i - (i % 2)]!.toLowerCase() !== name);
  const presigned = agents({ service: 's3', region: 'eu-1', path: '/b/k?X-Amz-Expires=900', signQuery: true });

  it.each<[string, Partial<Signed>, Partial<AwsRule>, SignableBody, RegExp]>([
    ['no signature', { rawHeaders: without('authorization') }, {}, NONE, /not signed/],
    ['another key', {}, { placeholder: 'AKIAOTHER' }, NONE, /not the placeholder/],
    ['two signatures', { rawHeaders: [...asked.rawHeaders, 'Authorization', authorization] }, {}, NONE, /twice/],
    ['a header and a query', { ...asked, target: presigned.target }, {}, NONE, /twice/],
    ['another scheme', { rawHeaders: withField('authorization', 'Bearer x') }, {}, NONE, /algorithm/],
    [
      'a scope with a slash',
      { rawHeaders: withField('authorization', authorization.replace('/s3/', '/s3/x/')) },
      {},
      NONE,
      /scope/,
    ],
    ['no host in it', { rawHeaders: withField('authorization', authorization.replace('host;', '')) }, {}, NONE, /host/],
    [
      'a field that is not there',
      { rawHeaders: withField('authorization', authorization.replace('host;', 'host;x-absent;')) },
      {},
      NONE,
      /x-absent/,
    ],
    [
      'a torn signature',
      { rawHeaders: withField('authorization', authorization.slice(0, -1)) },
      {},
      NONE,
      /signature is malformed/,
    ],
    ['no date', { rawHeaders: without('x-amz-date') }, {}, NONE, /X-Amz-Date/],
    ['two dates', { rawHeaders: [...asked.rawHeaders, 'X-Amz-Date', DATE] }, {}, NONE, /twice/],
    ['a date of another day', { rawHeaders: withField('x-amz-date', '20261123T120000Z') }, {}, NONE, /scope/],
    ['a date to come', { rawHeaders: withField('x-amz-date', '20261124T123000Z') }, {}, NONE, /later/],
    ['a date of an hour ago', { rawHeaders: withField('x-amz-date', '20261124T110000Z') }, {}, NONE, /expired/],
    ['another service', {}, { services: ['sts'] }, NONE, /service s3/],
    ['another region', {}, { regions: ['us-east-1'] }, NONE, /region eu-1/],
    ['a hash that is none', { rawHeaders: withField('x-amz-content-sha256', 'x') }, {}, NONE, /Sha256/],
    ['a body that may change', {}, {}, { kind: 'stream', mayChange: true }, /redacted/],
    [
      'a large body without a hash',
      { rawHeaders: without('x-amz-content-sha256') },
      {},
      { kind: 'stream', mayChange: false },
      /too large/,
    ],
    [
      'a URL that lives for ever',
      { ...presigned, target: presigned.target.replace('Expires=900', 'Expires=9999999') },
      {},
      NONE,
      /expires/,
    ],
    ['a URL with two keys', { ...presigned, target: `${presigned.target}&X-Amz-Credential=x` }, {}, NONE, /twice/],
  ])('%s', (_, change, rule, body, why) => {
    const run = () => resign({ ...asked, ...change }, { ...REAL, sessionToken: null }, { ...RULE, ...rule }, body, NOW);
    expect(run).toThrow(why);
  });
});

describe('version 4A', () => {
  it('names its regions in a field, which the rule judges', () => {
    const scope = `${PLACEHOLDER.accessKeyId}/20261124/s3/aws4_request`;
    const signature = randomBytes(71).toString('hex');
    const rawHeaders = [
      ...['Host', 'x.accesspoint.s3-global.amazonaws.com', 'X-Amz-Date', DATE, 'X-Amz-Region-Set', 'eu-1,eu-2'],
      ...['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD', 'Authorization'],
      `AWS4-ECDSA-P256-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-region-set, Signature=${signature}`,
    ];
    const request = { method: 'GET', target: '/k', host: 'x.accesspoint.s3-global.amazonaws.com', rawHeaders };
    const keys = { ...REAL, sessionToken: null };
    const made = resign(request, keys, { ...RULE, regions: ['eu-1', 'eu-2'] }, NONE, NOW);
    expect(field(made.rawHeaders, 'authorization')).toMatch(
      new RegExp(
        `^AWS4-ECDSA-P256-SHA256 Credential=${REAL.accessKeyId}/20261124/s3/aws4_request, .*Signature=[0-9a-f]{130,146}$`,
      ),
    );
    expect(() => resign(request, keys, { ...RULE, regions: ['eu-1'] }, NONE, NOW)).toThrow(/region eu-2/);
  });
});

describe('a stream of signed chunks', () => {
  const scope = { date: '20261124', region: 'eu-1', service: 's3' };
  const key = signingKey(REAL, scope);
  const sizes = [65_536, 65_536, 1024, 0];
  const datas = sizes.map((size) => randomBytes(size));
  const trailer = 'x-amz-checksum-crc32c:sOO8/Q==';

  function streamed(seed: string, keyOf: Buffer, hasTrailer: boolean): Buffer {
    const out: Buffer[] = [];
    let previous = seed;
    for (const [index, data] of datas.entries()) {
      previous = signV4(keyOf, chunkStringToSign(DATE, scope, previous, data));
      const isLast = index === datas.length - 1;
      const end = isLast && hasTrailer ? '' : '\r\n';
      out.push(Buffer.from(`${data.length.toString(16)};chunk-signature=${previous}\r\n`), data, Buffer.from(end));
    }
    if (hasTrailer) {
      const signature = signV4(keyOf, trailerStringToSign(DATE, scope, previous, `${trailer}\n`));
      out.push(Buffer.from(`${trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`));
    }
    return Buffer.concat(out);
  }

  const signing = (hasTrailer: boolean) => ({
    ...{ algorithm: 'AWS4-HMAC-SHA256', amzDate: DATE, scope: '20261124/eu-1/s3/aws4_request', hasTrailer },
    seed: 'f'.repeat(64),
    sign: (text: string) => signV4(key, text),
  });
  const agentsKey = signingKey(PLACEHOLDER, scope);

  it.each([
    [false, 1],
    [false, 1000],
    [true, 7],
    [true, 200_000],
  ])('is signed anew, with trailer %s, in pieces of %i bytes', (hasTrailer, step) => {
    const body = streamed('0'.repeat(64), agentsKey, hasTrailer);
    const signer = new ChunkSigner(signing(hasTrailer));
    const out: Buffer[] = [];
    // Byte by byte would join a large chunk again and again: only its edges are cut so finely.
    for (let at = 0; at < body.length; ) {
      const size = step === 1 && at > 300 && at < body.length - 2000 ? 50_000 : step;
      out.push(signer.push(body.subarray(at, at + size)));
      at += size;
    }
    signer.end();
    expect(Buffer.concat(out).equals(streamed('f'.repeat(64), key, hasTrailer))).toBe(true);
  });

  it.each<[string, (body: Buffer) => Buffer, RegExp]>([
    ['ends in the middle', (body) => body.subarray(0, 70_000), /in the middle/],
    ['goes on behind its end', (body) => Buffer.concat([body, Buffer.from('x')]), /follows/],
    [
      'has an unsigned chunk',
      (body) => Buffer.from(body.toString('latin1').replace(/;chunk-signature=\w+/, ''), 'latin1'),
      /not signed/,
    ],
    [
      'lies about a length',
      (body) => Buffer.from(body.toString('latin1').replace('10000;', '0ff00;'), 'latin1'),
      /longer|not signed/,
    ],
    ['names a chunk of gigabytes', () => Buffer.from(`ffffffff;chunk-signature=${'0'.repeat(64)}\r\n`), /larger/],
    ['has a head without end', () => Buffer.alloc(10_000, '1'), /no head/],
  ])('is refused when it %s', (_, change, why) => {
    const signer = new ChunkSigner(signing(false));
    expect(() => {
      signer.push(change(streamed('0'.repeat(64), agentsKey, false)));
      signer.end();
    }).toThrow(why);
  });
});
