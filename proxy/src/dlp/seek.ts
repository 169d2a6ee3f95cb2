// Proposes places for what has no literal in it: long numbers, keys in base58, rows of words. Looks at one byte in many; linear.
import { charset, UPPER_DIGIT } from './charsets.ts';
import { BIP39_WORDS } from './detectors/bip39-words.ts';
import type { Marks } from './marks.ts';
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
/** A card is all digits; the shortest account number ends in ten of them. */
const NUMBER_STRIDE = 8;
/** A key is longer than this. */
const KEY_STRIDE = 48;
/** A row of twelve words takes 47 bytes; after the look that falls in its first 36 there is room for another word. */
const WORDS_STRIDE = 36;
const BETWEEN_WORDS = 12;
const WORD_CHARS = 8;
const LONGEST_GROUPED = 96;

/** Calls `found` with the start of every candidate, in ascending order. */
export const SEEKS: Readonly<Record<Seek, (view: View, marks: Marks, found: (start: number) => void) => void>> = {
  numbers: seekNumbers,
  base58: seekBase58,
  words: seekWords,
};

/** In ten digits one of any two neighbours so far apart is met, also where single characters part them into groups. */
function seekNumbers(view: View, _marks: Marks, found: (start: number) => void): void {
  const { bytes, length } = view;
  let done = 0;
  for (let at = NUMBER_STRIDE - 1; at < length; at += NUMBER_STRIDE) {
    if (!isDigit(bytes[at]!) && !isDigit(bytes[at - 1]!)) continue;
    if (at < done) continue;
    let start = at;
    while (start > done && at - start < LONGEST_GROUPED && GROUPED.table[bytes[start - 1]!] !== 0) start--;
    let end = at;
    let digits = 0;
    for (; end < length && end - start < LONGEST_GROUPED && GROUPED.table[bytes[end]!] !== 0; end++);
    for (let i = start; i < end; i++) if (isDigit(bytes[i]!)) digits++;
    done = end;
    if (digits < SHORTEST_NUMBER - 1) continue;
    // Every group may begin it: what stands before it on the line may be of the same characters.
    for (let i = start; i < end; i++) {
      if (UPPER_DIGIT.table[bytes[i]!] !== 0 && (i === start || UPPER_DIGIT.table[bytes[i - 1]!] === 0)) found(i);
    }
  }
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

/** 1 for the first three letters of every listed word. */
const PREFIXES = new Uint8Array(1 << 15);
const prefixAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! & 31) << 10) | ((bytes[at + 1]! & 31) << 5) | (bytes[at + 2]! & 31);
for (const word of BIP39_WORDS) PREFIXES[prefixAt(Buffer.from(word), 0)] = 1;

function seekWords(view: View, _marks: Marks, found: (start: number) => void): void {
  const { bytes, length } = view;
  const letters = LOWER.table;
  for (let at = WORDS_STRIDE; at < length; at += WORDS_STRIDE) {
    // Between two words there are a few other characters.
    const last = Math.min(length, at + BETWEEN_WORDS);
    let word = at;
    while (word < last && letters[bytes[word]!] === 0) word++;
    if (word === last) continue;
    let start = word;
    while (start > Math.max(0, word - WORD_CHARS) && letters[bytes[start - 1]!] === 1) start--;
    // The letter of `\n` in a string is no part of the word behind it.
    if (start > 0 && bytes[start - 1] === 0x5c) start++;
    else if (start > 0 && BETWEEN.table[bytes[start - 1]!] === 0) continue;
    if (PREFIXES[prefixAt(bytes, start)] === 0) continue;
    let end = word;
    while (end < length && end - start < WORD_CHARS && letters[bytes[end]!] === 1) end++;
    // Another one follows: a look falls far enough before the row's end.
    let next = end;
    const far = Math.min(length, end + BETWEEN_WORDS);
    while (next < far && BETWEEN.table[bytes[next]!] === 1) next += bytes[next] === 0x5c ? 2 : 1;
    if (next > end && next < length && letters[bytes[next]!] === 1 && PREFIXES[prefixAt(bytes, next)] === 1)
      found(word);
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
