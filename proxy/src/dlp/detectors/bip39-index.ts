// Whether a word is one of BIP-39's list, and which: by its eight bytes, as two numbers.
import { BIP39_WORDS } from './bip39-words.ts';

export const SHORTEST_WORD = 3;
export const LONGEST_WORD = 8;

/** Open addressing: 1 + a word's index at its hash or at the next free place. */
const INDEX_OF = new Uint16Array(1 << 13);
const LAST_PLACE = INDEX_OF.length - 1;
/** The first four bytes of each word, and the others. */
const HEADS = new Int32Array(BIP39_WORDS.length);
const TAILS = new Int32Array(BIP39_WORDS.length);

function hashWord(head: number, tail: number): number {
  return Math.imul(head, 0x9e3779b1) ^ Math.imul(tail, 0x85ebca6b);
}
const placeOf = (head: number, tail: number): number => hashWord(head, tail) >>> 19;

for (const [index, word] of BIP39_WORDS.entries()) {
  const bytes = Buffer.alloc(LONGEST_WORD);
  bytes.write(word);
  HEADS[index] = bytes.readInt32LE(0);
  TAILS[index] = bytes.readInt32LE(4);
  let place = placeOf(HEADS[index]!, TAILS[index]!);
  while (INDEX_OF[place] !== 0) place = (place + 1) & LAST_PLACE;
  INDEX_OF[place] = index + 1;
}

/** A bit for each hash that a listed word has. */
export const WORD_BITS = new Uint8Array(1 << 12);
for (const [index, head] of HEADS.entries()) {
  const hash = hashWord(head, TAILS[index]!) >>> 17;
  WORD_BITS[hash >> 3]! |= 1 << (hash & 7);
}

/** Whether a word has the hash of a listed one. */
export function mayBeListed(words: Uint8Array, word: string): boolean {
  const bytes = Buffer.alloc(LONGEST_WORD);
  bytes.write(word, 'latin1');
  const hash = hashWord(bytes.readInt32LE(0), bytes.readInt32LE(4)) >>> 17;
  return ((words[hash >> 3]! >> (hash & 7)) & 1) === 1;
}

/** Index of the word `start..end` in the list, -1 when it is none. */
export function wordIndex(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < SHORTEST_WORD || length > LONGEST_WORD) return -1;
  let head = 0;
  let tail = 0;
  for (let i = 0; i < length; i++) {
    if (i < 4) head |= bytes[start + i]! << (i * 8);
    else tail |= bytes[start + i]! << (i * 8 - 32);
  }
  for (let place = placeOf(head, tail); INDEX_OF[place] !== 0; place = (place + 1) & LAST_PLACE) {
    const index = INDEX_OF[place]! - 1;
    if (HEADS[index] === head && TAILS[index] === tail) return index;
  }
  return -1;
}
