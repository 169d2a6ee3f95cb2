// The sweep in plain JavaScript: what sweep.wat does, said simply.
import { charset } from './charsets.ts';
import { mayBeListed } from './detectors/bip39-index.ts';
import {
  BLOCK_BYTES,
  CLASS_ALNUM,
  CLASS_BACKSLASH,
  CLASS_BASE64,
  CLASS_DIGIT,
  CLASS_NON_ASCII,
  CLASS_PERCENT_OR_AND,
  CLASS_ZERO,
  DENSE_CAPITALS,
  DENSE_CHARS,
  DENSE_STEP,
  DIGITS,
  DIGITS_STEP,
  HIGH_STEP,
  hashPiece,
  hashWindow,
  LEADS,
  pieceBit,
  RUN_CHARS,
  SPARSE_STEP,
  type Sweeper,
  type SweepTables,
  type Swept,
  WORDS_LETTERS,
  WORDS_STEP,
} from './sweep.ts';

/** What one look at sparse text takes in: pieces of one or two characters, of up to three, numbers. */
const SPARSE_BYTES = 16;
const CUT_BYTES = 32;
const DUMP_BYTES = 24;

const DUMP = charset('0-9A-Fa-fxX ,:;=\n\r\t.-').table;

/** The classes as in sweep-simd.ts. */
const CLASSES = Uint16Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  if (/[A-Oa-o]/.test(char)) return 0x01;
  if (/[P-Zp-z]/.test(char)) return 0x02;
  if (/[0-9]/.test(char)) return CLASS_DIGIT;
  if (/[-+/]/.test(char)) return 0x08;
  if (char === '_') return 0x10;
  if (char === '%' || char === '&') return CLASS_PERCENT_OR_AND;
  if (char === '\\') return CLASS_BACKSLASH;
  if (byte === 0) return CLASS_ZERO;
  return byte > 0x7f ? CLASS_NON_ASCII : 0;
});

export function createPlainSweeper({ pieces, windows, words }: SweepTables): Sweeper {
  const swept: Swept = {
    classes: 0,
    windows: new Int32Array(BLOCK_BYTES),
    windowCount: 0,
    runs: new Int32Array(BLOCK_BYTES / 8 + 2),
    runCount: 0,
    sparse: new Int32Array(BLOCK_BYTES / SPARSE_STEP),
    sparseCount: 0,
    digits: new Int32Array(BLOCK_BYTES / DIGITS_STEP),
    digitsCount: 0,
    words: new Int32Array(BLOCK_BYTES / WORDS_STEP),
    wordsCount: 0,
    dense: new Int32Array(BLOCK_BYTES / DENSE_STEP),
    denseCount: 0,
    high: new Int32Array(BLOCK_BYTES / HIGH_STEP),
    highCount: 0,
  };
  const isWindow = (folded: number): boolean => {
    const hash = hashWindow(folded);
    return ((windows[hash >>> 5]! >>> (hash & 31)) & 1) === 1;
  };
  let carry = 0;

  function addWindow(bytes: Uint8Array, length: number, at: number): void {
    if (at >= 0 && at + 4 <= length && isWindow(foldedWord(bytes, length, at))) swept.windows[swept.windowCount++] = at;
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
      swept.digitsCount = 0;
      swept.wordsCount = 0;
      swept.denseCount = 0;
      swept.highCount = 0;
      if (from === 0) carry = 0;
      for (let at = from; at < to; at += 2) {
        const piece = foldedWord(bytes, length, at);
        if ((pieces[hashPiece(piece)]! & pieceBit(piece)) === 0) continue;
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
        if (isSparse(bytes, length, at)) swept.sparse[swept.sparseCount++] = at;
      }
      for (let at = from; at < to; at += DIGITS_STEP) {
        let digits = 0;
        for (let i = at; i < Math.min(to, at + DIGITS_STEP); i++) if (CLASSES[bytes[i]!] === CLASS_DIGIT) digits++;
        if (digits >= DIGITS) swept.digits[swept.digitsCount++] = at;
      }
      const roundedTo = from + Math.ceil((to - from) / SPARSE_STEP) * SPARSE_STEP;
      for (let at = Math.max(0, from - WORDS_STEP); at + WORDS_STEP < roundedTo; at += WORDS_STEP) {
        if (isRow(words, bytes, length, at)) swept.words[swept.wordsCount++] = at;
      }
      for (let at = from; at < roundedTo; at += DENSE_STEP) {
        const last = lastOfDense(bytes, length, at);
        if (last >= 0) swept.dense[swept.denseCount++] = last;
      }
      for (let at = from; at < roundedTo; at += HIGH_STEP) {
        if (isHigh(bytes, length, at)) swept.high[swept.highCount++] = at;
      }
    },
  };
}

/** Sixteen bytes of text, and with what follows them a dump of numbers or letters and digits in small pieces. */
function isSparse(bytes: Uint8Array, length: number, start: number): boolean {
  const byteAt = (at: number): number => (at < length ? bytes[at]! : 0x20);
  let pieces = 0;
  let together = 0;
  let longest = 0;
  let isCut = false;
  let isDump = true;
  let alnums = 0;
  for (let i = 0; i < CUT_BYTES; i++) {
    const byte = byteAt(start + i);
    if (i < SPARSE_BYTES && (byte > 0x7e || (byte < 0x20 && (byte < 9 || byte > 13)))) return false;
    const isAlnum = (CLASSES[byte]! & CLASS_ALNUM) !== 0;
    if (isAlnum && together === 0) pieces++;
    together = isAlnum ? together + 1 : 0;
    longest = Math.max(longest, together);
    if (i < DUMP_BYTES) {
      isDump &&= DUMP[byte] !== 0;
      if (isAlnum) alnums++;
    }
    if (i === SPARSE_BYTES - 1) isCut = longest <= 2 && pieces >= 5;
  }
  return isCut || (longest <= 3 && pieces >= 7) || (isDump && alnums >= 6);
}

/** Two blocks of words: what stands in them and how long the words are that are whole in them. */
function isRow(listed: Uint8Array, bytes: Uint8Array, length: number, start: number): boolean {
  let text = '';
  for (let at = start; at < start + 2 * WORDS_STEP; at++) text += at < length ? String.fromCharCode(bytes[at]!) : ' ';
  if (!/^[a-z0-9 ,;.)\t\r\n"'`|:\\-]*$/.test(text)) return false;
  // The letter of an escape is part of no word.
  const isCut = start > 0 && bytes[start - 1] === 0x5c;
  const words = (isCut ? text.replace(/^[a-z]/, ' ') : text).replaceAll(/\\[a-z]/g, '  ');
  const letters = words.replaceAll(/[^a-z]/g, '').length;
  if (letters < WORDS_LETTERS || /[a-z]{9}|[^a-z][a-z]{1,2}[^a-z]/.test(words)) return false;
  const whole = words.match(/(?<=[^a-z])[a-z]+(?=[^a-z])/g) ?? [];
  return whole.every((word) => mayBeListed(listed, word));
}

const isVisible = (byte: number): boolean => byte > 0x20 && byte < 0x80;
/** Signs, digits, capitals, small letters, roughly. */
const kindOf = (byte: number): number => [0, 0, 1, 2, 3, 3, 4, 4][byte >> 4] ?? 0;
const isCapital = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

/** The last byte of dense text in the two blocks around `middle`, -1 where there is none. */
function lastOfDense(bytes: Uint8Array, length: number, middle: number): number {
  const byteAt = (at: number): number => (at >= 0 && at < length ? bytes[at]! : 0x20);
  for (let start = middle - DENSE_STEP; start < middle + DENSE_STEP; start++) {
    let end = start;
    let changes = 0;
    let capitals = 0;
    for (; end < middle + DENSE_STEP && isVisible(byteAt(end)); end++) {
      // What stands before the two blocks is not seen.
      if (end === middle - DENSE_STEP || kindOf(byteAt(end)) !== kindOf(byteAt(end - 1))) changes++;
      if (isCapital(byteAt(end))) capitals++;
    }
    if (end - start >= DENSE_CHARS) return capitals >= DENSE_CAPITALS && changes * 2 >= end - start ? end - 1 : -1;
    start = end;
  }
  return -1;
}

/** Whether a byte outside ASCII stands in the block, or directly before it, beside a character of base64, or whether one of LEADS does. */
function isHigh(bytes: Uint8Array, length: number, start: number): boolean {
  const isBase64 = (at: number): boolean => at >= 0 && at < length && (CLASSES[bytes[at]!]! & CLASS_BASE64) !== 0;
  const isNoAscii = (at: number): boolean => at >= 0 && at < length && bytes[at]! > 0x7f;
  for (let at = start; at < start + HIGH_STEP && at < length; at++) {
    if (LEADS.includes(bytes[at]!)) return true;
    if ((isNoAscii(at) && isBase64(at - 1)) || (isBase64(at) && isNoAscii(at - 1))) return true;
  }
  return false;
}

/** What stands behind the end counts as spaces. */
const foldedWord = (bytes: Uint8Array, length: number, at: number): number => {
  const byte = (place: number): number => (place < length ? bytes[place]! : 0x20);
  return byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24) | 0x20202020;
};
