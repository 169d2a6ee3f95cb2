// Finds any of a set of texts in bytes, in one pass that skips most of them (Wu and Manber 1994, blocks of two bytes). Pure.
//
// Letters match in either case. A long text also matches where lines were broken in it (base64 in mail, PEM, folded fields, `\n` in JSON): it is
// looked for by two pieces near its beginning, one of which is whole however lines of 60 characters and more are broken.

/** Longer windows skip no more bytes than this. */
const MAX_WINDOW = 64;
const PAIRS = 65_536;
/** Texts from here on may have line breaks in them. */
const BREAKABLE = 24;
const PIECE = 30;
/** All breaks in one text together, in bytes, beyond its own length. */
const BREAK_BYTES = 64;
const [TAB, LF, CR, SPACE, EQUALS, BACKSLASH] = [0x09, 0x0a, 0x0d, 0x20, 0x3d, 0x5c];
const [N, R] = [0x6e, 0x72];

/** Lower case of ASCII letters. */
const FOLD = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

interface Needle {
  readonly index: number;
  /** Folded. */
  readonly bytes: Uint8Array;
  readonly isBreakable: boolean;
}

interface Piece {
  readonly needle: Needle;
  /** Where it stands in the needle. */
  readonly offset: number;
}

/** What the search says of one place: the number of a needle, which stands there, breaks included. */
export type OnFound = (start: number, end: number, index: number) => void;

export class NeedleSearch {
  /** Length of the part of every piece that is looked at first, in bytes. */
  private readonly window: number;
  /** For each pair of bytes: how far it stands from the end of a window, at least. */
  private readonly shifts: Uint8Array;
  /** Pieces whose window ends with that pair. */
  private readonly endings = new Map<number, Piece[]>();
  /** Needles by their first byte, either case. */
  private readonly beginnings: readonly Needle[][] = Array.from({ length: 256 }, () => []);
  /** 1 for each pair of bytes that a needle can begin with, breaks included. */
  private readonly starts = new Uint8Array(PAIRS);
  /** Of a needle with as many breaks as are reckoned with, in bytes. */
  readonly longestSpan: number;

  /** Needles of at least two bytes. */
  constructor(needles: readonly Buffer[]) {
    const own = needles.map(
      (needle, index): Needle => ({
        index,
        bytes: folded(needle),
        isBreakable: needle.length >= BREAKABLE,
      }),
    );
    const pieces = own.flatMap(piecesOf);
    this.window = pieces.reduce((least, { size }) => Math.min(least, size), MAX_WINDOW);
    this.longestSpan = own.reduce((most, needle) => Math.max(most, spanOf(needle)), 0);
    const shifts = new Uint8Array(PAIRS).fill(this.window - 1);
    for (const { needle, offset } of pieces) {
      const { bytes } = needle;
      for (let at = 0; at <= this.window - 2; at++) {
        const shift = this.window - 2 - at;
        const pair = (bytes[offset + at]! << 8) | bytes[offset + at + 1]!;
        if (shift < shifts[pair]!) shifts[pair] = shift;
      }
      const last = offset + this.window - 2;
      const key = (bytes[last]! << 8) | bytes[last + 1]!;
      const others = this.endings.get(key);
      if (others === undefined) this.endings.set(key, [{ needle, offset }]);
      else others.push({ needle, offset });
    }
    // As far as in lower case, whatever the case.
    this.shifts = shifts.map((_, pair) => shifts[(FOLD[pair >> 8]! << 8) | FOLD[pair & 0xff]!]!);
    for (const needle of own) {
      const [first, second] = [needle.bytes[0]!, needle.bytes[1]!];
      this.beginnings[first]!.push(needle);
      for (const pair of casesOf(first, second)) this.starts[pair] = 1;
      if (!needle.isBreakable) continue;
      for (const mark of [LF, CR, EQUALS, BACKSLASH]) for (const pair of casesOf(first, mark)) this.starts[pair] = 1;
    }
  }

  /** Calls `found` for every place where a needle stands whole, also where they overlap; now and then twice for one. */
  forEach(bytes: Buffer, found: OnFound): void {
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
      for (const piece of this.endings.get((FOLD[bytes[at]!]! << 8) | FOLD[bytes[at + 1]!]!) ?? []) {
        const end = endOf(piece.needle, piece.offset, bytes, start);
        if (end < 0 || end > bytes.length) continue;
        const begin = startOf(piece, bytes, start);
        if (begin >= 0) found(begin, end, piece.needle.index);
      }
      at++;
    }
  }

  /** Bytes at the end that may be the beginning of a needle. */
  openTail(bytes: Buffer): number {
    const { length } = bytes;
    const { starts } = this;
    for (let at = Math.max(0, length - this.longestSpan + 1); at < length - 1; at++) {
      if (starts[(bytes[at]! << 8) | bytes[at + 1]!] === 0) continue;
      for (const needle of this.beginnings[FOLD[bytes[at]!]!]!)
        if (endOf(needle, 0, bytes, at) > length) return length - at;
    }
    return length > 0 && this.beginnings[FOLD[bytes[length - 1]!]!]!.length > 0 ? 1 : 0;
  }

  /** The number of a needle whose beginning `bytes` is, as `openTail` told of them. */
  begunAt(bytes: Buffer): number | null {
    const begun = this.beginnings[FOLD[bytes[0]!]!]!.find((needle) => endOf(needle, 0, bytes, 0) > bytes.length);
    return begun?.index ?? null;
  }
}

/** A loop: there may be hundreds of values, and `from` calls back for each byte of all their forms. */
function folded(needle: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(needle.length);
  for (let at = 0; at < needle.length; at++) bytes[at] = FOLD[needle[at]!]!;
  return bytes;
}

const spanOf = ({ bytes, isBreakable }: Needle): number =>
  bytes.length + (isBreakable ? bytes.length + BREAK_BYTES : 0);

function piecesOf(needle: Needle): readonly (Piece & { readonly size: number })[] {
  const { length } = needle.bytes;
  if (!needle.isBreakable) return [{ needle, offset: 0, size: length }];
  const size = Math.min(length >> 1, PIECE);
  return [0, size].map((offset) => ({ needle, offset, size }));
}

function casesOf(first: number, second: number): readonly number[] {
  return [first, upper(first)].flatMap((one) => [second, upper(second)].map((other) => (one << 8) | other));
}

const upper = (byte: number): number => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte);

/** Where the rest of the needle from `offset` ends that begins at `at`; beyond the end of `bytes` when they end before it does; -1 = it is not there. */
function endOf({ bytes: needle, isBreakable }: Needle, offset: number, bytes: Buffer, at: number): number {
  let place = at;
  let breaks = needle.length + BREAK_BYTES;
  for (let i = offset; i < needle.length; i++) {
    if (place < bytes.length && FOLD[bytes[place]!] !== needle[i]) {
      if (!isBreakable || i === 0) return -1;
      const gap = gapAfter(bytes, place);
      breaks -= gap;
      if (gap === 0 || breaks < 0) return -1;
      place += gap;
      if (place < bytes.length && FOLD[bytes[place]!] !== needle[i]) return -1;
    }
    if (place >= bytes.length) return bytes.length + 1;
    place++;
  }
  return place;
}

/** Where the needle begins whose piece stands at `at`; -1 = it is not there. */
function startOf({ needle: { bytes: needle }, offset }: Piece, bytes: Buffer, at: number): number {
  let place = at;
  let breaks = needle.length + BREAK_BYTES;
  for (let i = offset - 1; i >= 0; i--) {
    if (place > 0 && FOLD[bytes[place - 1]!] !== needle[i]) {
      const gap = gapBefore(bytes, place);
      breaks -= gap;
      if (gap === 0 || breaks < 0) return -1;
      place -= gap;
    }
    if (place === 0 || FOLD[bytes[place - 1]!] !== needle[i]) return -1;
    place--;
  }
  return place;
}

/** Length of the break of a line at `at`, with the indentation behind it; 0 = there is none. What the end cuts off may be one. */
function gapAfter(bytes: Buffer, at: number): number {
  let place = at;
  // A soft break of quoted-printable.
  if (bytes[place] === EQUALS) place++;
  if (bytes[place] === BACKSLASH) return escapedAfter(bytes, place) - at;
  if (place === bytes.length) return place - at;
  if (bytes[place] === CR) place++;
  if (bytes[place] === LF) place++;
  if (place === at || (place === at + 1 && bytes[at] === EQUALS)) return 0;
  while (bytes[place] === SPACE || bytes[place] === TAB) place++;
  return place - at;
}

/** Where `\\n`, `\\r` or `\\r\\n` ends; `at` when there is none. */
function escapedAfter(bytes: Buffer, at: number): number {
  let place = at;
  for (const letter of [R, N]) {
    if (bytes[place] !== BACKSLASH) continue;
    if (place + 1 === bytes.length) return bytes.length;
    if (bytes[place + 1] === letter) place += 2;
  }
  return place;
}

/** The same for the break that ends at `end`. */
function gapBefore(bytes: Buffer, end: number): number {
  let place = end;
  while (bytes[place - 1] === SPACE || bytes[place - 1] === TAB) place--;
  const indented = place;
  if (bytes[place - 1] === LF) place--;
  if (bytes[place - 1] === CR) place--;
  if (place < indented) return end - (bytes[place - 1] === EQUALS ? place - 1 : place);
  if (indented < end) return 0;
  for (const letter of [N, R]) if (bytes[place - 1] === letter && bytes[place - 2] === BACKSLASH) place -= 2;
  return end - place;
}
