// Protocol Buffers without their schema: a message is what is one to its last byte.
//
// Source: protobuf.dev, "Encoding": a tag is the field's number and a wire type; groups (3, 4) are not written any more.
import { isUtf8 } from 'node:buffer';
import { CLOSE_LIST, DATA, type Items, MOST_DEPTH, NUMBER, OPEN_LIST, TEXT } from './items.ts';

const MOST_FIELD = 2 ** 29 - 1;
const VARINT_BYTES = 10;
const CONTROL = /[\0-\x1f]/;
const FOREIGN = /[\0-\x08\x0b\x0c\x0e-\x1f]/;

/** Adds what the message at `start..end` holds; false, and nothing added, when it is none. Each byte is read once a depth. */
export function readProtobuf(data: Buffer, start: number, end: number, items: Items, depth = 0): boolean {
  const { mark } = items;
  items.add(OPEN_LIST, start, start);
  if (depth >= MOST_DEPTH || !readFields(data, start, end, items, depth)) {
    items.cut(mark);
    return false;
  }
  items.add(CLOSE_LIST, end, end);
  return end > start;
}

function readFields(data: Buffer, start: number, end: number, items: Items, depth: number): boolean {
  for (let at = start; at < end; ) {
    const tagBytes = varintBytes(data, at, end);
    if (tagBytes === 0) return false;
    const tag = varint(data, at, tagBytes);
    const field = Math.floor(tag / 8);
    if (field === 0 || field > MOST_FIELD) return false;
    at += tagBytes;
    const bytes = varintBytes(data, at, end);
    switch (tag % 8) {
      case 0: {
        if (bytes === 0) return false;
        items.add(NUMBER, at, at + bytes, varint(data, at, bytes));
        at += bytes;
        break;
      }
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      case 2: {
        const length = bytes === 0 ? Number.POSITIVE_INFINITY : varint(data, at, bytes);
        at += bytes;
        if (at + length > end) return false;
        readContent(data, at, at + length, items, depth);
        at += length;
        break;
      }
      default:
        return false;
    }
    if (at > end) return false;
  }
  return true;
}

/** A string, a message, or data: the wire does not say. A line break may be the tag of a first field. */
function readContent(data: Buffer, start: number, end: number, items: Items, depth: number): void {
  const bytes = data.subarray(start, end);
  const text = isUtf8(bytes) ? bytes.toString('latin1') : null;
  if (text !== null && !CONTROL.test(text)) items.add(TEXT, start, end);
  else if (readProtobuf(data, start, end, items, depth + 1)) return;
  else items.add(text !== null && !FOREIGN.test(text) ? TEXT : DATA, start, end);
}

/** How long the number at `at` is; 0 for none. */
function varintBytes(data: Buffer, at: number, end: number): number {
  for (let bytes = 1; bytes <= VARINT_BYTES && at + bytes <= end; bytes++)
    if (data[at + bytes - 1]! < 0x80) return bytes;
  return 0;
}

function varint(data: Buffer, at: number, bytes: number): number {
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 128 + (data[at + i]! & 0x7f);
  return value;
}
