// AWS Signature Version 4 and 4A: canonical request, keys, signatures. Pure. Sources: AWS General Reference, "Create a signed AWS API
// request"; Amazon S3 API Reference, "Authenticating Requests" (header, query and chunked forms).
import { createECDH, createHash, createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';

export type Algorithm = 'AWS4-HMAC-SHA256' | 'AWS4-ECDSA-P256-SHA256';

/** `x-amz-content-sha256` of a body that is not part of the signature. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
export const EMPTY_SHA256 = sha256('');

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Scope {
  /** `20260131`, UTC. */
  readonly date: string;
  /** '' in the scope of version 4A, which names regions in a header. */
  readonly region: string;
  readonly service: string;
}

export interface CanonicalParts {
  readonly method: string;
  /** As it is sent: percent-encoded, without the query. */
  readonly path: string;
  /** As it is sent: percent-encoded, without `?`; '' for none. Without the parameter that holds the signature. */
  readonly query: string;
  /** `[name, value, name, value, ...]`; those that are not in `signedHeaders` are left out. */
  readonly rawHeaders: readonly string[];
  /** Lower case, ascending. */
  readonly signedHeaders: readonly string[];
  /** SHA-256 in hex, or one of the words that stand for none. */
  readonly payloadHash: string;
  readonly service: string;
}

/** `20260131/eu-central-1/s3/aws4_request` */
export function scopeText({ date, region, service }: Scope): string {
  return [date, ...(region === '' ? [] : [region]), service, 'aws4_request'].join('/');
}

export function canonicalRequest(parts: CanonicalParts): string {
  const { method, rawHeaders, signedHeaders, payloadHash } = parts;
  return [
    method,
    canonicalPath(parts.path, parts.service),
    canonicalQuery(parts.query),
    ...signedHeaders.map((name) => `${name}:${valuesOf(rawHeaders, name)}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/** `amzDate`: `20260131T120000Z`. */
export function stringToSign(algorithm: Algorithm, amzDate: string, scope: Scope, canonical: string): string {
  return [algorithm, amzDate, scopeText(scope), sha256(canonical)].join('\n');
}

/** S3 takes the path as it is, once encoded; every other service the normalised path, encoded again. */
function canonicalPath(path: string, service: string): string {
  if (service === 's3' || service === 's3express' || service === 's3-outposts') {
    return encodeText(decodeText(path)).replaceAll('%2F', '/');
  }
  return withoutDots(path).split('/').map(encodeText).join('/');
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') kept.pop();
    else if (step !== '' && step !== '.') kept.push(step);
  }
  const isOpen = /\/(?:\.{1,2})?$/.test(path) && kept.length > 0;
  return `/${kept.join('/')}${isOpen ? '/' : ''}`;
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part): readonly [string, string] => {
      const equals = part.indexOf('=');
      const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
      return [reencoded(name), reencoded(value)];
    })
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Every byte but the unreserved characters as `%XX` (RFC 3986, 2.3), however it was written. */
const reencoded = (text: string): string => encodeText(decodeText(text));

/** Latin1. */
function decodeText(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** `text`: latin1, a byte a character. */
function encodeText(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-._~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function valuesOf(rawHeaders: readonly string[], name: string): string {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!.trim().replace(/\s+/g, ' '));
  }
  return values.join(',');
}

// ---------------------------------------------------------------- version 4

export function signingKey({ secretAccessKey }: SigningKeys, { date, region, service }: Scope): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`, 'utf8');
  for (const step of [date, region, service, 'aws4_request']) key = hmac(key, step);
  return key;
}

export function signV4(key: Buffer, text: string): string {
  return hmac(key, text).toString('hex');
}

/** What each chunk of a signed stream is signed by; `previous`: the signature before it. */
export function chunkStringToSign(amzDate: string, scope: Scope, previous: string, data: Uint8Array): string {
  const words = ['AWS4-HMAC-SHA256-PAYLOAD', amzDate, scopeText(scope), previous, EMPTY_SHA256, sha256(data)];
  return words.join('\n');
}

/** The same for the trailer; `trailer`: `name:value\n` a field, canonical. */
export function trailerStringToSign(amzDate: string, scope: Scope, previous: string, trailer: string): string {
  return ['AWS4-HMAC-SHA256-TRAILER', amzDate, scopeText(scope), previous, sha256(trailer)].join('\n');
}

// ---------------------------------------------------------------- version 4A

/** Order of P-256 less two: private keys are below, counted from one (FIPS 186-4, B.4.2). */
const ORDER_LESS_TWO = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n - 2n;

/** The key that version 4A derives from an access key: NIST SP 800-108 in counter mode, tried until the candidate is a private key. */
export function derivePrivateKey({ accessKeyId, secretAccessKey }: SigningKeys): Buffer {
  for (let counter = 1; counter < 255; counter++) {
    const context = Buffer.concat([Buffer.from(accessKeyId, 'utf8'), Buffer.from([counter])]);
    const input = Buffer.concat([
      Buffer.from([0, 0, 0, 1]),
      Buffer.from('AWS4-ECDSA-P256-SHA256', 'latin1'),
      Buffer.from([0]),
      context,
      Buffer.from([0, 0, 1, 0]),
    ]);
    const candidate = BigInt(`0x${hmac(Buffer.from(`AWS4A${secretAccessKey}`, 'utf8'), input).toString('hex')}`);
    if (candidate <= ORDER_LESS_TWO) return Buffer.from((candidate + 1n).toString(16).padStart(64, '0'), 'hex');
  }
  throw new RangeError('no private key in 254 tries');
}

/** The same as a key that signs. */
export function signingKeyV4a(keys: SigningKeys): KeyObject {
  const d = derivePrivateKey(keys);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const part = (from: number, to: number) => point.subarray(from, to).toString('base64url');
  const key = { kty: 'EC', crv: 'P-256', d: d.toString('base64url'), x: part(1, 33), y: part(33, 65) };
  return createPrivateKey({ key, format: 'jwk' });
}

/** ECDSA in DER, hex. */
export function signV4a(key: KeyObject, text: string): string {
  return sign('sha256', Buffer.from(text, 'latin1'), { key, dsaEncoding: 'der' }).toString('hex');
}

// ----------------------------------------------------------------

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256')
    .update(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    .digest('hex');
}

function hmac(key: Buffer, data: string | Buffer): Buffer {
  return createHmac('sha256', key)
    .update(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
    .digest();
}
