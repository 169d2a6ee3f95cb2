// Strings of one list, sum or template, put together: `['gh', 'p_…']`, `"a"+"b"`, `CONCAT('a', 'b')`, `${'a'}${'b'}`; also inside JSON.
import { Trace, type View } from '../view.ts';
import { areMadeUp } from './joins.ts';

/** Longest string, and longest thing between two of them, in bytes. */
const LITERAL_BYTES = 256;
const BETWEEN_BYTES = 24;
/** Fewest characters that are worth a view. */
const LEAST_CHARS = 16;
/** So much of it is looked at first. */
const LOOK_CHARS = 64;
/** What a private key begins with holds spaces, which nothing else may. */
const ARMOUR = '-----';

/** What may stand between two strings: white space, commas, operators, brackets, and what escapes them. */
const BETWEEN = new Uint8Array(256);
for (const sign of ' \t\r\n,+.&|()[]{}$\\/*"\'`') BETWEEN[sign.charCodeAt(0)] = 1;

const QUOTES = [0x22, 0x27, 0x60];
/** 1 + index of the quote that a byte is. */
const QUOTE_AT = new Uint8Array(256);
for (const [index, byte] of QUOTES.entries()) QUOTE_AT[byte] = 1 + index;
/**
 * Where quotes of each kind stand, used again and again: in JSON the strings of code have a backslash before theirs, and the string around them
 * has none.
 */
const plainQuotes: readonly number[][] = QUOTES.map(() => []);
const escapedQuotes: readonly number[][] = QUOTES.map(() => []);
/** Two strings have so many. */
const LEAST_QUOTES = 4;

/** Calls `found` with the text of every row of strings in `start..end`. */
export function literalRows(view: View, start: number, end: number, found: (child: View) => void): void {
  const { bytes } = view;
  for (let kind = 0; kind < QUOTES.length; kind++) {
    plainQuotes[kind]!.length = 0;
    escapedQuotes[kind]!.length = 0;
  }
  for (let at = start; at < end; at++) {
    const quote = QUOTE_AT[bytes[at]!]!;
    if (quote !== 0) (bytes[at - 1] === 0x5c ? escapedQuotes : plainQuotes)[quote - 1]!.push(at);
  }
  for (let kind = 0; kind < QUOTES.length; kind++) {
    if (plainQuotes[kind]!.length >= LEAST_QUOTES) rowsOf(view, plainQuotes[kind]!, 0, found);
    if (escapedQuotes[kind]!.length >= LEAST_QUOTES) rowsOf(view, escapedQuotes[kind]!, 1, found);
  }
}

/** `quotes`: where those of one kind stand; `escapeBytes`: how much of each stands before that. */
function rowsOf(view: View, quotes: readonly number[], escapeBytes: number, found: (child: View) => void): void {
  const { bytes } = view;
  // Starts and ends in turn.
  let row: number[] = [];
  for (let i = 0; i < quotes.length; ) {
    const start = quotes[i]! + 1;
    const close = i + 1 < quotes.length ? quotes[i + 1]! : Number.POSITIVE_INFINITY;
    const to = close - escapeBytes;
    // What holds nothing but signs stands between two strings: the next quote opens one.
    const isString = close - start <= LITERAL_BYTES && !isBetween(bytes, start, to);
    if (row.length > 0 && !(isString && isBetween(bytes, row.at(-1)!, start))) {
      if (row.length > 2) give(view, row, found);
      row = [];
    }
    if (isString) row.push(start, to);
    i += isString ? 2 : 1;
  }
  if (row.length > 2) give(view, row, found);
}

/** The first characters of a row. */
const head = Buffer.alloc(LOOK_CHARS);

function give(view: View, row: readonly number[], found: (child: View) => void): void {
  let looked = 0;
  for (let i = 0; i < row.length && looked < LOOK_CHARS; i += 2) {
    const to = Math.min(row[i + 1]!, row[i]! + LOOK_CHARS - looked);
    for (let at = row[i]!; at < to; at++) head[looked++] = view.bytes[at]!;
  }
  if (looked < LEAST_CHARS) return;
  if (!areMadeUp(head, looked) && !head.toString('latin1', 0, looked).includes(ARMOUR)) return;
  const trace = new Trace();
  for (let i = 0; i < row.length; i += 2) trace.copy(view.bytes, row[i]!, row[i + 1]!);
  found(trace.view('concatenation', view, row.at(-1)!));
}

/** Whether nothing but signs stands between the end of a string and the next one's first byte. */
function isBetween(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > BETWEEN_BYTES) return false;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    const isBreak = (byte === 0x6e || byte === 0x72 || byte === 0x74) && bytes[at - 1] === 0x5c;
    if (BETWEEN[byte] === 0 && !isBreak) return false;
  }
  return true;
}
