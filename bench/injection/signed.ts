// Requests as an AWS SDK signs them, with the placeholders of the keys.
import { randomBytes } from 'node:crypto';
import aws4 from 'aws4';
import { chunkStringToSign, type SigningKeys, signingKey, signV4 } from '../../proxy/src/pipeline/sign/sigv4.ts';
import type { Asked, Given } from './kinds.ts';

const text = (length: number): string => randomBytes(length).toString('hex').slice(0, length);
export const REAL: SigningKeys = { accessKeyId: `AKIA${text(16).toUpperCase()}`, secretAccessKey: text(40) };
export const HELD: SigningKeys = {
  accessKeyId: `AKIA${text(16).toUpperCase()}`,
  secretAccessKey: `bottle-${text(40)}`,
};
const SCOPE = { region: 'eu-1', service: 's3' };
/** What an SDK puts into one chunk. */
const CHUNK_BYTES = 64 * 1024;

export function signedWhole({ host, port, body }: Given): Asked {
  const request = { method: 'POST', path: '/json', headers: { Host: `${host}:${port}` }, body: body() };
  return { fields: fieldsOf(aws4.sign({ ...request, ...SCOPE }, HELD)), body: request.body };
}

export function signedChunks({ host, port, body }: Given): Asked {
  const data = body();
  const amzDate = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const headers = {
    Host: `${host}:${port}`,
    'X-Amz-Date': amzDate,
    'X-Amz-Content-Sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'X-Amz-Decoded-Content-Length': String(data.length),
    'Content-Encoding': 'aws-chunked',
  };
  const fields = fieldsOf(aws4.sign({ method: 'POST', path: '/json', ...SCOPE, headers }, HELD));
  const seed = /Signature=(\w+)/.exec(fields.Authorization ?? '')?.[1] ?? '';
  return { fields, body: chunked(data, amzDate, seed) };
}

function chunked(data: Buffer, amzDate: string, seed: string): Buffer {
  const key = signingKey(HELD, { ...SCOPE, date: amzDate.slice(0, 8) });
  const pieces: Buffer[] = [];
  let previous = seed;
  for (let at = 0; ; at += CHUNK_BYTES) {
    const piece = data.subarray(at, at + CHUNK_BYTES);
    previous = signV4(key, chunkStringToSign(amzDate, { ...SCOPE, date: amzDate.slice(0, 8) }, previous, piece));
    pieces.push(
      Buffer.from(`${piece.length.toString(16)};chunk-signature=${previous}\r\n`),
      piece,
      Buffer.from('\r\n'),
    );
    if (piece.length === 0) return Buffer.concat(pieces);
  }
}

/** Without those that every request has. */
function fieldsOf({ headers = {} }: aws4.Request): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => !/^(host|content-length|content-type)$/i.test(name));
  return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
}
