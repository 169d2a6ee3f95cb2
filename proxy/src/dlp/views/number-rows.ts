// Rows of numbers that spell text, with the same thing between them: `chr(103)+chr(104)`, `[char]0x67+[char]0x68`, `U+0067 U+0068`, `147 150`.

import { Trace, type View } from '../view.ts';
import { hasMagic } from './telling.ts';

/** Longest thing between two numbers, in bytes. */
const BETWEEN_BYTES = 48;
const LEAST_NUMBERS = 8;

/** In what a row of bare numbers may be written, a bit each; and what numbers that say their base are. */
const DECIMAL = 1;
const OCTAL = 2;
const BINARY = 4;
const OWN = 8;
const BASES = [
  { bit: DECIMAL, base: 10 },
  { bit: OCTAL, base: 8 },
  { bit: BINARY, base: 2 },
] as const;
/** So many first numbers may be none of text: a stream begins with such. */
const HEAD_NUMBERS = 4;

/** The first numbers of a row, as bytes: used again and again. */
const rowHead = new Uint8Array(HEAD_NUMBERS);

/** The numbers of a row, and in which bases they may still be text. */
class Row {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly bases: number[] = [];
  count = 0;
  #alive = 0;
  #isBare = true;
  #magic = 0;

  get isAlive(): boolean {
    return this.#alive !== 0;
  }

  /** 16, 8 and 2 for a number that says so; 0 for digits alone. */
  add(bytes: Uint8Array, start: number, end: number, base: number): void {
    const { count } = this;
    this.starts[count] = start;
    this.ends[count] = end;
    this.bases[count] = base;
    this.count++;
    if (base !== 0) this.#isBare = false;
    let printable = 0;
    let valid = 0;
    for (const one of BASES) {
      const value = base === 0 ? digitsValue(bytes, start, end, one.base) : -1;
      if (value < 0 || value > 255) continue;
      valid |= one.bit;
      if (isPrintable(value)) printable |= one.bit;
    }
    const own = digitsValue(bytes, start, end, base === 0 ? 10 : base);
    if (own >= 0 && own <= 255) valid |= OWN;
    if (isPrintable(own)) printable |= OWN;
    if (count === 0) this.#alive = DECIMAL | OCTAL | BINARY | OWN;
    this.#alive &= count < HEAD_NUMBERS ? valid : (printable | this.#magic) & valid;
    if (count === HEAD_NUMBERS - 1) this.#magic = this.#magicIn(bytes);
  }

  /** Calls `found` with the text that the row is, and empties it. */
  close(view: View, found: (child: View) => void): void {
    if (this.count >= LEAST_NUMBERS && this.isAlive) this.#read(view, found);
    this.count = 0;
    this.#isBare = true;
    this.#magic = 0;
  }

  #read(view: View, found: (child: View) => void): void {
    if (!this.#isBare) {
      if ((this.#alive & OWN) !== 0) this.#readAs(view, 10, found);
      return;
    }
    for (const { bit, base } of BASES) if ((this.#alive & bit) !== 0) this.#readAs(view, base, found);
  }

  #readAs(view: View, base: number, found: (child: View) => void): void {
    const trace = new Trace();
    for (let i = 0; i < this.count; i++) {
      const [start, end] = [this.starts[i]!, this.ends[i]!];
      trace.put(digitsValue(view.bytes, start, end, this.bases[i]! || base), start, end - start);
    }
    found(trace.view('numbers', view, this.ends[this.count - 1]!));
  }

  /** In which bases the row begins like a compressed stream. */
  #magicIn(bytes: Uint8Array): number {
    const head = (base: number): Uint8Array => {
      for (let i = 0; i < HEAD_NUMBERS; i++) {
        rowHead[i] = digitsValue(bytes, this.starts[i]!, this.ends[i]!, this.bases[i]! || base);
      }
      return rowHead;
    };
    let magic = hasMagic(head(10)) ? DECIMAL | OWN : 0;
    for (const { bit, base } of BASES) if ((this.#alive & bit & ~magic) !== 0 && hasMagic(head(base))) magic |= bit;
    return magic;
  }
}

/** Calls `found` with the text that rows of numbers in `start..end` spell. */
export function spelledRows(view: View, start: number, end: number, found: (child: View) => void): void {
  const { bytes } = view;
  const row = new Row();
  // The last two numbers: only a third one behind the same makes a row of them.
  let beforeStart = -1;
  let beforeEnd = -1;
  let beforeBase = 0;
  let lastStart = -1;
  let lastEnd = -1;
  let lastBase = 0;
  const close = (): void => {
    if (row.count > 0) row.close(view, found);
  };
  for (let at = start; at < end; ) {
    const number = numberAt(bytes, at, end);
    if (number < 0) {
      // Too many digits for a character: none of a row, nor is what stands beside it.
      const digits = digitsEnd(bytes, at, end, 10) - at;
      at += Math.max(1, digits);
      if (digits > 0 || (lastStart >= 0 && at - lastEnd > BETWEEN_BYTES)) {
        close();
        lastStart = -1;
        beforeStart = -1;
      }
      continue;
    }
    const from = at + (number & PREFIX);
    const base = baseOf(bytes, at, from);
    at += number >> 2;
    if (beforeStart >= 0) {
      if (isSameGap(bytes, beforeEnd, lastStart, lastEnd, from)) {
        if (row.count === 0) {
          row.add(bytes, beforeStart, beforeEnd, beforeBase);
          row.add(bytes, lastStart, lastEnd, lastBase);
        }
        // What can be no text any more is only followed to where something else stands between its numbers.
        if (row.isAlive) row.add(bytes, from, at, base);
      } else close(); // The last of this row may be the first of the next.
    }
    beforeStart = lastStart;
    beforeEnd = lastEnd;
    beforeBase = lastBase;
    lastStart = from;
    lastEnd = at;
    lastBase = base;
    if (row.count === 0 || row.isAlive || from - beforeEnd !== 1 || base !== 0) continue;
    // The long rest of a row that is no text: short numbers with one sign between them.
    for (
      let next = rowNext(bytes, at, end, bytes[from - 1]!);
      next > at;
      next = rowNext(bytes, at, end, bytes[from - 1]!)
    ) {
      beforeStart = lastStart;
      beforeEnd = lastEnd;
      lastStart = at + 1;
      lastEnd = next;
      at = next;
    }
  }
  close();
}

/** Where the number of at most three digits ends that stands behind `sign` at `at`; `at` where there is none. */
function rowNext(bytes: Uint8Array, at: number, end: number, sign: number): number {
  if (bytes[at] !== sign) return at;
  const most = Math.min(end, at + 5);
  let stop = at + 1;
  while (stop < most && bytes[stop]! >= 0x30 && bytes[stop]! <= 0x39) stop++;
  return stop === at + 1 || stop === most ? at : stop;
}

/** Whether the same stands between two numbers as between the two before, white space aside: lines may be wrapped anywhere. */
function isSameGap(bytes: Uint8Array, oneStart: number, oneEnd: number, otherStart: number, otherEnd: number): boolean {
  let one = afterSpace(bytes, oneStart, oneEnd);
  let other = afterSpace(bytes, otherStart, otherEnd);
  while (one < oneEnd && other < otherEnd && bytes[one] === bytes[other]) {
    one = afterSpace(bytes, one + 1, oneEnd);
    other = afterSpace(bytes, other + 1, otherEnd);
  }
  return one === oneEnd && other === otherEnd;
}

function afterSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (;;) {
    if (at < end && (bytes[at] === 0x20 || (bytes[at]! >= 9 && bytes[at]! <= 13))) at++;
    else if (at + 1 < end && bytes[at] === 0x5c && (bytes[at + 1] === 0x6e || bytes[at + 1] === 0x72)) at += 2;
    else return at;
  }
}

/** Bytes before the digits of a number that says its base: `0x`, `0o`, `0b`, `U+`. */
const PREFIX = 3;

/** The number at `at`: where it ends, from there, times four, and how many bytes stand before its digits; -1 for none. */
function numberAt(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first === 0x30 && at + 1 < end) {
    const next = bytes[at + 1]! | 0x20;
    if (next === 0x78 || next === 0x6f || next === 0x62) {
      const stop = digitsEnd(bytes, at + 2, end, next === 0x78 ? 16 : next === 0x6f ? 8 : 2);
      return stop > at + 2 && stop - at <= 10 ? ((stop - at) << 2) | 2 : -1;
    }
  }
  if ((first | 0x20) === 0x75 && bytes[at + 1] === 0x2b) {
    const stop = digitsEnd(bytes, at + 2, end, 16);
    return stop - at >= 6 && stop - at <= 8 ? ((stop - at) << 2) | 2 : -1;
  }
  let stop = at;
  while (stop < end && bytes[stop]! >= 0x30 && bytes[stop]! <= 0x39) stop++;
  const isShort = stop - at <= 3 || (stop - at === 8 && digitsEnd(bytes, at, stop, 2) === stop);
  return stop > at && isShort ? (stop - at) << 2 : -1;
}

function baseOf(bytes: Uint8Array, at: number, from: number): number {
  if (from === at) return 0;
  const sign = bytes[at + 1]! | 0x20;
  return sign === 0x6f ? 8 : sign === 0x62 ? 2 : 16;
}

function digitsEnd(bytes: Uint8Array, from: number, end: number, base: number): number {
  let at = from;
  while (at < end && digitOf(bytes[at]!) < base) at++;
  return at;
}

const digitOf = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 99;
};

function digitsValue(bytes: Uint8Array, start: number, end: number, base: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = digitOf(bytes[at]!);
    if (digit >= base) return -1;
    value = value * base + digit;
  }
  return value;
}

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);

/** Lines of `offset: hex pairs  text`, as `xxd` and `hexdump -C` print them. Calls `found` with the bytes. */
export function hexDump(view: View, at: number, found: (child: View) => void): number {
  const { bytes, length } = view;
  const trace = new Trace();
  let line = at;
  let stop = at;
  for (;;) {
    const offsetEnd = digitsEnd(bytes, line, Math.min(length, line + 17), 16);
    if (offsetEnd - line < 7 || offsetEnd - line > 16) break;
    let next = offsetEnd;
    if (bytes[next] === 0x3a) next++;
    let pairs = 0;
    while (pairs < 32) {
      let spaces = 0;
      while (bytes[next] === 0x20) {
        next++;
        spaces++;
      }
      const stopDigits = digitsEnd(bytes, next, Math.min(length, next + 9), 16);
      // The text beside the pairs stands further away.
      if (stopDigits === next || (stopDigits - next) % 2 !== 0 || (pairs > 0 && pairs % 8 !== 0 && spaces > 1)) break;
      if (stopDigits - next > 8 || (pairs >= 16 && spaces > 1)) break;
      for (let digit = next; digit < stopDigits; digit += 2) {
        trace.put(digitOf(bytes[digit]!) * 16 + digitOf(bytes[digit + 1]!), digit, 2);
        pairs++;
      }
      next = stopDigits;
    }
    if (pairs === 0) break;
    stop = next;
    const far = Math.min(length, next + 64);
    while (next < far && bytes[next] !== 0x0a && !(bytes[next] === 0x5c && bytes[next + 1] === 0x6e)) next++;
    if (next >= far) break;
    line = next + (bytes[next] === 0x0a ? 1 : 2);
  }
  if (trace.length >= LEAST_NUMBERS) found(trace.view('hex dump', view, stop));
  return Math.max(stop, at + 1);
}
