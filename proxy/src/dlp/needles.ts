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
  /** Window hash -> 1 + index of the first needle with it, 0 for none. */
  readonly #heads = new Int32Array(1 << 16);
  readonly #tags: readonly Tag[];
  /** What is compared, in memory that stays in the processor's cache: FIELDS numbers for each needle, and the bytes of all of them. */
  readonly #table: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #sweeper: Sweeper;
  readonly #found: Found = { count: 0, needle: [], start: [] };

  constructor(given: readonly Needle<Tag>[], open: (windows: readonly number[]) => Sweeper = createSweeper) {
    const needles = given.filter((needle) => needle.bytes.length >= NEEDLE_BYTES);
    this.#tags = needles.map(({ tag }) => tag);
    this.#table = new Int32Array(needles.length * FIELDS);
    this.#bytes = Buffer.concat(needles.map(({ bytes }) => bytes));
    const windows: number[] = [];
    let offset = 0;
    for (const [index, { bytes, anyCase }] of needles.entries()) {
      const windowAt = rarestWindow(bytes);
      const window = readWord(bytes, windowAt);
      const hash = hashWindow(window);
      const fold = anyCase ? FOLD : 0;
      const fields = [this.#heads[hash]!, fold, window | fold, windowAt, bytes.length, offset];
      this.#table.set(fields, index * FIELDS);
      this.#heads[hash] = index + 1;
      windows.push(window);
      offset += bytes.length;
    }
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
        if (head !== 0) this.#resolve(view, at, window, head);
      }
      if (this.#found.count > 0) this.#hand(found);
    }
  }

  #resolve(view: View, at: number, window: number, head: number): void {
    const found = this.#found;
    const table = this.#table;
    for (let index = head; index !== 0; ) {
      const fields = (index - 1) * FIELDS;
      const next = table[fields + NEXT]!;
      const start = at - table[fields + WINDOW_AT]!;
      const length = table[fields + LENGTH]!;
      const isWindow = (window | table[fields + FOLDED]!) === table[fields + WINDOW];
      if (isWindow && start >= 0 && start + length <= view.length) {
        if (this.#isAt(table[fields + OFFSET]!, length, table[fields + FOLDED] !== 0, view.bytes, start)) {
          found.needle[found.count] = index - 1;
          found.start[found.count] = start;
          found.count++;
        }
      }
      index = next;
    }
  }

  /** Whether the needle whose bytes begin at `offset` stands at `start`. */
  #isAt(offset: number, length: number, anyCase: boolean, bytes: Uint8Array, start: number): boolean {
    const needles = this.#bytes;
    for (let i = 0; i < length; i++) {
      const own = needles[offset + i]!;
      const difference = own ^ bytes[start + i]!;
      if (difference === 0) continue;
      if (!anyCase || difference !== 0x20) return false;
      const lower = own | 0x20;
      if (lower < 0x61 || lower > 0x7a) return false;
    }
    return true;
  }

  #hand(found: (tag: Tag, start: number, length: number) => void): void {
    const { count, needle, start } = this.#found;
    this.#found.count = 0;
    for (let i = 0; i < count; i++) {
      const index = needle[i]!;
      found(this.#tags[index]!, start[i]!, this.#table[index * FIELDS + LENGTH]!);
    }
  }
}

/** The fields of a needle: 1 + index of the next one with the same hash; what its window is folded with, and the window; where in it that is. */
const NEXT = 0;
const FOLDED = 1;
const WINDOW = 2;
const WINDOW_AT = 3;
const LENGTH = 4;
/** Where its bytes begin. */
const OFFSET = 5;
const FIELDS = 6;

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
