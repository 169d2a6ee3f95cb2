// Finds many fixed byte strings in one pass: the sweep proposes places, a table of four-byte windows names the needles, comparing decides.
import type { Marks } from './marks.ts';
import { rarestWindow } from './rarity.ts';
import { BLOCK_BYTES, type Sweeper } from './sweep.ts';
import { createSweeper } from './sweeper.ts';
import type { View } from './view.ts';

export interface Needle<Tag> {
  readonly bytes: Uint8Array;
  /** Compare without regard to ASCII case. */
  readonly anyCase: boolean;
  readonly tag: Tag;
}

/** Shortest needle that can be found. */
export const NEEDLE_BYTES = 4;

const FOLD = 0x20202020;

export class NeedleSet<Tag> {
  /** Window hash -> 1 + index of the first needle with it, 0 for none; `#next` chains the others. */
  readonly #heads = new Int32Array(1 << 16);
  readonly #next: number[] = [];
  readonly #windowAt: number[] = [];
  readonly #needles: Needle<Tag>[];
  readonly #sweeper: Sweeper;
  readonly #found: Found = { count: 0, needle: [], start: [] };

  constructor(needles: readonly Needle<Tag>[], open: (windows: readonly number[]) => Sweeper = createSweeper) {
    this.#needles = needles.filter((needle) => needle.bytes.length >= NEEDLE_BYTES);
    const windows = this.#needles.map(({ bytes }, index) => {
      const at = rarestWindow(bytes);
      const window = readWord(bytes, at);
      const hash = hashWindow(window);
      this.#windowAt.push(at);
      this.#next.push(this.#heads[hash]!);
      this.#heads[hash] = index + 1;
      return window;
    });
    this.#sweeper = open(windows);
  }

  /**
   * Calls `found` for every needle at every place of `view`, places roughly ascending, and notes in `marks` what else the pass sees. Not to be
   * called again from `found`.
   */
  find(view: View, marks: Marks | null, found: (tag: Tag, start: number, length: number) => void): void {
    const { bytes, length } = view;
    marks?.clear();
    if (length < NEEDLE_BYTES) return;
    const { swept } = this.#sweeper;
    for (let from = 0; from < length; from += BLOCK_BYTES) {
      this.#sweeper.sweep(bytes, length, from);
      marks?.add(swept);
      for (let i = 0; i < swept.windowCount; i++) {
        const at = swept.windows[i]!;
        if (at < 0) continue;
        const window = readWord(bytes, at);
        if ((window & 0xffff) === window >>> 16 && isFiller(bytes, at)) {
          const end = fillerEnd(bytes, at, length) - 2 * NEEDLE_BYTES;
          while (i + 1 < swept.windowCount && swept.windows[i + 1]! <= end) i++;
          continue;
        }
        const head = this.#heads[hashWindow(window)]!;
        if (head !== 0) this.#resolve(view, at, head);
      }
      if (this.#found.count > 0) this.#hand(found);
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

/**
 * Zeros in base64 and the like: one byte over and over, also before and behind the window. There a needle like `AAAA` stands at every place, and
 * no other has its window there: of a needle the rarest is taken.
 */
function isFiller(bytes: Uint8Array, at: number): boolean {
  const byte = bytes[at]!;
  for (let i = at - NEEDLE_BYTES; i < at + 2 * NEEDLE_BYTES; i++) if (bytes[i] !== byte) return false;
  return true;
}

/** End of the bytes that are all like the one at `at`. */
function fillerEnd(bytes: Uint8Array, at: number, length: number): number {
  const byte = bytes[at]!;
  let end = at + 2 * NEEDLE_BYTES;
  while (end < length && bytes[end] === byte) end++;
  return end;
}

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
