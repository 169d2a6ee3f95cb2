// Text whose characters stand alone or in small groups: `g h p _`, `67-68-70`, `0x67, 0x68`, `103,104,112`.
import { ALNUM, charset, HEX } from '../charsets.ts';
import { Trace, type View } from '../view.ts';

const HEX_DUMP = charset('0-9A-Fa-f ,:;\n\r\t.-');

/** Shortest stretch in which every four bytes hold a separator, in bytes. */
const STRETCH_BYTES = 32;
/** What is looked at on both sides of a stretch. */
const MARGIN_BYTES = 96;
/** Fewest numbers in a row that may be text. */
const LEAST_NUMBERS = 8;

/** Calls `visit` for every stretch of text that is cut into pieces of at most about five bytes. */
export function sparseStretches(view: View, visit: (start: number, end: number) => void): void {
  const { bytes, length } = view;
  const { table } = ALNUM;
  const hasSeparator = (at: number): boolean =>
    table[bytes[at]!] === 0 ||
    table[bytes[at + 1]!] === 0 ||
    table[bytes[at + 2]!] === 0 ||
    table[bytes[at + 3]!] === 0;
  let look = 0;
  while (look + STRETCH_BYTES <= length) {
    let at = look;
    while (at < look + STRETCH_BYTES && hasSeparator(at)) at += 4;
    if (at >= look + STRETCH_BYTES) {
      while (at + 4 <= length && hasSeparator(at)) at += 4;
    } else {
      // Hex digits in larger groups.
      at = look;
      while (at < length && HEX_DUMP.table[bytes[at]!] !== 0) at++;
      if (at < look + STRETCH_BYTES) {
        look += STRETCH_BYTES;
        continue;
      }
    }
    visit(Math.max(0, look - MARGIN_BYTES), Math.min(length, at + MARGIN_BYTES));
    look = at;
  }
}

/** The letters and digits of a stretch, nothing else. */
export function squeezed(view: View, start: number, end: number): View {
  const trace = new Trace();
  const { bytes } = view;
  for (let at = start; at < end; at++) if (ALNUM.table[bytes[at]!] !== 0) trace.put(bytes[at]!, at, 1);
  return trace.view('pieces', view, end);
}

/** Calls `found` with the text that the hex pairs or the decimal numbers of a stretch spell. */
export function spelled(view: View, start: number, end: number, found: (child: View) => void): void {
  readNumbers(view, start, end, 'hex', found);
  readNumbers(view, start, end, 'decimal', found);
}

function readNumbers(
  view: View,
  start: number,
  end: number,
  kind: 'hex' | 'decimal',
  found: (child: View) => void,
): void {
  const { bytes } = view;
  let trace = new Trace();
  let at = start;
  const flush = (): void => {
    if (trace.length >= LEAST_NUMBERS) found(trace.view(kind, view, at));
    if (trace.length > 0) trace = new Trace();
  };
  while (at < end) {
    if (ALNUM.table[bytes[at]!] === 0) {
      at++;
      continue;
    }
    const first = at;
    while (at < end && ALNUM.table[bytes[at]!] !== 0 && at - first < 64) at++;
    const value = kind === 'hex' ? hexPair(bytes, first, at) : decimal(bytes, first, at);
    if (value < 0) flush();
    else if (value > 0)
      for (const byte of kind === 'hex' ? hexGroup(bytes, first, at) : [value]) trace.put(byte, first, at - first);
  }
  flush();
}

/** `67`, `0x67`, `x67`, `u0067`, `6768`: 1 when it is hex bytes of printable text, -1 when not. */
function hexPair(bytes: Uint8Array, start: number, end: number): number {
  const first = hexStart(bytes, start, end);
  const isDigit = end - first === 1 && first > start;
  if (!isDigit && (end - first < 2 || end - first > 8 || (end - first) % 2 !== 0)) return -1;
  for (let at = first; at < end; at++) if (HEX.table[bytes[at]!] === 0) return -1;
  return 1;
}

function hexGroup(bytes: Uint8Array, start: number, end: number): number[] {
  const first = hexStart(bytes, start, end);
  const group: number[] = [];
  for (let at = first; at < end; at += 2) {
    const digits = end - at > 1 ? [bytes[at]!, bytes[at + 1]!] : [bytes[at]!];
    const byte = Number.parseInt(String.fromCharCode(...digits), 16);
    if (byte !== 0) group.push(byte);
  }
  return group;
}

function hexStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 2 && bytes[start] === 0x30 && (bytes[start + 1]! | 0x20) === 0x78) return start + 2;
  return (bytes[start]! | 0x20) === 0x78 || (bytes[start]! | 0x20) === 0x75 ? start + 1 : start;
}

/** A decimal number that is a printable character or white space; -1 for others. */
function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 3) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return (value >= 0x20 && value < 0x7f) || value === 10 || value === 13 ? value : -1;
}
