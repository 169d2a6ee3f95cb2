// Text whose characters stand alone or in small groups: `g h p _`, `67-68-70`, `0x67, 0x68`, `103,104,112`.
import { ALNUM, charset, HEX } from '../charsets.ts';
import { type Span, Trace, View } from '../view.ts';
import { isText } from './runs.ts';

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
  /** Nothing but hex digits and separators: may spell text. */
  readonly isNumbers: boolean;
  /** Letters and digits in ones, twos and threes. */
  readonly isCut: boolean;
}

/** Calls `visit` for every stretch of text that is cut into pieces of at most three bytes; it may be at one of `count` places that the sweep saw. */
export function sparseStretches(
  view: View,
  places: Int32Array,
  count: number,
  visit: (stretch: Stretch) => void,
): void {
  const { bytes, length } = view;
  let last: { start: number; end: number; isNumbers: boolean; isCut: boolean } | null = null;
  for (let i = 0; i < count; i++) {
    const at = places[i]!;
    const isNumbers = isDump(bytes, at, length);
    const isCut = isCutUp(bytes, at, Math.min(length, at + STRETCH_BYTES));
    if (!isNumbers && !isCut) continue;
    const end = Math.min(length, at + STRETCH_BYTES + MARGIN_BYTES);
    if (last !== null && at - MARGIN_BYTES <= last.end) {
      last.end = end;
      last.isNumbers ||= isNumbers;
      last.isCut ||= isCut;
    } else {
      if (last !== null) visit(last);
      last = { start: Math.max(0, at - MARGIN_BYTES), end, isNumbers, isCut };
    }
  }
  if (last !== null) visit(last);
}

const isDump = (bytes: Uint8Array, at: number, length: number): boolean =>
  at + DUMP_BYTES <= length && isAllOf(bytes, HEX_DUMP.table, at, at + DUMP_BYTES) && hasAlnum(bytes, at);

function isAllOf(bytes: Uint8Array, table: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (table[bytes[at]!] === 0) return false;
  return true;
}

/** Letters and digits, in ones and twos over the first bytes or never more than three together, in many pieces. */
function isCutUp(bytes: Uint8Array, start: number, end: number): boolean {
  let pieces = 0;
  let together = 0;
  let longest = 0;
  for (let at = start; at < end; at++) {
    if (ALNUM.table[bytes[at]!] === 0) together = 0;
    else {
      if (together === 0) pieces++;
      if (++together > longest) longest = together;
      if (longest > 3) return false;
    }
    if (at === start + WINDOW_BYTES - 1 && longest <= 2 && pieces >= WINDOW_PIECES) return true;
  }
  return end - start === STRETCH_BYTES && pieces >= STRETCH_PIECES;
}

function hasAlnum(bytes: Uint8Array, start: number): boolean {
  let count = 0;
  for (let at = start; at < start + DUMP_BYTES; at++) count += ALNUM.table[bytes[at]!]!;
  return count >= STRETCH_ALNUM;
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

const separatorCounts = new Uint32Array(256);

/** The byte that separates most often; -1 when none does often enough. */
function commonSeparator(bytes: Uint8Array, start: number, end: number): number {
  separatorCounts.fill(0);
  let separator = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte >= 128 || ALNUM.table[byte] !== 0) continue;
    const count = separatorCounts[byte]! + 1;
    separatorCounts[byte] = count;
    if (count > separatorCounts[separator]!) separator = byte;
  }
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
  const kept = new Uint8Array(256).fill(1);
  kept[separator] = 0;
  let first = start;
  let last = -1;
  let count = 0;
  let others = 0;
  const flush = (): void => {
    if (count < LEAST_SEPARATORS || others < LEAST_SEPARATORS) return;
    const to = Math.min(end, last + 4);
    if (isPromising(briefly(view, first, to, kept))) found(joined(view, first, to, separator));
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

/** Calls `found` with the text that the hex pairs or the decimal numbers of a stretch spell. */
export function spelled(view: View, start: number, end: number, found: (child: View) => void): void {
  numberRows(view.bytes, start, end, isHexGroup, (row, count) => {
    if (count >= LEAST_NUMBERS) found(readRow(view, row, 'hex'));
  });
  numberRows(view.bytes, start, end, isCharCode, (row, count) => {
    if (count >= LEAST_NUMBERS) found(readRow(view, row, 'decimal'));
  });
}

type IsNumber = (bytes: Uint8Array, start: number, end: number) => boolean;

/** Rows of words that are all numbers of one kind, and how many bytes they spell. */
function numberRows(
  bytes: Uint8Array,
  start: number,
  end: number,
  isNumber: IsNumber,
  visit: (row: Span, count: number) => void,
): void {
  const { table } = ALNUM;
  let rowStart = -1;
  let rowEnd = start;
  let count = 0;
  for (let at = start; at < end; ) {
    if (table[bytes[at]!] === 0) {
      at++;
      continue;
    }
    const first = isEscapeLetter(bytes, at) ? at + 1 : at;
    while (at < end && table[bytes[at]!] !== 0) at++;
    if (first === at) continue;
    if (isNumber(bytes, first, at)) {
      if (rowStart < 0) rowStart = first;
      rowEnd = at;
      count += isNumber === isHexGroup ? Math.max(1, (at - hexStart(bytes, first, at)) >> 1) : 1;
    } else if (rowStart >= 0) {
      visit({ start: rowStart, end: rowEnd }, count);
      rowStart = -1;
      count = 0;
    }
  }
  if (rowStart >= 0) visit({ start: rowStart, end: rowEnd }, count);
}

function readRow(view: View, row: Span, kind: 'hex' | 'decimal'): View {
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
