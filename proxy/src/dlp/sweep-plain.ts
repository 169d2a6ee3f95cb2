// The sweep in plain JavaScript: what sweep.wat does, said simply.
import { charset } from './charsets.ts';
import {
  BLOCK_BYTES,
  CLASS_ALNUM,
  CLASS_BACKSLASH,
  CLASS_BASE64,
  CLASS_NON_ASCII,
  CLASS_PERCENT_OR_AND,
  CLASS_ZERO,
  hashPiece,
  hashWindow,
  RUN_CHARS,
  SPARSE_STEP,
  type Sweeper,
  type SweepTables,
  type Swept,
} from './sweep.ts';

/** Bytes that one look at sparse text takes in. */
const SPARSE_BYTES = 16;

const DUMP = charset('0-9A-Fa-fxX ,:;=\n\r\t.-').table;

/** The classes as in sweep-simd.ts. */
const CLASSES = Uint16Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  if (/[A-Oa-o]/.test(char)) return 0x01;
  if (/[P-Zp-z]/.test(char)) return 0x02;
  if (/[0-9]/.test(char)) return 0x04;
  if (/[-+/]/.test(char)) return 0x08;
  if (char === '_') return 0x10;
  if (char === '%' || char === '&') return CLASS_PERCENT_OR_AND;
  if (char === '\\') return CLASS_BACKSLASH;
  if (byte === 0) return CLASS_ZERO;
  return byte > 0x7f ? CLASS_NON_ASCII : 0;
});

export function createPlainSweeper({ pieces, windows }: SweepTables): Sweeper {
  const swept: Swept = {
    classes: 0,
    windows: new Int32Array(BLOCK_BYTES),
    windowCount: 0,
    runs: new Int32Array(BLOCK_BYTES / 8 + 2),
    runCount: 0,
    sparse: new Int32Array(BLOCK_BYTES / SPARSE_STEP),
    sparseCount: 0,
  };
  const isIn = (table: Uint32Array, hash: number): boolean => ((table[hash >>> 5]! >>> (hash & 31)) & 1) === 1;
  let carry = 0;

  function addWindow(bytes: Uint8Array, length: number, at: number): void {
    if (at >= 0 && at + 4 <= length && isIn(windows, hashWindow(foldedWord(bytes, length, at))))
      swept.windows[swept.windowCount++] = at;
  }

  return {
    kind: 'plain',
    swept,
    sweep(bytes, length, from) {
      const to = Math.min(length, from + BLOCK_BYTES);
      swept.classes = 0;
      swept.windowCount = 0;
      swept.runCount = 0;
      swept.sparseCount = 0;
      if (from === 0) carry = 0;
      for (let at = from; at < to; at += 2) {
        if (!isIn(pieces, hashPiece(foldedWord(bytes, length, at)))) continue;
        addWindow(bytes, length, at - 1);
        addWindow(bytes, length, at);
      }
      for (let at = from; at < to; at++) {
        const kind = CLASSES[bytes[at]!]!;
        swept.classes |= kind;
        if ((kind & CLASS_BASE64) !== 0) carry++;
        if ((kind & CLASS_BASE64) !== 0 && at + 1 < length) continue;
        const end = (kind & CLASS_BASE64) !== 0 ? at + 1 : at;
        if (carry >= RUN_CHARS) {
          swept.runs[swept.runCount++] = end - carry;
          swept.runs[swept.runCount++] = end;
        }
        carry = 0;
      }
      for (let at = from; at < to && at + SPARSE_BYTES <= length; at += SPARSE_STEP) {
        if (isSparse(bytes, at)) swept.sparse[swept.sparseCount++] = at;
      }
    },
  };
}

function isSparse(bytes: Uint8Array, start: number): boolean {
  let together = 0;
  let longest = 0;
  let isDump = true;
  for (let at = start; at < start + SPARSE_BYTES; at++) {
    const byte = bytes[at]!;
    if (byte > 0x7e || (byte < 0x20 && (byte < 9 || byte > 13))) return false;
    together = (CLASSES[byte]! & CLASS_ALNUM) !== 0 ? together + 1 : 0;
    if (together > longest) longest = together;
    isDump &&= DUMP[byte] !== 0;
  }
  return isDump || longest < 4;
}

/** What stands behind the end counts as spaces. */
const foldedWord = (bytes: Uint8Array, length: number, at: number): number => {
  const byte = (place: number): number => (place < length ? bytes[place]! : 0x20);
  return byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24) | 0x20202020;
};
