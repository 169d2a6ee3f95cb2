// Proposes places for what has no literal in it: long numbers, keys in base58, rows of words. Looks at one byte in many; linear.
import { charset, UPPER_DIGIT } from './charsets.ts';
import type { Marks } from './marks.ts';
import { DIGITS_STEP } from './sweep.ts';
import type { View } from './view.ts';

/** Numbers written in one or in groups; runs of base58; rows of short words. */
export type Seek = 'numbers' | 'base58' | 'words';

/** What a card number or an account number is written with. */
export const GROUPED = charset('0-9A-Z -');
export const BASE58 = charset('1-9A-HJ-NP-Za-km-z');
export const LOWER = charset('a-z');
/** What may stand between two words: spaces, commas, quotes, numbers of a list. */
export const BETWEEN = charset('0-9 ,;.)\t\r\n"\'`|:\\-');
/** Fewest characters of a number that anything looks for. */
const SHORTEST_NUMBER = 13;
/** A key is longer than this. */
const KEY_STRIDE = 48;
const BETWEEN_WORDS = 12;
const LONGEST_GROUPED = 96;

/** Calls `found` with the start of every candidate, in ascending order. */
export const SEEKS: Readonly<Record<Seek, (view: View, marks: Marks, found: (start: number) => void) => void>> = {
  numbers: seekNumbers,
  base58: seekBase58,
  words: seekWords,
};

/** Around the digits of blocks that hold many. */
function seekNumbers(view: View, { digits, digitsCount }: Marks, found: (start: number) => void): void {
  const { bytes, length } = view;
  let done = 0;
  for (let i = 0; i < digitsCount; i++) {
    const last = Math.min(length, digits[i]! + DIGITS_STEP);
    for (let at = Math.max(done, digits[i]!); at < last; at++) {
      if (!isDigit(bytes[at]!)) continue;
      done = groupedAround(view, at, done, found);
      at = done - 1;
    }
  }
}

/** Calls `found` for the number that the digit at `at` is part of; returns its end. */
function groupedAround({ bytes, length }: View, at: number, least: number, found: (start: number) => void): number {
  let start = at;
  while (start > least && at - start < LONGEST_GROUPED && GROUPED.table[bytes[start - 1]!] !== 0) start--;
  let end = at;
  let digits = 0;
  for (; end < length && end - start < LONGEST_GROUPED && GROUPED.table[bytes[end]!] !== 0; end++);
  for (let i = start; i < end; i++) if (isDigit(bytes[i]!)) digits++;
  if (digits < SHORTEST_NUMBER - 1) return Math.max(end, at + 1);
  // Every group may begin it: what stands before it on the line may be of the same characters.
  for (let i = start; i < end; i++) {
    if (UPPER_DIGIT.table[bytes[i]!] !== 0 && (i === start || UPPER_DIGIT.table[bytes[i - 1]!] === 0)) found(i);
  }
  return Math.max(end, at + 1);
}

/** In long runs of base64 characters, of which those of base58 are a part. */
function seekBase58(view: View, { runs, runCount }: Marks, found: (start: number) => void): void {
  const { bytes } = view;
  for (let i = 0; i < runCount; i += 2) {
    const last = runs[i + 1]!;
    for (let at = runs[i]! + KEY_STRIDE - 1; at < last; at += KEY_STRIDE) {
      if (BASE58.table[bytes[at]!] === 0) continue;
      const run = view.runAround(BASE58, at);
      if (run.end - run.start >= KEY_STRIDE && run.end - run.start <= KEY_STRIDE * 2) found(run.start);
      at = Math.max(at, run.end - 1);
    }
  }
}

/** A row of twelve words takes 47 bytes, and fills two blocks of the sweep wherever it stands. */
function seekWords(view: View, { words, wordsCount }: Marks, found: (start: number) => void): void {
  const { bytes, length } = view;
  for (let i = 0; i < wordsCount; i++) {
    // Between two words there are a few other characters.
    const last = Math.min(length, words[i]! + BETWEEN_WORDS);
    let word = words[i]!;
    while (word < last && LOWER.table[bytes[word]!] === 0) word++;
    if (word > 0 && bytes[word - 1] === 0x5c) word++;
    while (word < last && LOWER.table[bytes[word]!] === 0) word++;
    if (word < last) found(word);
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
