// Strings of one list, sum or template, put together: `['gh', 'p_…']`, `"a"+"b"`, `CONCAT('a', 'b')`, `${'a'}${'b'}`; also inside JSON.
import { type Span, Trace, type View } from '../view.ts';
import { looksMadeUp } from './joins.ts';

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

/** A kind of quote: in JSON the strings of code have a backslash before theirs, and the string around them has none. */
interface Quote {
  readonly byte: number;
  readonly isEscaped: boolean;
}
const QUOTES: readonly Quote[] = [0x22, 0x27, 0x60].flatMap((byte) => [
  { byte, isEscaped: false },
  { byte, isEscaped: true },
]);

/** Calls `found` with the text of every row of strings in `start..end`. */
export function literalRows(view: View, start: number, end: number, found: (child: View) => void): void {
  for (const quote of QUOTES) rowsOf(view, quote, start, end, found);
}

function rowsOf(view: View, quote: Quote, start: number, end: number, found: (child: View) => void): void {
  const { bytes } = view;
  let row: Span[] = [];
  const flush = (): void => {
    if (row.length > 1) give(view, row, found);
    row = [];
  };
  for (let open = nextQuote(bytes, quote, start, end); open >= 0; ) {
    const close = nextQuote(bytes, quote, open + 1, Math.min(end, open + LITERAL_BYTES + 2));
    const to = close < 0 ? close : close - Number(quote.isEscaped);
    // What holds nothing but signs stands between two strings: the next quote opens one.
    if (close < 0 || isBetween(bytes, open + 1, to)) {
      flush();
      open = close < 0 ? nextQuote(bytes, quote, open + 1, end) : close;
      continue;
    }
    const last = row.at(-1);
    if (last !== undefined && !isBetween(bytes, last.end, open + 1)) flush();
    row.push({ start: open + 1, end: to });
    open = nextQuote(bytes, quote, close + 1, end);
  }
  flush();
}

function give(view: View, row: readonly Span[], found: (child: View) => void): void {
  const trace = new Trace();
  for (const { start, end } of row) trace.copy(view.bytes, start, end);
  if (trace.length < LEAST_CHARS) return;
  const head = trace.bytes.toString('latin1', 0, Math.min(trace.length, LOOK_CHARS));
  if (looksMadeUp(head) || head.includes(ARMOUR)) found(trace.view('concatenation', view, row.at(-1)!.end));
}

function nextQuote(bytes: Uint8Array, { byte, isEscaped }: Quote, from: number, end: number): number {
  for (let at = from; at < end; at++) if (bytes[at] === byte && (bytes[at - 1] === 0x5c) === isEscaped) return at;
  return -1;
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
