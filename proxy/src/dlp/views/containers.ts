// Compressed streams that begin somewhere inside other data: members of archives, files in a form, texts in pictures, objects of a git pack.
import { inflateRawSync, inflateSync, type ZlibOptions, constants as zlib } from 'node:zlib';
import { asBuffer, View } from '../view.ts';
import { type Inflated, isTooLarge } from './compressed.ts';

const GZIP = Buffer.from([0x1f, 0x8b, 8]);
const ZIP_MEMBER = Buffer.from('PK\x03\x04', 'latin1');
const PACK = Buffer.from('PACK\0\0\0', 'latin1');
const PDF_STREAM = Buffer.from('stream');
const PICTURE_TEXTS = [Buffer.from('zTXt'), Buffer.from('iTXt')];
/** Streams that are looked into, a kind and a view. */
const MOST_STREAMS = 1024;
const ZIP_HEAD_BYTES = 30;
const DEFLATED = 8;

type Inflate = (data: Buffer, options: ZlibOptions) => Buffer;

/** Calls `found` for every stream inside `view` that can be read; `mostBytes` says how much may still come out. */
export function inflateInside(view: View, mostBytes: () => number, found: (member: Inflated) => void): void {
  const data = asBuffer(view.bytes).subarray(0, view.length);
  const read = (kind: string, inflate: Inflate, start: number): number => {
    const member = inflateAt(view, data, start, kind, inflate, Math.max(1, mostBytes()));
    if (member === null) return 0;
    found(member);
    return member.readBytes;
  };
  // The stream that a view begins with is somebody else's.
  each(data, GZIP, 1, (at) => {
    // Not as gzip: what follows the stream would be an error.
    const start = gzipContent(data, at);
    return start === null ? at + 3 : start + read('gzip', inflateRawSync, start);
  });
  each(data, ZIP_MEMBER, 0, (at) => {
    const start = zipContent(data, at);
    return start === null ? at + 4 : start + read('zip', inflateRawSync, start);
  });
  for (const name of PICTURE_TEXTS) {
    each(data, name, 0, (at) => {
      const start = pictureText(data, at + 4);
      if (start !== null) read('deflate', inflateSync, start);
      return at + 4;
    });
  }
  // A PDF says which of its streams are compressed; trying them all is as good.
  each(data, PDF_STREAM, 0, (at) => {
    let start = at + PDF_STREAM.length;
    if (data[start] === 0x0d) start++;
    if (data[start] === 0x0a) start++;
    return isZlib(data, start) ? start + Math.max(1, read('pdf', inflateSync, start)) : start;
  });
  const pack = data.indexOf(PACK);
  if (pack >= 0) readPack(data, pack + 12, (at) => read('pack', inflateSync, at));
}

const isZlib = (data: Buffer, at: number): boolean =>
  at + 2 < data.length &&
  (data[at]! & 0x0f) === 8 &&
  data[at]! <= 0x78 &&
  ((data[at]! << 8) | data[at + 1]!) % 31 === 0;

function each(data: Buffer, needle: Buffer, from: number, visit: (at: number) => number): void {
  let count = 0;
  for (let at = data.indexOf(needle, from); at >= 0 && count < MOST_STREAMS; count++)
    at = data.indexOf(needle, visit(at));
}

/** RFC 1952, 2.3: extra field, name, comment and checksum of the head, where its flags say so. */
function gzipContent(data: Buffer, at: number): number | null {
  const flags = data[at + 3] ?? 0;
  let start = at + 10;
  if ((flags & 4) !== 0) start += 2 + (start + 2 <= data.length ? data.readUInt16LE(start) : 0);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = data.indexOf(0, start);
    if (end < 0) return null;
    start = end + 1;
  }
  if ((flags & 2) !== 0) start += 2;
  return start < data.length ? start : null;
}

/** Where the compressed bytes of a member begin; null for one that is stored, which is searched as it stands. */
function zipContent(data: Buffer, at: number): number | null {
  if (at + ZIP_HEAD_BYTES > data.length || data.readUInt16LE(at + 8) !== DEFLATED) return null;
  const start = at + ZIP_HEAD_BYTES + data.readUInt16LE(at + 26) + data.readUInt16LE(at + 28);
  return start < data.length ? start : null;
}

/** `keyword NUL method` (zTXt), or `keyword NUL 1 method language NUL title NUL` (iTXt), and then zlib. */
function pictureText(data: Buffer, from: number): number | null {
  const end = Math.min(data.length - 2, from + 256);
  for (let at = from; at < end; at++) {
    if (data[at] === 0x78 && ((data[at]! << 8) | data[at + 1]!) % 31 === 0 && data[at - 1] === 0) return at;
  }
  return null;
}

/** Objects stand one behind the other: a few bytes of head, for a delta the name of its base, and zlib. */
function readPack(data: Buffer, from: number, read: (at: number) => number): void {
  let count = 0;
  for (let at = from; at + 2 < data.length && count < MOST_STREAMS; ) {
    const isHead = data[at] === 0x78 && ((data[at]! << 8) | data[at + 1]!) % 31 === 0;
    const readBytes = isHead ? read(at) : 0;
    if (readBytes > 0) count++;
    at += Math.max(1, readBytes);
  }
}

function inflateAt(
  view: View,
  data: Buffer,
  start: number,
  kind: string,
  inflate: Inflate,
  mostBytes: number,
): (Inflated & { readonly readBytes: number }) | null {
  try {
    // A stream that was cut is still readable at the other side.
    const options = { maxOutputLength: mostBytes, finishFlush: zlib.Z_SYNC_FLUSH, info: true };
    // With `info` the result is an object that says how much of the input was read; @types do not know that.
    const result = inflate(data.subarray(start), options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (result.buffer.length === 0) return null;
    const readBytes = result.engine.bytesWritten;
    const origin = { kind: 'piece', start, end: start + readBytes } as const;
    return {
      child: new View(result.buffer, result.buffer.length, kind, view, origin),
      isOverBudget: false,
      readBytes,
    };
  } catch (cause) {
    // Most places that look like a stream's beginning are none.
    return isTooLarge(cause) ? { child: null, isOverBudget: true, readBytes: 0 } : null;
  }
}
