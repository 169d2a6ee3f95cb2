// Finds any of a set of texts in bytes, in one pass that skips most of them (Wu and Manber 1994, blocks of two bytes). Pure.

/** Longer windows skip no more bytes than this. */
const MAX_WINDOW = 64;
const PAIRS = 65_536;

export class NeedleSearch {
  private readonly needles: readonly Buffer[];
  /** Length of the part of every needle that is looked at first, in bytes. */
  private readonly window: number;
  /** For each pair of bytes: how far it stands from the end of a window, at least. */
  private readonly shifts: Uint8Array;
  /** Needles whose window ends with that pair. */
  private readonly endings = new Map<number, Buffer[]>();
  /** 1 for bytes that begin a needle. */
  private readonly beginnings = new Uint8Array(256);
  private readonly longest: number;

  /** Needles of at least two bytes. */
  constructor(needles: readonly Buffer[]) {
    this.needles = needles;
    this.longest = needles.reduce((most, { length }) => Math.max(most, length), 0);
    this.window = needles.reduce((least, { length }) => Math.min(least, length), MAX_WINDOW);
    this.shifts = new Uint8Array(PAIRS).fill(this.window - 1);
    for (const needle of needles) {
      this.beginnings[needle[0]!] = 1;
      for (let at = 0; at <= this.window - 2; at++) {
        const pair = pairAt(needle, at);
        this.shifts[pair] = Math.min(this.shifts[pair]!, this.window - 2 - at);
      }
      const ending = pairAt(needle, this.window - 2);
      const others = this.endings.get(ending);
      if (others === undefined) this.endings.set(ending, [needle]);
      else others.push(needle);
    }
  }

  /** Calls `found` for every place where a needle stands whole, also where they overlap. */
  forEach(bytes: Buffer, found: (start: number, length: number) => void): void {
    const { shifts, window } = this;
    const last = bytes.length - 2;
    let at = window - 2;
    while (at <= last) {
      const shift = shifts[(bytes[at]! << 8) | bytes[at + 1]!]!;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - (window - 2);
      for (const needle of this.endings.get(pairAt(bytes, at)) ?? []) {
        const end = start + needle.length;
        if (end <= bytes.length && needle.compare(bytes, start, end) === 0) found(start, needle.length);
      }
      at++;
    }
  }

  /** Bytes at the end that may be the beginning of a needle. */
  openTail(bytes: Buffer): number {
    for (let at = Math.max(0, bytes.length - this.longest + 1); at < bytes.length; at++) {
      if (this.beginnings[bytes[at]!] === 0) continue;
      const length = bytes.length - at;
      for (const needle of this.needles) {
        if (needle.length > length && needle.compare(bytes, at, bytes.length, 0, length) === 0) return length;
      }
    }
    return 0;
  }
}

function pairAt(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
