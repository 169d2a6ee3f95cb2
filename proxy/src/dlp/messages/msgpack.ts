// MessagePack: a map or an array to the last byte.
//
// Source: msgpack/msgpack, spec.md.
import {
  CLOSE_LIST,
  CLOSE_MAP,
  DATA,
  type Items,
  KEY,
  MOST_DEPTH,
  NUMBER,
  OPEN_LIST,
  OPEN_MAP,
  TEXT,
} from './items.ts';

export const mayBeMsgpack = (first: number): boolean =>
  (first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf);

/** Adds what `data` holds; false when it is no such message. */
export function readMsgpack(data: Buffer, items: Items): boolean {
  return readItem(data, 0, items, 0, false) === data.length;
}

/** Where the item at `at` ends; -1 for none. */
function readItem(data: Buffer, at: number, items: Items, depth: number, isKey: boolean): number {
  const first = data[at];
  if (first === undefined) return -1;
  if (first < 0x80) return number(items, first, at, at + 1);
  if (first < 0x90) return readMap(data, at, at + 1, first & 15, items, depth);
  if (first < 0xa0) return readList(data, at, at + 1, first & 15, items, depth);
  if (first < 0xc0) return bytes(data, at + 1, first & 31, isKey ? KEY : TEXT, items);
  if (first >= 0xe0) return at + 1;
  switch (first) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return at + 1;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return sized(data, at, 1 << (first - 0xc4), DATA, items);
    case 0xc7:
    case 0xc8:
    case 0xc9: {
      const width = 1 << (first - 0xc7);
      const size = sizeAt(data, at + 1, width);
      return size < 0 ? -1 : bytes(data, at + 2 + width, size, DATA, items);
    }
    case 0xca:
    case 0xce:
    case 0xd2:
      return numberOf(data, at, 4, items);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return numberOf(data, at, 8, items);
    case 0xcc:
    case 0xd0:
      return numberOf(data, at, 1, items);
    case 0xcd:
    case 0xd1:
      return numberOf(data, at, 2, items);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return bytes(data, at + 2, 1 << (first - 0xd4), DATA, items);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return sized(data, at, 1 << (first - 0xd9), isKey ? KEY : TEXT, items);
    case 0xdc:
    case 0xdd:
    case 0xde:
    case 0xdf: {
      const width = first % 2 === 0 ? 2 : 4;
      const count = sizeAt(data, at + 1, width);
      const read = first < 0xde ? readList : readMap;
      return count < 0 ? -1 : read(data, at, at + 1 + width, count, items, depth);
    }
    default:
      return -1;
  }
}

function readList(data: Buffer, start: number, from: number, count: number, items: Items, depth: number): number {
  if (depth >= MOST_DEPTH || count > data.length - from) return -1;
  items.add(OPEN_LIST, start, from);
  let at = from;
  for (let i = 0; i < count && at >= 0; i++) at = readItem(data, at, items, depth + 1, false);
  items.add(CLOSE_LIST, at, at);
  return at;
}

function readMap(data: Buffer, start: number, from: number, count: number, items: Items, depth: number): number {
  if (depth >= MOST_DEPTH || count * 2 > data.length - from) return -1;
  items.add(OPEN_MAP, start, from);
  let at = from;
  for (let i = 0; i < count * 2 && at >= 0; i++) at = readItem(data, at, items, depth + 1, i % 2 === 0);
  items.add(CLOSE_MAP, at, at);
  return at;
}

function number(items: Items, value: number, start: number, end: number): number {
  items.add(NUMBER, start, end, value);
  return end;
}

/** Of more than a byte only that there is one. */
function numberOf(data: Buffer, at: number, width: number, items: Items): number {
  const end = at + 1 + width;
  if (end > data.length) return -1;
  const value = width > 4 ? 256 : data.readUIntBE(at + 1, width);
  return number(items, Math.min(value, 256), at, end);
}

function sized(data: Buffer, at: number, width: number, kind: number, items: Items): number {
  const size = sizeAt(data, at + 1, width);
  return size < 0 ? -1 : bytes(data, at + 1 + width, size, kind, items);
}

function bytes(data: Buffer, start: number, size: number, kind: number, items: Items): number {
  const end = start + size;
  if (end > data.length) return -1;
  items.add(kind, start, end);
  return end;
}

const sizeAt = (data: Buffer, at: number, width: number): number =>
  at + width > data.length ? -1 : data.readUIntBE(at, width);
