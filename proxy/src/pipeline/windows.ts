// Where each few characters of the known values stand, found by one step a character of a text. Pure.
import { isUnusualAt, WINDOW_CHARS } from '../dlp/unusual.ts';

export { WINDOW_CHARS };

export interface Windowed {
  readonly text: string;
  readonly lower: string;
}

const FEWEST_BITS = 16;

/** Numbers in a row instead of objects: hundreds of values have millions of windows, and are read anew with each that comes. */
export class Windows<Of extends Windowed> {
  private readonly known: readonly Of[];
  private readonly bits: number;
  /** By hash: 1 + the first window with it; 0 = none has. */
  private readonly heads: Int32Array;
  /** Of each window: the next one with its hash; its characters, a byte each; the value, and where in that it stands. */
  private readonly next: Int32Array;
  private readonly rolled: Int32Array;
  private readonly of: Int32Array;
  private readonly at: Int32Array;
  private count = 0;

  constructor(known: readonly Of[]) {
    this.known = known;
    const most = known.reduce((sum, { lower }) => sum + lower.length, 0);
    this.bits = Math.max(FEWEST_BITS, 32 - Math.clz32(most));
    this.heads = new Int32Array(2 ** this.bits);
    this.next = new Int32Array(most);
    this.rolled = new Int32Array(most);
    this.of = new Int32Array(most);
    this.at = new Int32Array(most);
    known.forEach((_, index) => void this.add(index));
  }

  /** `text` in lower case. */
  forEach(text: string, found: (index: number, of: Of, at: number) => void): void {
    if (this.count === 0) return;
    let rolled = 0;
    for (let end = 0; end < text.length; end++) {
      // The last four characters, a byte each.
      rolled = (rolled << 8) | (text.charCodeAt(end) & 0xff);
      const head = this.heads[this.hash(rolled)]!;
      if (head === 0 || end < WINDOW_CHARS - 1) continue;
      const index = end - WINDOW_CHARS + 1;
      for (let window = head; window !== 0; window = this.next[window - 1]!) {
        if (this.rolled[window - 1] !== rolled) continue;
        const of = this.known[this.of[window - 1]!]!;
        const at = this.at[window - 1]!;
        if (of.lower.startsWith(text.slice(index, end + 1), at)) found(index, of, at);
      }
    }
  }

  private add(index: number): void {
    const { text, lower } = this.known[index]!;
    // Of a value made of words each word is innocent.
    const isPassphrase = !isMostlyUnusual(text);
    let rolled = 0;
    for (let end = 0; end < lower.length; end++) {
      rolled = (rolled << 8) | (lower.charCodeAt(end) & 0xff);
      const at = end - WINDOW_CHARS + 1;
      if (at < 0 || (isPassphrase && !isUnusualAt(text, at))) continue;
      const hash = this.hash(rolled);
      const window = this.count++;
      this.next[window] = this.heads[hash]!;
      this.heads[hash] = window + 1;
      this.rolled[window] = rolled;
      this.of[window] = index;
      this.at[window] = at;
    }
  }

  private hash(rolled: number): number {
    return Math.imul(rolled, 0x9e3779b1) >>> (32 - this.bits);
  }
}

function isMostlyUnusual(text: string): boolean {
  let count = 0;
  for (let at = 0; at + WINDOW_CHARS <= text.length; at++) if (isUnusualAt(text, at)) count++;
  return count * 2 > text.length;
}
