// The one pass over every byte: where a needle's window may stand, where base64 runs, sparse text, many digits and rows of words are, which classes of bytes occur.
//
// Every needle is represented by a window of four of its bytes, ASCII case folded. The pass looks at the three-byte pieces that begin at
// even places: a window contains exactly one of them, at its first or at its second byte. A table of 2^19 bits says whether a piece
// belongs to a window, and only then a second one is asked about the windows around it.
//
// It is WebAssembly with SIMD (sweep.wat). sweep-plain.ts does the same in plain JavaScript: it says what is right, and stands in where a
// processor has no SIMD.

import { WORD_BITS } from './detectors/bip39-index.ts';

/** Bytes of a view that are looked at in one go. */
export const BLOCK_BYTES = 32 * 1024;
/** Shortest run of base64 characters that is reported. */
export const RUN_CHARS = 16;
/** Sparse text is looked for in the first half of every so many bytes. */
export const SPARSE_STEP = 32;
/** Digits are counted in blocks of so many bytes; a block with so many is reported. */
export const DIGITS_STEP = 16;
export const DIGITS = 5;
/** Rows of words are looked for in blocks of so many bytes, and are two of them at least with so many letters: of a whole row some hold them. */
export const WORDS_STEP = 16;
export const WORDS_LETTERS = 10;

/** Dense text is looked for in pairs of blocks of so many bytes: of 22 bytes that stand together so many are in one of them. */
export const DENSE_STEP = 16;
export const DENSE_CHARS = 17;
export const DENSE_CAPITALS = 2;
/** Characters outside ASCII are looked at in blocks of so many bytes. */
export const HIGH_STEP = 16;
/** First bytes of characters that may stand for ASCII ones by themselves: styled and full-width letters, tags, what is invisible. */
export const LEADS = [0xe1, 0xe2, 0xef, 0xf0, 0xf3];

const FOLD = 0x20202020;
const WINDOW_FACTOR = 0x85ebca6b;

/** Bits of `Swept.classes`: which bytes occur. The five lowest stand for the characters of base64. */
export const CLASS_BASE64 = 0x1f;
export const CLASS_ALNUM = 0x07;
export const CLASS_DIGIT = 0x04;
export const CLASS_PERCENT_OR_AND = 0x20;
export const CLASS_BACKSLASH = 0x40;
export const CLASS_ZERO = 0x80;
export const CLASS_NON_ASCII = 0x100;

/** What one block holds. The arrays belong to the sweeper and are overwritten by its next block. */
export interface Swept {
  classes: number;
  /** Places where a window stands, or (rarely) something with the same hash; ascending. */
  readonly windows: Int32Array;
  windowCount: number;
  /** Start and end of each run of base64 characters that ends in this block. */
  readonly runs: Int32Array;
  runCount: number;
  /** Multiples of SPARSE_STEP where text stands in small pieces, or a dump of numbers. */
  readonly sparse: Int32Array;
  sparseCount: number;
  /** Multiples of DIGITS_STEP where so many bytes hold DIGITS digits: of ten that stand together one half or the other is such a block. */
  readonly digits: Int32Array;
  digitsCount: number;
  /**
   * Multiples of WORDS_STEP where two such blocks hold a part of what may be a row of words: lower-case letters and what stands between words, no
   * word of one or two letters, none of nine, and those that are whole in them have the hashes of listed ones.
   */
  readonly words: Int32Array;
  wordsCount: number;
  /**
   * Last bytes of what may be dense text: DENSE_CHARS visible bytes or more in two blocks of DENSE_STEP, half of them of another kind than the byte
   * before, and DENSE_CAPITALS among them. Kinds go by the high half of a byte, roughly: signs, digits, capitals, small letters.
   */
  readonly dense: Int32Array;
  denseCount: number;
  /**
   * Multiples of HIGH_STEP where such a block, or the byte before it, holds characters outside ASCII that may stand for ASCII ones: directly beside
   * a character of base64, or with a lead byte of LEADS.
   */
  readonly high: Int32Array;
  highCount: number;
}

export interface Sweeper {
  readonly kind: 'simd' | 'plain';
  readonly swept: Swept;
  /** Looks at `BLOCK_BYTES` from `from` on, or at what there is. Blocks of a view come in order, from 0 on. */
  sweep(bytes: Uint8Array, length: number, from: number): void;
}

/** Which pieces and windows there are, 2^19 bits each. */
export interface SweepTables {
  /** By a piece's hash: one bit for each value of its second hash. */
  readonly pieces: Uint8Array;
  readonly windows: Uint32Array;
  /** A bit for each hash of a listed word; see bip39-index.ts. */
  readonly words: Uint8Array;
}

/** `windows`: four bytes each, as little-endian numbers. */
export function sweepTables(windows: readonly number[]): SweepTables {
  const tables = { pieces: new Uint8Array(1 << 16), windows: new Uint32Array(1 << 14), words: WORD_BITS };
  for (const window of windows) {
    const folded = window | FOLD;
    for (const piece of [folded & 0xffffff, folded >>> 8]) tables.pieces[hashPiece(piece)]! |= pieceBit(piece);
    const hash = hashWindow(folded);
    tables.windows[hash >>> 5]! |= 1 << (hash & 31);
  }
  return tables;
}

/** The first two bytes of a folded piece and the third, mixed in arithmetic of 16 bits: eight pieces at a time in SIMD. */
export const hashPiece = (piece: number): number =>
  (Math.imul(piece & 0xffff, 0x9e37) + Math.imul((piece >>> 16) & 0xff, 0x85eb)) & 0xffff;
export const pieceBit = (piece: number): number =>
  1 << (((Math.imul(piece & 0xffff, 0xca6b) + Math.imul((piece >>> 16) & 0xff, 0x79b1)) & 0xffff) >>> 13);
export const hashWindow = (folded: number): number => Math.imul(folded, WINDOW_FACTOR) >>> 13;
