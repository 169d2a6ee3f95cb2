// A token that begins at a keyword and goes on in pieces: string literals put together, markup in between, values of neighbouring fields.
import { isUtf8 } from 'node:buffer';
import { ALNUM, BASE64, WORD_DASH } from '../charsets.ts';
import { Trace, type View } from '../view.ts';
import { fieldsAround, isPairEnd } from './fields.ts';
import { areIds, isList, untilAlike } from './lists.ts';
import { FIELD_BYTES, isQuote, isSpace, MOST_PIECES, type Piece, REACH_BYTES } from './pieces.ts';

/** Longest thing between two pieces that is neither letter nor digit, in bytes. */
const SIGNS_BYTES = 14;
/** Shortest and longest line that a token may go on in, in bytes. */
const LEAST_LINE = 2;
const LINE_BYTES = 256;
/** Shortest text that is worth a view. */
const LEAST_CHARS = 16;
/** So much of it is looked at first. */
const LOOK_CHARS = 64;
/** Shorter keywords come up by chance inside words and ids, in bytes. */
const SURE_KEYWORD = 6;

/**
 * Whether the keyword at `at..end` may begin a token in pieces: with a sign that no such token has, before white space, or as a few letters in
 * the middle of a word, it does not.
 */
export function mayGoOn({ bytes, length }: View, at: number, end: number): boolean {
  if (end >= length || bytes[end]! <= 0x20) return false;
  if (end - at < SURE_KEYWORD && isInWord(bytes, at)) return false;
  for (let i = at; i < end; i++) if (isForeign(bytes[i]!)) return false;
  return true;
}

/** A letter or digit stands before `at` that is not the letter of `\\n`. */
function isInWord(bytes: Uint8Array, at: number): boolean {
  if (at === 0 || ALNUM.table[bytes[at - 1]!] === 0) return false;
  return !(at > 1 && bytes[at - 2] === 0x5c);
}

/** Calls `found` with the text from the keyword at `at..to` on, its pieces put together in each way that they may have been cut. */
export function joinFrom(view: View, at: number, to: number, found: (child: View) => void): void {
  const end = Math.min(view.length, at + REACH_BYTES);
  const give = (kind: string, all: readonly Piece[]): void => {
    const pieces = untilAlike(view.bytes, all);
    if (pieces.length < 2 || !mayBeToken(view, pieces)) return;
    if (pieces.some((piece, i) => i > 0 && hasOwnBeginning(view.bytes, piece))) return;
    // In binary data letters stand side by side by chance.
    if (!isUtf8(stretchOf(view, pieces))) return;
    const trace = new Trace();
    for (const piece of pieces) trace.copy(view.bytes, piece.start, piece.end);
    found(
      trace.view(
        kind,
        view,
        pieces.reduce((last, one) => Math.max(last, one.end), 0),
      ),
    );
  };
  const isWeak = to - at < SURE_KEYWORD;
  const signs = acrossSigns(view, at, end);
  if (!isList(view.bytes, signs) && !(isWeak && areIds(signs))) {
    give('joined', signs);
    // The last piece may be the next cell of a table.
    if (signs.length > 2) give('joined', signs.slice(0, -1));
  }
  give('joined', acrossMarkup(view, at, end));
  if (!mayBeField(view.bytes, at, end)) return;
  const fields = fieldsAround(view, at);
  if (fields.length < 2 || (isWeak && areIds(fields))) return;
  const own = fields.findIndex((field) => field.end > at);
  if (own < 0) return;
  const first = { start: at, end: fields[own]!.end };
  give('fields', [first, ...fields.slice(own + 1)]);
  give('fields', [first, ...fields.slice(0, own).reverse()]);
  const numbered = fields.filter((field) => field.number >= 0);
  if (numbered.length > 1)
    give(
      'fields',
      [...numbered].sort((a, b) => a.number - b.number),
    );
}

/** What is looked at of pieces, used again and again. */
const looked = new Uint8Array(LOOK_CHARS);

/** Whether the pieces are long enough together, and begin like a token: most fail before anything is put together. */
function mayBeToken({ bytes }: View, pieces: readonly Piece[]): boolean {
  let length = 0;
  for (let i = 0; i < pieces.length && length < LOOK_CHARS; i++) {
    const { start, end } = pieces[i]!;
    const to = Math.min(end, start + LOOK_CHARS - length);
    for (let at = start; at < to; at++) looked[length++] = bytes[at]!;
  }
  return length >= LEAST_CHARS && areMadeUp(looked, length);
}

/** Whether what goes on at `at` may be a field's value to its end: with a sign that no token has before the end it is not. */
function mayBeField(bytes: Uint8Array, at: number, end: number): boolean {
  const most = Math.min(end, at + LOOK_CHARS);
  for (let i = at; i < most; i++) {
    const byte = bytes[i]!;
    if (isQuote(byte) || byte === 0x5c || isPairEnd(bytes, i)) return true;
    if (isForeign(byte)) return false;
  }
  return true;
}

/** From the first of the pieces to the end of the last one. */
function stretchOf({ bytes }: View, pieces: readonly Piece[]): Uint8Array {
  let from = bytes.length;
  let to = 0;
  for (const { start, end } of pieces) {
    from = Math.min(from, start);
    to = Math.max(to, end);
  }
  return bytes.subarray(from, to);
}

/** What makes a text made of pieces a token: words that follow a keyword in code or prose have few digits. */
export function looksMadeUp(text: string): boolean {
  const bytes = Buffer.from(text);
  return areMadeUp(bytes, bytes.length);
}

/** The same of the first `length` of `bytes`. */
export function areMadeUp(bytes: Uint8Array, length: number): boolean {
  let digits = 0;
  let upper = 0;
  let lower = 0;
  for (let i = 0; i < length; i++) {
    const code = bytes[i]!;
    if (isForeign(code)) return false;
    if (code >= 0x30 && code <= 0x39) digits++;
    else if (code >= 0x41 && code <= 0x5a) upper++;
    else if (code >= 0x61 && code <= 0x7a) lower++;
  }
  return (
    upper + lower > 3 &&
    (digits > 1 || (upper > 4 && lower > 4 && digits > 0) || Math.min(upper, lower) * 4 > upper + lower)
  );
}

/** White space, `:` and `@`: never part of a token made of pieces. */
const isForeign = (code: number): boolean => code <= 0x20 || code === 0x3a || code === 0x40;

/** `pi_3a…`, `cus_9f…`: an id of its own, not the rest of another. */
function hasOwnBeginning(bytes: Uint8Array, { start, end }: Piece): boolean {
  let at = start;
  while (at < end && at - start < 12 && bytes[at]! >= 0x61 && bytes[at]! <= 0x7a) at++;
  return at > start + 1 && at < end && bytes[at] === 0x5f;
}

const isToken = (byte: number | undefined): boolean => byte !== undefined && WORD_DASH.table[byte] !== 0;

/** What stands between characters of base64 as often as between segments of a path, which are short texts. */
const isBlobSign = (byte: number): boolean => byte === 0x2b || byte === 0x2f;
const PATH_BYTES = 4096;

/** Pieces with quotes, operators, carets, stars or backslashes between them; white space alone separates words. */
function acrossSigns(view: View, at: number, end: number): Piece[] {
  const { bytes } = view;
  const pieces: Piece[] = [];
  const isApart = standsApart(bytes, at);
  for (let start = at; start < end && pieces.length < MOST_PIECES; ) {
    const stop = Math.min(end, view.runEnd(WORD_DASH, start));
    if (stop === start) break;
    pieces.push({ start, end: stop });
    let next = stop;
    let signs = 0;
    // A dot between two letters is a sign of its own, and part of the token.
    if (bytes[stop] === 0x2e && isToken(bytes[stop + 1])) {
      pieces.push({ start: stop, end: stop + 1 });
      start = stop + 1;
      continue;
    }
    while (next < end && next - stop < SIGNS_BYTES && !isToken(bytes[next])) {
      // A line break written as an escape.
      if (bytes[next] === 0x5c && (bytes[next + 1] === 0x6e || bytes[next + 1] === 0x72)) next++;
      if (bytes[next]! > 0x20 && !(isBlobSign(bytes[next]!) && view.length > PATH_BYTES)) signs++;
      next++;
    }
    if (signs === 0 && !(isApart && isCutLine(bytes, start, stop, next))) break;
    if (isCode(bytes, stop, next)) break;
    if (bytes[next] === undefined || !isToken(bytes[next])) break;
    start = next;
  }
  return pieces;
}

/** Whether `start..end` opens or closes a call, or interpolates a name, between a string and what is none: `chars(DIGITS`, `text('a'), run(`. */
function isCode(bytes: Uint8Array, start: number, end: number): boolean {
  let quotes = 0;
  let brackets = 0;
  let isOpen = false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (isQuote(byte)) quotes++;
    else if (byte === 0x28 || byte === 0x29) brackets++;
    isOpen ||= byte === 0x28 || (byte === 0x7b && bytes[at - 1] === 0x24);
  }
  return quotes === 0 ? isOpen : brackets > 0 && quotes % 2 === 1;
}

/** Whether what begins at `at` is no part of wrapped base64: nothing of it stands directly before, nor at the end of the line before. */
function standsApart(bytes: Uint8Array, at: number): boolean {
  let before = at - 1;
  if (bytes[before] === 0x0a) before -= bytes[before - 1] === 0x0d ? 2 : 1;
  return before < 0 || BASE64.table[bytes[before]!] === 0;
}

/** Whether a line of nothing but token characters follows directly, no longer than the one that was cut: text wrapped at a width. */
function isCutLine(bytes: Uint8Array, start: number, stop: number, next: number): boolean {
  const breakBytes = bytes[stop] === 0x0d ? 2 : 1;
  if (bytes[stop + breakBytes - 1] !== 0x0a || next !== stop + breakBytes) return false;
  let before = start;
  while (before > 0 && stop - before <= LINE_BYTES && bytes[before - 1]! > 0x20) before--;
  let end = next;
  while (end - next <= LINE_BYTES && isToken(bytes[end])) end++;
  return end - next >= LEAST_LINE && end - next <= stop - before && (bytes[end] ?? 0) <= 0x20;
}

/** Pieces with tags and comments between them. */
function acrossMarkup(view: View, at: number, end: number): Piece[] {
  const { bytes } = view;
  const pieces: Piece[] = [];
  for (let start = at; start < end && pieces.length < MOST_PIECES; ) {
    const stop = Math.min(end, view.runEnd(WORD_DASH, start));
    if (stop > start) pieces.push({ start, end: stop });
    let next = stop;
    let isMarkup = false;
    while (next < end && (bytes[next] === 0x3c || isSpace(bytes[next]!))) {
      if (bytes[next] !== 0x3c) next++;
      else {
        const close = bytes.indexOf(0x3e, next);
        if (close < 0 || close - next > FIELD_BYTES) return pieces;
        next = close + 1;
        isMarkup = true;
      }
    }
    if (!isMarkup) break;
    start = next;
  }
  return pieces;
}
