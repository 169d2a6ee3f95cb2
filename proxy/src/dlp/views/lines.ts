// Base64, base32 or hex that was wrapped, or cut into the labels of a host name: the lines' characters together.
import { BASE64, HEX } from '../charsets.ts';
import { RUN_CHARS } from '../sweep.ts';
import { asBuffer, type Span, type View } from '../view.ts';
import { paddedEnd, pieceView } from './piece.ts';
import { decodeBase32 } from './radix.ts';
import { hasMagic, isText } from './telling.ts';

/** Shortest line of wrapped base64 or hex, in characters. */
const LINE_CHARS = 16;
/** Longest label of a host name (RFC 1035, 2.3.4). */
const LABEL_BYTES = 63;
const DOT = 0x2e;
/** So many bytes tell text. */
const WRAPPED_BYTES = 32;

/** Runs of base64 that follow each other as lines do. Runs come in order. */
export class Lines {
  readonly #view: View;
  readonly #found: (child: View) => void;
  #lines: Span[] = [];

  constructor(view: View, found: (child: View) => void) {
    this.#view = view;
    this.#found = found;
  }

  add(start: number, end: number): void {
    const { bytes } = this.#view;
    const last = this.#lines.at(-1);
    const isNext = last !== undefined && (isLineBreak(bytes, last.end, start) || isNextLabel(bytes, last, start, end));
    if (last !== undefined && !isNext) this.flush();
    if (end - start >= LINE_CHARS || this.#lines.length > 0) this.#lines.push({ start, end });
  }

  /** Decodes what came so far: nothing that follows belongs to it. */
  flush(): void {
    const lines = this.#lines;
    const last = lines.at(-1);
    if (last === undefined) return;
    this.#lines = [];
    const view = this.#view;
    const { bytes, length } = view;
    // What is left of wrapped text on a last line shorter than a run.
    const next = bytes[last.end]!;
    const isBroken = next === 0x5c || next === 0x20 || (next >= 9 && next <= 13);
    const start = isBroken ? afterLineBreak(bytes, last.end, length) : last.end;
    const end = start > last.end ? view.runEnd(BASE64, start) : start;
    if (end > start && end - start < RUN_CHARS && isNewline(bytes, start - 1)) lines.push({ start, end });
    if (lines.length < 2) return;
    decodeLines(view, lines, this.#found);
    // Behind the labels of a host name that hold data stands one that may be data, or the domain.
    if (bytes[last.end] !== DOT) return;
    const label = { start: last.end + 1, end: view.runEnd(BASE64, last.end + 1) };
    const isShort = label.end > label.start && label.end - label.start < RUN_CHARS;
    if (isShort) decodeLines(view, [...lines, label], this.#found);
  }
}

function decodeLines(view: View, lines: readonly Span[], found: (child: View) => void): void {
  const buffer = asBuffer(view.bytes);
  const text = lines.map(({ start, end }) => buffer.toString('latin1', start, end)).join('');
  const whole = { start: lines[0]!.start, end: paddedEnd(view, lines.at(-1)!.end) };
  const bytes = Buffer.from(text, 'base64');
  // Words and hashes in a row are none; what was wrapped has lines of one length, or says what it is.
  if (areEqual(lines) || isText(bytes.subarray(0, WRAPPED_BYTES)) || hasMagic(bytes))
    found(pieceView(view, 'base64', bytes, whole));
  decodeBase32(view, lines, found);
  if (HEX.table[view.bytes[whole.start]!] === 0) return;
  const hex = Buffer.from(text.slice(0, text.length & ~1), 'hex');
  if (hex.length >= RUN_CHARS) found(pieceView(view, 'hex', hex, whole));
}

/** All but the last one. */
function areEqual(lines: readonly Span[]): boolean {
  const first = lines[0]!.end - lines[0]!.start;
  for (let i = 1; i + 1 < lines.length; i++) if (lines[i]!.end - lines[i]!.start !== first) return false;
  return true;
}

/** Between two lines of wrapped text: white space, or line breaks written as escapes. */
function isLineBreak(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from <= 20 && afterLineBreak(bytes, from, to) === to;
}

/** Whether a dot stands between two runs of which the second is not the longer: data in the labels of a host name. */
const isNextLabel = (bytes: Uint8Array, last: Span, start: number, end: number): boolean =>
  start === last.end + 1 &&
  bytes[last.end] === DOT &&
  end - start <= last.end - last.start &&
  last.end - last.start <= LABEL_BYTES;

/** Whether a line break, written as itself or as an escape, ends at `at`. */
const isNewline = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x0a ||
  bytes[at] === 0x0d ||
  ((bytes[at] === 0x6e || bytes[at] === 0x72 || bytes[at] === 0x74) && bytes[at - 1] === 0x5c);

function afterLineBreak(bytes: Uint8Array, from: number, most: number): number {
  let at = from;
  while (at < most) {
    const byte = bytes[at]!;
    if (byte === 0x5c) {
      // As many backslashes as strings are inside each other.
      let letter = at + 1;
      while (letter < most && letter < at + 8 && bytes[letter] === 0x5c) letter++;
      // `\/` is a slash of the text itself.
      if (bytes[letter] === 0x2f) return letter;
      if (bytes[letter] !== 0x6e && bytes[letter] !== 0x72) break;
      at = letter + 1;
    } else if (byte === 0x20 || (byte >= 9 && byte <= 13)) at++;
    else break;
  }
  return at;
}
