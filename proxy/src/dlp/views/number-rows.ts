// Rows of numbers that spell text, with the same thing between them: `chr(103)+chr(104)`, `[char]0x67+[char]0x68`, `U+0067 U+0068`, `147 150`.

import { Trace, type View } from '../view.ts';
import { hasMagic } from './runs.ts';

/** Longest thing between two numbers, in bytes. */
const BETWEEN_BYTES = 48;
const LEAST_NUMBERS = 8;

interface Spelled {
  readonly start: number;
  readonly end: number;
  /** 16 and 8 for what says so; 0 for digits alone. */
  readonly base: number;
}

/** Calls `found` with the text that rows of numbers in `start..end` spell. */
export function spelledRows(view: View, start: number, end: number, found: (child: View) => void): void {
  const { bytes } = view;
  let row: Spelled[] = [];
  const flush = (): void => {
    if (row.length >= LEAST_NUMBERS) readRow(view, row, found);
    row = [];
  };
  for (let at = start; at < end; ) {
    const number = numberAt(bytes, at, end);
    const last = row.at(-1);
    if (number === null) {
      // Too many digits for a character: none of a row, nor is what stands beside it.
      const digits = digitsEnd(bytes, at, end, 10) - at;
      at += Math.max(1, digits);
      if (digits > 0 || (last !== undefined && at - last.end > BETWEEN_BYTES)) flush();
      continue;
    }
    const before = row.at(-2);
    if (
      last !== undefined &&
      before !== undefined &&
      !isSameGap(bytes, before.end, last.start, last.end, number.start)
    ) {
      // The last of this row may be the first of the next.
      flush();
      row.push(last);
    }
    row.push(number);
    at = number.end;
  }
  flush();
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

function numberAt(bytes: Uint8Array, at: number, end: number): Spelled | null {
  const byte = bytes[at]! | 0x20;
  const next = at + 1 < end ? bytes[at + 1]! | 0x20 : 0;
  if (bytes[at] === 0x30 && (next === 0x78 || next === 0x6f || next === 0x62)) {
    const base = next === 0x78 ? 16 : next === 0x6f ? 8 : 2;
    const stop = digitsEnd(bytes, at + 2, end, base);
    return stop > at + 2 && stop - at <= 10 ? { start: at + 2, end: stop, base } : null;
  }
  if (byte === 0x75 && bytes[at + 1] === 0x2b) {
    const stop = digitsEnd(bytes, at + 2, end, 16);
    return stop - at >= 6 && stop - at <= 8 ? { start: at + 2, end: stop, base: 16 } : null;
  }
  const stop = digitsEnd(bytes, at, end, 10);
  const isShort = stop - at <= 3 || (stop - at === 8 && digitsEnd(bytes, at, stop, 2) === stop);
  return stop > at && isShort ? { start: at, end: stop, base: 0 } : null;
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

function readRow(view: View, row: readonly Spelled[], found: (child: View) => void): void {
  const isBare = row.every(({ base }) => base === 0);
  for (const base of isBare ? [10, 8, 2] : [0]) {
    const trace = new Trace();
    let isText = true;
    for (const { start, end, base: own } of row) {
      const value = digitsValue(view.bytes, start, end, own === 0 ? (base === 0 ? 10 : base) : own);
      if (value < 0 || value > 255) {
        isText = false;
        break;
      }
      if (!isPrintable(value) && !(trace.length >= 2 && hasMagic(trace.bytes)) && trace.length > 3) isText = false;
      trace.put(value, start, end - start);
    }
    if (isText && trace.length >= LEAST_NUMBERS) found(trace.view('numbers', view, row.at(-1)!.end));
  }
}

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
