// Content-encodings: decodes a body within a budget, strictly, and encodes it again.
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
  constants as zlib,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { Unjudged } from './types.ts';
import { isTooLarge } from './views/compressed.ts';

export type Coding = 'gzip' | 'deflate' | 'deflate-raw' | 'br' | 'zstd';

export type Decoded =
  | { readonly ok: true; readonly bytes: Buffer; readonly codings: readonly Coding[] }
  | { readonly ok: false; readonly unjudged: Unjudged };

type Decode = (data: Buffer, options: Pick<ZlibOptions, 'maxOutputLength' | 'info'>) => Buffer;

const DECODE: Readonly<Record<Coding, Decode>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  'deflate-raw': inflateRawSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

const ENCODE: Readonly<Record<Coding, (data: Buffer) => Buffer>> = {
  gzip: (data) => gzipSync(data),
  deflate: (data) => deflateSync(data),
  'deflate-raw': (data) => deflateRawSync(data),
  br: (data) => brotliCompressSync(data, { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: (data) => zstdCompressSync(data),
};

/** The codings of a content-encoding header in the order in which they were applied; null when one is unknown. */
export function parseCodings(header: string): readonly Coding[] | null {
  if (header === '') return [];
  const codings: Coding[] = [];
  for (const part of header.toLowerCase().split(',')) {
    const name = part.trim();
    // `aws-chunked` frames the payload in plain text, which is searched as it is.
    if (name === '' || name === 'identity' || name === 'aws-chunked') continue;
    if (name === 'gzip' || name === 'x-gzip') codings.push('gzip');
    else if (name === 'deflate' || name === 'br' || name === 'zstd') codings.push(name);
    else return null;
  }
  return codings;
}

/** Most codings on top of each other. */
export const CODINGS = 4;

export function decodeBody(body: Buffer, header: string, decodedBytes: number): Decoded {
  const named = parseCodings(header);
  if (named === null) return undecodable('the content-encoding is not known');
  if (named.length > CODINGS) return undecodable('too many content-encodings');
  let bytes = body;
  const codings: Coding[] = [];
  for (const coding of [...named].reverse()) {
    if (bytes.length === 0) break;
    const decoded = decodeOne(bytes, coding, decodedBytes);
    if (!decoded.ok) return decoded;
    bytes = decoded.bytes;
    codings.unshift(...decoded.codings);
  }
  return { ok: true, bytes, codings };
}

export function encodeBody(bytes: Buffer, codings: readonly Coding[]): Buffer {
  let encoded = bytes;
  for (const coding of codings) encoded = ENCODE[coding](encoded);
  return encoded;
}

function decodeOne(data: Buffer, coding: Coding, decodedBytes: number): Decoded {
  try {
    const options = { maxOutputLength: decodedBytes, info: true };
    // With `info` the result is an object that says how much of the input was read; @types do not know that.
    const result = DECODE[coding](data, options) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (result.engine.bytesWritten !== data.length) return undecodable(`data after the end of the ${coding} stream`);
    return { ok: true, bytes: result.buffer, codings: [coding] };
  } catch (cause) {
    if (isTooLarge(cause)) {
      return { ok: false, unjudged: { kind: 'over_budget', detail: `decodes to more than ${decodedBytes} bytes` } };
    }
    // "deflate" means zlib, and raw deflate to some senders.
    if (coding === 'deflate') return decodeOne(data, 'deflate-raw', decodedBytes);
    return undecodable(`not a complete ${coding} stream`);
  }
}

const undecodable = (detail: string): Decoded => ({ ok: false, unjudged: { kind: 'undecodable', detail } });
