// CBOR: a map or an array, tagged or not, to the last byte.
//
// Source: RFC 8949.
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

const BREAK = 0xff;

/** Arrays, maps and tags. */
export const mayBeCbor = (first: number): boolean => first >= 0x80 && first <= 0xdb;

/** Adds what `data` holds; false when it is no such message. */
export function readCbor(data: Buffer, items: Items): boolean {
  return readItem(data, 0, items, 0, false) === data.length;
}

/** Where the item at `at` ends; -1 for none. */
function readItem(data: Buffer, at: number, items: Items, depth: number, isKey: boolean): number {
  const first = data[at];
  if (first === undefined || depth > MOST_DEPTH) return -1;
  const major = first >> 5;
  const info = first & 31;
  const isOpen = info === 31;
  const width = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : isOpen ? 0 : -1;
  const from = at + 1 + width;
  if (width < 0 || from > data.length) return -1;
  const value = width === 0 ? info : width > 6 ? Number(data.readBigUInt64BE(at + 1)) : data.readUIntBE(at + 1, width);
  switch (major) {
    case 0:
    case 1:
      if (isOpen) return -1;
      items.add(NUMBER, at, from, major === 0 ? Math.min(value, 256) : 256);
      return from;
    case 2:
    case 3: {
      const kind = major === 2 ? DATA : isKey ? KEY : TEXT;
      // In pieces: what they are put together to is one text, and read as a list.
      if (isOpen) return readRow(data, at, from, -1, items, depth, false);
      if (value > data.length - from) return -1;
      items.add(kind, from, from + value);
      return from + value;
    }
    case 4:
    case 5: {
      const isMap = major === 5;
      if (!isOpen && value * (isMap ? 2 : 1) > data.length - from) return -1;
      return readRow(data, at, from, isOpen ? -1 : value * (isMap ? 2 : 1), items, depth, isMap);
    }
    case 6:
      return isOpen ? -1 : readItem(data, from, items, depth + 1, isKey);
    default:
      return isOpen ? -1 : from;
  }
}

/** `count`: of items; -1 up to a break. */
function readRow(
  data: Buffer,
  start: number,
  from: number,
  count: number,
  items: Items,
  depth: number,
  isMap: boolean,
): number {
  items.add(isMap ? OPEN_MAP : OPEN_LIST, start, from);
  let at = from;
  for (let i = 0; i !== count && at >= 0; i++) {
    if (count < 0 && data[at] === BREAK) {
      at++;
      break;
    }
    at = readItem(data, at, items, depth + 1, isMap && i % 2 === 0);
  }
  items.add(isMap ? CLOSE_MAP : CLOSE_LIST, at, at);
  return at;
}
