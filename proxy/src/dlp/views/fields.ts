// The values beside a place where a token may go on: other strings of the same list or object, other `name=value` pairs.
import type { View } from '../view.ts';
import { FIELD_BYTES, isQuote, isSpace, MOST_PIECES, PIECE_BYTES, type Piece, REACH_BYTES } from './pieces.ts';

export interface Field extends Piece {
  /** The number at the end of its name, -1 for none. */
  readonly number: number;
}

/** The values around `at`: of strings where it stands in one, else of `name=value` and `name: value`. */
export function fieldsAround(view: View, at: number): Field[] {
  const { bytes } = view;
  let open = at;
  let isNamed = false;
  while (
    open > 0 &&
    at - open < PIECE_BYTES &&
    !isQuote(bytes[open - 1]!) &&
    bytes[open - 1]! > 0x20 &&
    !isJoint(bytes[open - 1]!)
  ) {
    open--;
    isNamed ||= bytes[open] === 0x3a;
  }
  if (isQuote(bytes[open - 1] ?? 0)) return isClosed(view, at, bytes[open - 1]!) ? stringsAround(view, open - 1) : [];
  while (open > 0 && bytes[open - 1] === 0x20) open--;
  return isNamed || isPairSign(bytes[open - 1] ?? 0) ? pairsAround(view, at) : [];
}

/** Whether the string that goes on at `at` ends soon, without white space before its quote. */
function isClosed({ bytes, length }: View, at: number, quote: number): boolean {
  const to = Math.min(length, at + PIECE_BYTES + 1);
  let end = at;
  while (end < to && bytes[end] !== quote && bytes[end]! > 0x20) end++;
  return end < to && bytes[end] === quote;
}

/** Between two fields, or between a name and its value. */
const isJoint = (byte: number): boolean => byte === 0x26 || byte === 0x3d || byte === 0x3b || byte === 0x3f;

/** Strings before and after the one whose quote stands at `quote`, without names. */
function stringsAround(view: View, quote: number): Field[] {
  const { bytes, length } = view;
  const mark = bytes[quote]!;
  const from = Math.max(0, quote - REACH_BYTES);
  // Backwards to where strings of this kind begin: an odd number of quotes between would turn them inside out.
  const quotes: number[] = [];
  for (let at = quote; at >= from && quotes.length < MOST_PIECES * 4; at--) if (bytes[at] === mark) quotes.push(at);
  quotes.reverse();
  if (quotes.length % 2 === 0) quotes.shift();
  const to = Math.min(length, quote + REACH_BYTES);
  for (let at = quote + 1; at < to && quotes.length < MOST_PIECES * 8; at++) if (bytes[at] === mark) quotes.push(at);
  const fields: Field[] = [];
  let number = -1;
  for (let i = 0; i + 1 < quotes.length; i += 2) {
    const start = quotes[i]! + 1;
    let end = quotes[i + 1]!;
    let after = end + 1;
    while (end > start && bytes[end - 1] === 0x5c) end--;
    while (after < length && isSpace(bytes[after]!)) after++;
    if (bytes[after] === 0x3a) {
      number = numberBefore(bytes, start, end);
      continue;
    }
    if (end - start > PIECE_BYTES || !isOneWord(bytes, start, end)) continue;
    if (i > 0 && areApart(view, quotes[i - 1]! + 1, quotes[i]!)) {
      if (quotes[i]! > quote) break;
      fields.length = 0;
    }
    fields.push({ start, end, number: number >= 0 ? number : numberBeforeAssignment(bytes, quotes[i]!) });
    number = -1;
  }
  return fields;
}

/** Whether what stands between two strings is too long for parts of one text, or a sentence in which `code` is marked. */
function areApart(view: View, from: number, to: number): boolean {
  return to - from > FIELD_BYTES || (view.bytes[to] === BACKTICK && SENTENCE.test(view.text(from, to)));
}
const BACKTICK = 0x60;
const SENTENCE = /[a-z]{2,}[\s,.]+[a-z]{2,}/;

/** `part2 = "…"`, `p2='…'`. */
function numberBeforeAssignment(bytes: Uint8Array, quote: number): number {
  let at = quote;
  while (at > 0 && (bytes[at - 1] === 0x3d || bytes[at - 1] === 0x5c || isSpace(bytes[at - 1]!))) at--;
  return at === quote ? -1 : numberBefore(bytes, Math.max(0, at - 32), at);
}

/** `a=1&b=2`, `a=1; b=2`, lines of `a: 1` or of `a=1`. */
function pairsAround(view: View, at: number): Field[] {
  const { bytes, length } = view;
  const fields: Field[] = [];
  const to = Math.min(length, at + REACH_BYTES);
  let start = Math.max(0, at - REACH_BYTES);
  while (start < to) {
    let sign = start;
    while (sign < to && !isPairSign(bytes[sign]!) && !isPairEnd(bytes, sign)) sign++;
    let end = sign;
    while (end < to && !isPairEnd(bytes, end)) end++;
    let value = sign;
    while (value < end && (isPairSign(bytes[value]!) || bytes[value] === 0x20)) value++;
    // The last value of a list that stands in a sentence.
    let word = value;
    while (word < end && bytes[word]! > 0x20) word++;
    if (value > at - PIECE_BYTES && bytes[end] !== 0x0a) end = Math.min(end, word);
    const isPiece = value > sign && end > value && end - value <= PIECE_BYTES && isOneWord(bytes, value, end);
    if (isPiece) fields.push({ start: value, end, number: numberBefore(bytes, start, sign) });
    // Values that are not of the same list end it.
    else if (end > start && end < at) fields.length = 0;
    else if (end > at && end > start + 1) break;
    start = end + 1;
    while (start < to && isSpace(bytes[start]!)) start++;
  }
  return fields;
}

const isPairSign = (byte: number): boolean => byte === 0x3d || byte === 0x3a;
export const isPairEnd = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x26 || bytes[at] === 0x3b || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x3f;

function isOneWord(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! <= 0x20) return false;
  return end > start;
}

/** The number that a name ends with: `part2`, `p[2]`, `2`. */
function numberBefore(bytes: Uint8Array, start: number, end: number): number {
  let last = end;
  while (last > start && (bytes[last - 1] === 0x5d || bytes[last - 1] === 0x29)) last--;
  let first = last;
  while (first > start && last - first < 6 && bytes[first - 1]! >= 0x30 && bytes[first - 1]! <= 0x39) first--;
  let value = first === last ? -1 : 0;
  for (let at = first; at < last; at++) value = value * 10 + bytes[at]! - 0x30;
  return value;
}
