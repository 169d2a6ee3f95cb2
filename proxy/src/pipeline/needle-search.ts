// Finds any of a set of texts in bytes, in one pass that skips most of them (Wu and Manber 1994, blocks of two bytes). Pure.

/** Longer windows skip no more bytes than this. */
const MAX_WINDOW = 64;
const PAIRS = 65_536;

export class NeedleSearch {
  /** Length of the part of every needle that is looked at first, in bytes. */
  private readonly window: number;
  /** For each pair of bytes: how far it stands from the end of a window, at least. */
  private readonly shifts: Uint8Array;
  /** Needles whose window ends with that pair. */
  private readonly endings = new Map<number, Buffer[]>();
  /** Needles by their first two bytes, and 1 for first bytes. */
  private readonly beginnings = new Map<number, Buffer[]>();
  private readonly firsts = new Uint8Array(256);
  private readonly longest: number;

  /** Needles of at least two bytes. */
  constructor(needles: readonly Buffer[]) {
    this.longest = needles.reduce((most, { length }) => Math.max(most, length), 0);
    this.window = needles.reduce((least, { length }) => Math.min(least, length), MAX_WINDOW);
    this.shifts = new Uint8Array(PAIRS).fill(this.window - 1);
    for (const needle of needles) {
      this.firsts[needle[0]!] = 1;
      listAt(this.beginnings, pairAt(needle, 0)).push(needle);
      for (let at = 0; at <= this.window - 2; at++) {
        const pair = pairAt(needle, at);
        this.shifts[pair] = Math.min(this.shifts[pair]!, this.window - 2 - at);
      }
      listAt(this.endings, pairAt(needle, this.window - 2)).push(needle);
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
    const { firsts, beginnings } = this;
    for (let at = Math.max(0, bytes.length - this.longest + 1); at < bytes.length; at++) {
      if (firsts[bytes[at]!] === 0) continue;
      const length = bytes.length - at;
      if (length === 1) return 1;
      for (const needle of beginnings.get(pairAt(bytes, at)) ?? []) {
        if (needle.length > length && needle.compare(bytes, at, bytes.length, 0, length) === 0) return length;
      }
    }
    return 0;
  }
}

function listAt(lists: Map<number, Buffer[]>, key: number): Buffer[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

function pairAt(bytes: Buffer, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
