// Text whose characters stand alone or in small groups: `g h p _`, `67-68-70`, `0x67, 0x68`, `103,104,112`.
import { ALNUM, charset, HEX } from '../charsets.ts';
import { type Span, Trace, View } from '../view.ts';
import { LEAST_STREAM, mayBeInflated } from './compressed.ts';
import { isText } from './telling.ts';

/** Shortest stretch in which every four bytes hold a separator, in bytes. */
const STRETCH_BYTES = 32;
/** Of single characters and pairs so many bytes are enough. */
const WINDOW_BYTES = 16;
const WINDOW_PIECES = 5;
const STRETCH_PIECES = 7;
/** Shortest stretch of nothing but hex digits and separators, in bytes. */
const DUMP_BYTES = 24;
/** Fewest letters and digits of a stretch: indentation and rules have none. */
const STRETCH_ALNUM = 6;
/** What is looked at on both sides of a stretch: a token may begin with several signs that count as separators (`sk-ant-…-`). */
const MARGIN_BYTES = 160;
/** Fewest numbers in a row that may be text. */
const LEAST_NUMBERS = 8;

/** Longer binary data is searched like text. */
const OPAQUE_BYTES = 192;

/** Hex digits, and what stands between groups of them. */
const HEX_DUMP = charset('0-9A-Fa-fxXn ,:;=\n\r\t.|_$"\'()[]{}\\-');

export interface Stretch extends Span {
  /** Nothing but hex digits and separators: may spell text. Else letters and digits in ones, twos and threes. */
  readonly isNumbers: boolean;
}

/** How a byte counts in a look: letter or digit, letter, and what dumps are written with. */
const ALNUM_KIND = 1;
const LETTER_KIND = 2;
const DUMP_KIND = 4;
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
  return ALNUM.table[byte]! | (isLetter ? LETTER_KIND : 0) | (HEX_DUMP.table[byte]! * DUMP_KIND);
});

/**
 * Calls `visit` for every stretch of text that is cut into pieces of at most three bytes, and for every stretch of numbers; they may be at one
 * of `count` places that the sweep saw. `areDigitsCut`: whether pieces of digits alone are of interest too.
 */
export function sparseStretches(
  view: View,
  places: Int32Array,
  count: number,
  areDigitsCut: boolean,
  visit: (stretch: Stretch) => void,
): void {
  const { bytes, length } = view;
  let numbers: Span | null = null;
  let cut: Span | null = null;
  const grown = (last: Span | null, at: number, isNumbers: boolean): Span => {
    const end = Math.min(length, at + 2 * STRETCH_BYTES + MARGIN_BYTES);
    if (last !== null && at - MARGIN_BYTES <= last.end) return { start: last.start, end };
    if (last !== null) visit({ ...last, isNumbers });
    return { start: Math.max(0, at - MARGIN_BYTES), end };
  };
  for (let i = 0; i < count; i++) {
    const at = places[i]!;
    // Directly behind a place that is part of a stretch the next but one tells as much.
    const isPart = (last: Span | null): boolean => last !== null && at + STRETCH_BYTES + MARGIN_BYTES <= last.end;
    if (!isPart(numbers) && isDump(bytes, at, length)) numbers = grown(numbers, at, true);
    if (!isPart(cut) && isCutUp(bytes, at, Math.min(length, at + STRETCH_BYTES), areDigitsCut))
      cut = grown(cut, at, false);
  }
  if (numbers !== null) visit({ ...numbers, isNumbers: true });
  if (cut !== null) visit({ ...cut, isNumbers: false });
}

function isDump(bytes: Uint8Array, at: number, length: number): boolean {
  const end = at + DUMP_BYTES;
  if (end > length) return false;
  let alnum = 0;
  for (let i = at; i < end; i++) {
    const kind = KINDS[bytes[i]!]!;
    if (kind < DUMP_KIND) return false;
    alnum += kind & ALNUM_KIND;
  }
  return alnum >= STRETCH_ALNUM;
}

/**
 * Letters and digits, in ones and twos over the first bytes or never more than three together, in many pieces. Digits alone are a number at
 * most, hence only of interest one by one.
 */
function isCutUp(bytes: Uint8Array, start: number, end: number, areDigitsCut: boolean): boolean {
  let pieces = 0;
  let together = 0;
  let longest = 0;
  let all = areDigitsCut ? LETTER_KIND : 0;
  for (let at = start; at < end; at++) {
    const kind = KINDS[bytes[at]!]!;
    if ((kind & ALNUM_KIND) === 0) together = 0;
    else {
      all |= kind;
      if (together === 0) pieces++;
      if (++together > longest) longest = together;
      if (longest > 3) return false;
    }
    const isOfInterest = (all & LETTER_KIND) !== 0 || longest === 1;
    if (at === start + WINDOW_BYTES - 1 && longest <= 2 && pieces >= WINDOW_PIECES && isOfInterest) return true;
  }
  return end - start === STRETCH_BYTES && pieces >= STRETCH_PIECES && ((all & LETTER_KIND) !== 0 || longest === 1);
}

/** Memory for a look without the separators, used again and again. */
const scratch = { bytes: Buffer.alloc(4096) };

/** The letters and digits of a stretch, in memory that is valid until the next call: to see whether a closer look pays. */
export const squeezedBriefly = (view: View, start: number, end: number): View => briefly(view, start, end, ALNUM.table);

/** `kept`: 1 for each byte that stays. */
function briefly(view: View, start: number, end: number, kept: Uint8Array): View {
  if (scratch.bytes.length < end - start) scratch.bytes = Buffer.alloc((end - start) * 2);
  const { bytes } = scratch;
  const source = view.bytes;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    bytes[length] = byte;
    length += kept[byte]!;
  }
  return new View(bytes, length);
}

/** The letters and digits of a stretch, nothing else. */
export function squeezed(view: View, start: number, end: number): View {
  const trace = new Trace();
  const { bytes } = view;
  for (let at = start; at < end; at++) if (ALNUM.table[bytes[at]!] !== 0) trace.put(bytes[at]!, at, 1);
  return trace.view('pieces', view, end);
}

/** Used again and again. */
const separatorCounts = new Uint32Array(128);
const keptBytes = new Uint8Array(256);
const NO_SEPARATOR = 0x61;
/** What may separate, as itself; all else as NO_SEPARATOR. */
const SEPARATORS = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 128 && ALNUM.table[byte] === 0 ? byte : NO_SEPARATOR,
);

/** The byte that separates most often, of several not the space; -1 when none does often enough. */
function commonSeparator(bytes: Uint8Array, start: number, end: number): number {
  separatorCounts.fill(0);
  for (let at = start; at < end; at++) separatorCounts[SEPARATORS[bytes[at]!]!]!++;
  separatorCounts[NO_SEPARATOR] = 0;
  let separator = 0;
  for (let byte = 1; byte < 128; byte++) if (separatorCounts[byte]! >= separatorCounts[separator]!) separator = byte;
  return separatorCounts[separator]! < LEAST_SEPARATORS ? -1 : separator;
}

/** Calls `found` with every part of a stretch in which one separator stands after every one to three characters, without it. */
export function withoutSeparator(
  view: View,
  start: number,
  end: number,
  isPromising: (brief: View) => boolean,
  found: (child: View) => void,
): void {
  const { bytes } = view;
  const separator = commonSeparator(bytes, start, end);
  if (separator < 0) return;
  keptBytes.fill(1);
  keptBytes[separator] = 0;
  let first = start;
  let last = -1;
  let count = 0;
  let others = 0;
  const flush = (): void => {
    if (count < LEAST_SEPARATORS || others < LEAST_SEPARATORS) return;
    const to = Math.min(end, last + 4);
    if (isPromising(briefly(view, first, to, keptBytes))) found(joined(view, first, to, separator));
  };
  for (let at = start; at < end; at++) {
    if (bytes[at] !== separator) continue;
    if (last >= 0 && at - last > 4) {
      flush();
      count = 0;
      others = 0;
      last = -1;
    }
    if (last < 0) first = Math.max(start, at - 3);
    else others += at - last - 1;
    count++;
    last = at;
  }
  flush();
}

/** Fewest separators, and characters between them, that are worth a look. */
const LEAST_SEPARATORS = 6;

function joined(view: View, start: number, end: number, separator: number): View {
  const trace = new Trace();
  for (let at = start; at < end; at++) if (view.bytes[at] !== separator) trace.put(view.bytes[at]!, at, 1);
  return trace.view('separators', view, end);
}

/** What a letter or digit is worth; more than 15 for what is no hex digit; -1 for what separates. */
const NO_HEX = 17;
const HEX_SIGN = 16;
const DIGITS = Int8Array.from({ length: 256 }, (_, byte) => {
  if (HEX.table[byte] !== 0) return Number.parseInt(String.fromCharCode(byte), 16);
  if ((byte | 0x20) === 0x78) return HEX_SIGN;
  return ALNUM.table[byte] === 0 ? -1 : NO_HEX;
});

/** Numbers of one kind behind each other. */
interface Row {
  start: number;
  end: number;
  /** Bytes that they spell, and how many of these are no text. */
  count: number;
  odd: number;
}

/** Calls `found` with the text that the hex pairs or the decimal numbers of a stretch spell. */
export function spelled(view: View, start: number, end: number, found: (child: View) => void): void {
  const { bytes } = view;
  const hex: Row = { start: -1, end: 0, count: 0, odd: 0 };
  const decimal: Row = { start: -1, end: 0, count: 0, odd: 0 };
  const close = (row: Row): void => {
    if (row.count >= LEAST_NUMBERS && (row === decimal || isWorthReading(bytes, row)))
      found(readRow(view, row, row === hex ? 'hex' : 'decimal'));
    row.start = -1;
    row.count = 0;
    row.odd = 0;
  };
  for (let at = start; at < end; ) {
    if (DIGITS[bytes[at]!]! < 0) {
      at++;
      continue;
    }
    const first = isEscapeLetter(bytes, at) ? at + 1 : at;
    let most = -1;
    for (at = first; at < end; at++) {
      const digit = DIGITS[bytes[at]!]!;
      if (digit < 0) break;
      if (digit > most) most = digit;
    }
    if (first === at) continue;
    const width = at - first;
    const isHex = most < HEX_SIGN ? (width & 1) === 0 && width <= 8 : most === HEX_SIGN && isHexGroup(bytes, first, at);
    if (isHex) {
      if (hex.start < 0) hex.start = first;
      hex.end = at;
      const digits = most < HEX_SIGN ? first : hexStart(bytes, first, at);
      hex.count += Math.max(1, (at - digits) >> 1);
      for (let i = digits; i + 1 < at; i += 2) if (!isTextNibble(DIGITS[bytes[i]!]!)) hex.odd++;
    } else if (hex.start >= 0) close(hex);
    if (width <= 3 && most <= 9 && isCharCode(bytes, first, at)) {
      if (decimal.start < 0) decimal.start = first;
      decimal.end = at;
      decimal.count++;
    } else if (decimal.start >= 0) close(decimal);
  }
  close(hex);
  close(decimal);
}

/** The upper half of a printable character, of white space or of a zero. */
const isTextNibble = (nibble: number): boolean => nibble <= 7 && nibble !== 1;

/** Ids and hashes are rows of numbers as well: of a few bytes that are no text only a compressed stream would be of interest. */
function isWorthReading(bytes: Uint8Array, row: Row): boolean {
  if (row.odd * 8 <= row.count || row.count >= OPAQUE_BYTES) return true;
  if (row.count < LEAST_STREAM) return false;
  const first = hexStart(bytes, row.start, row.end);
  const second = DIGITS[bytes[first + 2]!]! < 0 ? first + 3 : first + 2;
  return mayBeInflated(numberAt(bytes, first, first + 2, 16), numberAt(bytes, second, second + 2, 16));
}

function readRow(view: View, row: Row, kind: 'hex' | 'decimal'): View {
  const { bytes } = view;
  const trace = new Trace();
  for (let at = row.start; at < row.end; ) {
    if (ALNUM.table[bytes[at]!] === 0) {
      at++;
      continue;
    }
    const first = isEscapeLetter(bytes, at) ? at + 1 : at;
    while (at < row.end && ALNUM.table[bytes[at]!] !== 0) at++;
    if (first === at) continue;
    if (kind === 'decimal') trace.put(numberAt(bytes, first, at, 10), first, at - first);
    else {
      for (let digit = hexStart(bytes, first, at); digit < at; digit += 2) {
        const byte = numberAt(bytes, digit, Math.min(digit + 2, at), 16);
        if (byte !== 0) trace.put(byte, first, at - first);
      }
    }
  }
  // Of a short piece of binary data the raw pass has seen all that its encoding can show.
  const isOpaque = trace.length < OPAQUE_BYTES && !isText(trace.bytes.subarray(0, trace.length));
  return trace.view(kind, view, row.end, isOpaque);
}

/** The letter of `\\n` between two lines of numbers. */
const isEscapeLetter = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x6e && at > 0 && bytes[at - 1] === 0x5c;

function numberAt(bytes: Uint8Array, start: number, end: number, base: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    value = value * base + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}

/** `67`, `0x67`, `x67`, `6768`, `67687075`, `0xa`. */
function isHexGroup(bytes: Uint8Array, start: number, end: number): boolean {
  const first = hexStart(bytes, start, end);
  const digits = end - first;
  if (digits > 8 || (digits % 2 !== 0 && !(digits === 1 && first > start)) || digits === 0) return false;
  for (let at = first; at < end; at++) if (HEX.table[bytes[at]!] === 0) return false;
  return true;
}

function hexStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 2 && bytes[start] === 0x30 && (bytes[start + 1]! | 0x20) === 0x78) return start + 2;
  return (bytes[start]! | 0x20) === 0x78 ? start + 1 : start;
}

/** A decimal number that is a printable character or white space. */
function isCharCode(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 3) return false;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  return (value >= 0x20 && value < 0x7f) || value === 10 || value === 13;
}

/** Stretches in which `places` stand no further apart than `gap` bytes, at least `least` of them. */
export function crowds(places: readonly number[], gap: number, least: number): Span[] {
  const sorted = [...places].sort((a, b) => a - b);
  const found: Span[] = [];
  let first = 0;
  for (let i = 1; i <= sorted.length; i++) {
    if (i < sorted.length && sorted[i]! - sorted[i - 1]! <= gap) continue;
    if (i - first >= least) found.push({ start: sorted[first]!, end: sorted[i - 1]! });
    first = i;
  }
  return found;
}
