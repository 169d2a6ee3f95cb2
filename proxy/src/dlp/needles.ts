// Finds many fixed byte strings in one pass: the filter proposes places, a table of four-byte windows names the needles, comparing decides.
import { addWindow, findPieces, newPieceFlags } from './filter.ts';
import type { View } from './view.ts';

export interface Needle<Tag> {
  readonly bytes: Uint8Array;
  /** Compare without regard to ASCII case. */
  readonly anyCase: boolean;
  readonly tag: Tag;
}

/** Shortest needle that can be found. */
export const NEEDLE_BYTES = 4;

/** Words of input looked at before the candidates are resolved. */
const BLOCK_WORDS = 4096;
const FOLD = 0x20202020;

export class NeedleSet<Tag> {
  readonly #flags = newPieceFlags();
  /** Window hash -> 1 + index of the first needle with it, 0 for none; `#next` chains the others. */
  readonly #heads = new Int32Array(1 << 16);
  readonly #next: number[] = [];
  readonly #windowAt: number[] = [];
  readonly #needles: Needle<Tag>[];
  readonly #pieces = new Int32Array(BLOCK_WORDS * 2);
  readonly #found: Found = { count: 0, needle: [], start: [] };

  constructor(needles: readonly Needle<Tag>[]) {
    this.#needles = needles.filter((needle) => needle.bytes.length >= NEEDLE_BYTES);
    this.#needles.forEach(({ bytes }, index) => {
      const at = rarestWindow(bytes);
      const window = readWord(bytes, at);
      addWindow(this.#flags, window);
      const hash = hashWindow(window);
      this.#windowAt.push(at);
      this.#next.push(this.#heads[hash]!);
      this.#heads[hash] = index + 1;
    });
  }

  /** Calls `found` for every needle at every place of `view`, places roughly ascending. Not to be called again from `found`. */
  find(view: View, found: (tag: Tag, start: number, length: number) => void): void {
    const { bytes, length } = view;
    if (length < NEEDLE_BYTES || this.#needles.length === 0) return;
    const skew = (4 - (bytes.byteOffset & 3)) & 3;
    // The last word is left to the byte loop, so that reading one word ahead stays inside the view.
    const wordCount = length < skew + 16 ? 0 : ((length - skew) >> 2) - 1;
    if (wordCount > 0) {
      // The window at `skew - 1` has its even piece at `skew`.
      this.#findEach(view, 0, skew - 1);
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + skew, wordCount + 1);
      for (let from = 0; from < wordCount; from += BLOCK_WORDS) {
        const count = findPieces(this.#flags, words, from, Math.min(from + BLOCK_WORDS, wordCount), this.#pieces);
        this.#resolvePieces(view, skew, count);
        if (this.#found.count > 0) this.#hand(found);
      }
    }
    // The even piece of the window that begins one byte before the tail lies in the tail.
    this.#findEach(view, wordCount > 0 ? skew + wordCount * 4 - 1 : 0, length - NEEDLE_BYTES + 1);
    if (this.#found.count > 0) this.#hand(found);
  }

  #findEach(view: View, from: number, to: number): void {
    const { bytes } = view;
    for (let at = from; at < to; at++) {
      const head = this.#heads[hashWindow(readWord(bytes, at))]!;
      if (head !== 0) this.#resolve(view, at, head);
    }
  }

  #resolvePieces(view: View, skew: number, count: number): void {
    const { bytes, length } = view;
    const pieces = this.#pieces;
    const heads = this.#heads;
    for (let i = 0; i < count; i++) {
      const piece = pieces[i]!;
      const at = skew + ((piece >> 3) << 2) + ((piece & 4) >> 1);
      // First its second-byte reading, which begins one byte earlier.
      if ((piece & 2) !== 0 && at > 0) {
        const head = heads[hashWindow(readWord(bytes, at - 1))]!;
        if (head !== 0) this.#resolve(view, at - 1, head);
      }
      if ((piece & 1) !== 0 && at + 4 <= length) {
        const head = heads[hashWindow(readWord(bytes, at))]!;
        if (head !== 0) this.#resolve(view, at, head);
      }
    }
  }

  #resolve(view: View, at: number, head: number): void {
    const found = this.#found;
    for (let index = head; index !== 0; index = this.#next[index - 1]!) {
      const needle = this.#needles[index - 1]!;
      const start = at - this.#windowAt[index - 1]!;
      if (start < 0 || start + needle.bytes.length > view.length) continue;
      if (!isAt(needle.bytes, needle.anyCase, view.bytes, start)) continue;
      found.needle[found.count] = index - 1;
      found.start[found.count] = start;
      found.count++;
    }
  }

  #hand(found: (tag: Tag, start: number, length: number) => void): void {
    const { count, needle, start } = this.#found;
    this.#found.count = 0;
    for (let i = 0; i < count; i++) {
      const one = this.#needles[needle[i]!]!;
      found(one.tag, start[i]!, one.bytes.length);
    }
  }
}

/** Needles of one block, kept apart from what is done about them: the search stays a tight loop. */
interface Found {
  count: number;
  readonly needle: number[];
  readonly start: number[];
}

const hashWindow = (window: number): number => Math.imul(window | FOLD, 0x85ebca6b) >>> 16;

const readWord = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function isAt(needle: Uint8Array, anyCase: boolean, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < needle.length; i++) {
    const difference = needle[i]! ^ bytes[start + i]!;
    if (difference === 0) continue;
    if (!anyCase || difference !== 0x20) return false;
    const lower = needle[i]! | 0x20;
    if (lower < 0x61 || lower > 0x7a) return false;
  }
  return true;
}

/** How unusual a byte is in prose and source code, roughly; only ratios matter. */
const RARITY = new Uint8Array(256).fill(30);
for (let digit = 0x30; digit <= 0x39; digit++) RARITY[digit] = 24;
[...' etaoinsrhldcumfpgwybvkxjqz'].forEach((char, rank) => {
  RARITY[char.charCodeAt(0)] = 6 + rank;
  RARITY[char.toUpperCase().charCodeAt(0)] = 6 + rank;
});

function rarestWindow(bytes: Uint8Array): number {
  let best = 0;
  let bestScore = -1;
  for (let at = 0; at + 4 <= bytes.length; at++) {
    const score = RARITY[bytes[at]!]! + RARITY[bytes[at + 1]!]! + RARITY[bytes[at + 2]!]! + RARITY[bytes[at + 3]!]!;
    if (score > bestScore) {
      best = at;
      bestScore = score;
    }
  }
  return best;
}
