// One character of a text in each row of a table, field of an object or element: `0,g`, `{"i":0,"c":"g"}`, `X-C0: g`, `<b>g</b>`. Numbers of rows may differ.
import { type Span, View } from '../view.ts';

/** Fewest rows, and characters. */
const LEAST_ROWS = 12;
/** Longest row, in bytes. */
const ROW_BYTES = 48;
/** Longest stretch that is looked at, in bytes. */
const MOST_BYTES = 32 * 1024;
/** Rows differ so much in length: by their numbers, and by what a JSON string escapes. */
const UNEVEN_BYTES = 1;
/** In a string what stands between lines begins with one. */
const BACKSLASH = 0x5c;
/** So many kinds of bytes are tried as what rows begin with. */
const ANCHORS = 4;

/** No character of a text whose bytes are characters. */
const NUMBER = '\u0100';

interface Row extends Span {
  /** With NUMBER for each number. */
  readonly skeleton: string;
  readonly numbers: readonly string[];
}

/** Calls `found` with the text that one place of all rows of a stretch spells. */
export function recordChars(view: View, start: number, end: number, found: (child: View) => void): void {
  if (end - start > MOST_BYTES) return;
  const anchors = anchorsOf(view, start, end);
  if (anchors.length === 0) return;
  const text = view.text(start, end);
  // A line break that is written as an escape is one.
  const broken = text.replaceAll(/\\[rn]|\r\n/g, '\n\n');
  for (const anchor of anchors) {
    let rows: Row[] = [];
    let from = start;
    for (const part of broken.split(anchor === BACKSLASH ? '\n' : String.fromCharCode(anchor))) {
      const partStart = from;
      from += part.length + 1;
      if (part.length === 0) continue;
      const row = rowOf(part.slice(0, ROW_BYTES), partStart);
      const before = rows.at(-1);
      const length = before?.skeleton.length ?? 0;
      // Text stands before the first row, and behind the last.
      if (rows.length === 1 && row.skeleton.length < length) rows[0] = lastOf(before!, row.skeleton.length);
      else if (rows.length > 1 && row.skeleton.length > length)
        rows.push({ ...row, skeleton: row.skeleton.slice(0, length) });
      if (rows.length > 0 && !(row.skeleton.length === rows[0]!.skeleton.length && mayBelong(rows, row))) {
        spell(view, rows, found);
        rows = [];
      }
      const skipped = Math.max(0, part.length - ROW_BYTES);
      rows.push(skipped === 0 ? row : rowOf(part.slice(skipped), partStart + skipped));
    }
    spell(view, rows, found);
  }
}

/** Of prose the words are short and even enough; what rows are made of holds another sign as well. */
const IS_SIGN = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(
    (byte > 0x20 && byte < 0x7f && !/[A-Za-z0-9.,'"()]/.test(String.fromCharCode(byte))) ||
      byte === 0x0a ||
      byte === 0x2c,
  ),
);

/** Used again and again. */
const lastPlaces = new Int32Array(128);
const lastGaps = new Int32Array(128);
const evenGaps = new Int32Array(128);
const mostEven = new Int32Array(128);

/** Signs that stand at even distances, as what separates rows does: numbers of rows become longer by a digit at most. */
function anchorsOf({ bytes }: View, start: number, end: number): readonly number[] {
  lastPlaces.fill(-1);
  evenGaps.fill(0);
  mostEven.fill(0);
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (IS_SIGN[byte] === 0) continue;
    const gap = at - lastPlaces[byte]!;
    const isEven = lastPlaces[byte]! >= 0 && gap <= ROW_BYTES && Math.abs(gap - lastGaps[byte]!) <= UNEVEN_BYTES;
    evenGaps[byte] = isEven ? evenGaps[byte]! + 1 : 0;
    if (evenGaps[byte]! > mostEven[byte]!) mostEven[byte] = evenGaps[byte]!;
    lastGaps[byte] = gap;
    lastPlaces[byte] = at;
  }
  const anchors: number[] = [];
  for (let byte = 0; byte < 128 && anchors.length < ANCHORS; byte++)
    if (mostEven[byte]! >= LEAST_ROWS - 2) anchors.push(byte);
  return anchors;
}

function rowOf(part: string, start: number): Row {
  const numbers: string[] = [];
  const skeleton = part.replaceAll(/\d+/g, (number) => {
    numbers.push(number);
    return NUMBER;
  });
  return { start, end: start + part.length, skeleton, numbers };
}

/** The last characters of a row. */
function lastOf(row: Row, length: number): Row {
  const skeleton = row.skeleton.slice(-length);
  const count = skeleton.split(NUMBER).length - 1;
  return { ...row, skeleton, numbers: row.numbers.slice(row.numbers.length - count) };
}

/** Rows differ in one character at most, always the same. */
function mayBelong(rows: readonly Row[], row: Row): boolean {
  const first = rows[0]!.skeleton;
  let at = -1;
  for (const other of rows.length > 2 ? [rows[1]!, rows.at(-1)!, row] : [row]) {
    for (let i = 0; i < first.length; i++) {
      if (other.skeleton[i] === first[i]) continue;
      if (at >= 0 && at !== i) return false;
      at = i;
    }
  }
  return true;
}

function spell(view: View, all: readonly Row[], found: (child: View) => void): void {
  const last = all.at(-1);
  if (all.length < LEAST_ROWS || last === undefined) return;
  const rows = mayBelong(all.slice(0, -1), last) ? all : all.slice(0, -1);
  const whole = { start: rows[0]!.start, end: rows.at(-1)!.end };
  const { skeleton } = rows[0]!;
  const give = (text: readonly string[]): void => {
    if (text.some((char) => char.length !== 1)) return;
    const bytes = Buffer.from(text.join(''), 'latin1');
    found(new View(bytes, bytes.length, 'spaced', view, { kind: 'piece', ...whole }));
  };
  for (let at = 0; at < skeleton.length; at++) {
    if (rows.every((row) => row.skeleton[at] === skeleton[at] && skeleton[at] !== NUMBER)) continue;
    // A digit of the text is a number of its own.
    const column = rows.map(({ skeleton: own, numbers }) =>
      own[at] === NUMBER ? numbers[own.slice(0, at).split(NUMBER).length - 1]! : own[at]!,
    );
    give(column);
    // What stands before the first row may look like one.
    give(column.slice(1));
    const codes = column.map(Number);
    if (codes.every((code) => code >= 0x20 && code < 0x7f)) give(codes.map((code) => String.fromCharCode(code)));
  }
}
