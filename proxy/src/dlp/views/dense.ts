// Text without spaces, full of signs: base85 of any kind, base91, and lines of uuencode.
import { BASE85, BASE91, valuesOf } from '../alphabets.ts';
import type { Openings } from '../openings.ts';
import { View } from '../view.ts';
import { turnVisible } from './ciphers.ts';
import type { Runs } from './runs.ts';
import { hasMagic } from './telling.ts';

/** Shortest run that is looked at, in bytes. */
const RUN_BYTES = 22;
/** Looked at to tell such an encoding from code and URLs, in bytes. */
const SAMPLE_BYTES = 64;
/** Fewest different signs, besides those of paths, names and base64. */
const SIGNS = 3;
const LEAST_BYTES = 12;
/** How far before the place that the sweep names such text may begin, in bytes. */
const BACK_BYTES = 48;
/** So many characters of base64 have no sign among them: they are no such encoding. */
const SIGNLESS_BYTES = 40;

const VARIANTS = Object.entries(BASE85).map(([name, alphabet]) => ({ name, values: valuesOf(alphabet) }));
const NINETY_ONE = valuesOf(BASE91);

/** 1: visible and no space; 2: a sign that is neither of a path nor of base64; 4: lower case; 8: upper case; 16: digit. */
const CLASSES = new Uint8Array(256);
for (let byte = 0x21; byte < 0x7f; byte++) CLASSES[byte] = 1;
for (const sign of '!#$%&()*,:;<>?@[]^`{|}~\'"') CLASSES[sign.charCodeAt(0)]! |= 2;
for (let byte = 0x61; byte <= 0x7a; byte++) CLASSES[byte]! |= 4;
for (let byte = 0x41; byte <= 0x5a; byte++) CLASSES[byte]! |= 8;
for (let byte = 0x30; byte <= 0x39; byte++) CLASSES[byte]! |= 16;

/**
 * Calls `found` with what the dense runs of `view` decode to, where it is text or a compressed stream; one may be at each of `count` places, but
 * not in long `runs` of base64. `openings`: null = ciphers are not tried.
 */
export function decodeDense(
  view: View,
  places: Int32Array,
  count: number,
  runs: Runs,
  openings: Openings | null,
  found: (child: View) => void,
): void {
  const { bytes, length } = view;
  const { ends } = runs;
  let done = 0;
  let run = 0;
  for (let i = 0; i < count; i++) {
    const place = places[i]!;
    if (place < done) continue;
    while (run < runs.count && ends[run + 1]! <= place) run += 2;
    if (run < runs.count && ends[run]! <= place && ends[run + 1]! - ends[run]! >= SIGNLESS_BYTES) {
      done = ends[run + 1]! - RUN_BYTES;
      if (place < done) continue;
    }
    const least = Math.max(done, place - BACK_BYTES);
    let start = place;
    while (start > least && !isEdge(bytes, start - 1)) start--;
    // A sample tells whether the rest is worth walking over.
    let end = start;
    const sampleEnd = Math.min(length, start + SAMPLE_BYTES);
    while (end < sampleEnd && !isEdge(bytes, end)) end++;
    done = Math.max(end, place + 1);
    if (end - start < RUN_BYTES || !isDense(bytes, start, end)) continue;
    while (end < length && !isEdge(bytes, end)) end++;
    done = Math.max(end, place + 1);
    decodeRun(view, start, end, openings, found);
  }
}

/** White space, and a quote that begins or ends a string: others are signs like any. */
const isEdge = (bytes: Uint8Array, at: number): boolean =>
  CLASSES[bytes[at]!] === 0 || (bytes[at] === 0x22 && isStringEnd(bytes, at));

function isStringEnd(bytes: Uint8Array, at: number): boolean {
  const before = bytes[at - 1];
  const after = bytes[at + 1];
  if (before === 0x5c) return false;
  const isOpened =
    before === undefined ||
    before <= 0x20 ||
    before === 0x3a ||
    before === 0x2c ||
    before === 0x5b ||
    before === 0x7b ||
    before === 0x3d; // prettier-ignore
  return (
    isOpened ||
    after === undefined ||
    after <= 0x20 ||
    after === 0x3a ||
    after === 0x2c ||
    after === 0x5d ||
    after === 0x7d
  ); // prettier-ignore
}

/** Signs of several kinds among letters, and hardly two neighbours of one kind: code and data have words and numbers. */
function isDense(bytes: Uint8Array, start: number, end: number): boolean {
  let signs = 0;
  let kinds = 0;
  let all = 0;
  let changes = 0;
  let before = 0;
  for (let at = start; at < end; at++) {
    const of = CLASSES[bytes[at]!]!;
    all |= of;
    if ((of & 2) !== 0) {
      signs++;
      // Which signs, roughly: five bits of the byte.
      kinds |= 1 << (bytes[at]! & 31);
    }
    if (of !== before) changes++;
    before = of;
  }
  const length = end - start;
  if (changes * 2 < length || signs * 12 < length || (all & 8) === 0) return false;
  let different = 0;
  for (let rest = kinds; rest !== 0; rest &= rest - 1) different++;
  return different >= SIGNS;
}

/** A run, maybe without its escapes, and where each of its characters stands: from `base` on, or as `from` says. */
interface Plain {
  readonly bytes: Uint8Array;
  readonly base: number;
  readonly from: Int32Array | null;
  readonly length: number;
}

const placeIn = ({ base, from }: Plain, at: number): number => (from === null ? base + at : from[at]!);

function withoutEscapes(bytes: Uint8Array, start: number, end: number): Plain {
  const plain = new Uint8Array(end - start);
  const from = new Int32Array(end - start + 1);
  let length = 0;
  for (let at = start; at < end; at++) {
    const next = bytes[at + 1];
    // A line break inside a string is as good as one; `\"` and `\\` are one character.
    if (bytes[at] === 0x5c && (next === 0x22 || next === 0x5c || next === 0x2f) && at + 1 < end) at++;
    else if (bytes[at] === 0x5c && (next === 0x6e || next === 0x72)) {
      at++;
      continue;
    }
    from[length] = at;
    plain[length++] = bytes[at]!;
  }
  from[length] = end;
  return { bytes: plain, base: start, from, length };
}

function decodeRun(
  view: View,
  start: number,
  end: number,
  openings: Openings | null,
  found: (child: View) => void,
): void {
  if (isUuLine(view.bytes, start, view.length)) decodeUuencode(view, start, found);
  const literal: Plain = { bytes: view.bytes.subarray(start, end), base: start, from: null, length: end - start };
  const isEscaped = literal.bytes.includes(0x5c);
  for (const plain of isEscaped ? [withoutEscapes(view.bytes, start, end), literal] : [literal]) {
    if (openings !== null) turnVisible(view, plain.bytes.subarray(0, plain.length), { start, end }, openings, found);
    for (const { name, values } of VARIANTS) {
      // What stands glued before it, a name or a quote, is of no known length.
      for (let skip = 0; skip < 5 && skip < plain.length; skip++) {
        const first = firstOf(plain, values, skip);
        if (mayBe85(plain, values, first)) decode85(view, name, values, plain, first, found);
      }
    }
    decode91(view, plain, found);
  }
}

/** Two groups tell nearly all that is none: what would fail at once is not begun. */
function mayBe85({ bytes, length }: Plain, values: Int8Array, first: number): boolean {
  if (first + 10 > length) return false;
  for (let at = first; at < first + 10; at++) if (values[bytes[at]!]! < 0) return false;
  return true;
}

/** `<~` is the frame, not the text. */
const firstOf = (plain: Plain, values: Int8Array, skip: number): number =>
  skip === 0 && plain.bytes[0] === 0x3c && plain.bytes[1] === 0x7e && values[0x7e] === -1 ? 2 : skip;

function decode85(
  view: View,
  name: string,
  values: Int8Array,
  plain: Plain,
  first: number,
  found: (child: View) => void,
): void {
  const { bytes, length } = plain;
  const out = Buffer.allocUnsafe(length);
  let count = 0;
  let at = first;
  let odd = 0;
  for (; at < length; ) {
    const width = Math.min(5, length - at);
    let value = 0;
    let digits = 0;
    while (digits < width && values[bytes[at + digits]!]! >= 0) value = value * 85 + values[bytes[at + digits++]!]!;
    if (digits < 2) break;
    for (let i = digits; i < 5; i++) value = value * 85 + 84;
    if (value > 0xffffffff) break;
    for (let i = 0; i < digits - 1; i++) {
      const byte = Math.floor(value / 2 ** (24 - 8 * i)) & 0xff;
      out[count++] = byte;
      if (!isPrintable(byte)) odd++;
    }
    at += digits;
    if (odd > count >> 3 && !hasMagic(out)) break;
    if (digits < 5) break;
  }
  // A guess that fails in its middle was none, or ended there: what it gave before is kept when that is text.
  const isKept = odd <= count >> 3 || hasMagic(out);
  if (count < LEAST_BYTES || !isKept) return;
  const origin = { kind: 'piece', start: placeIn(plain, first), end: placeIn(plain, Math.min(at, length)) } as const;
  found(new View(out, count, name, view, origin));
}

function decode91(view: View, plain: Plain, found: (child: View) => void): void {
  const { bytes, length } = plain;
  const out = Buffer.allocUnsafe(length);
  let count = 0;
  let held = 0;
  let bits = 0;
  let at = 0;
  for (; at < length; at += 2) {
    const low = NINETY_ONE[bytes[at]!]!;
    const high = at + 1 < length ? NINETY_ONE[bytes[at + 1]!]! : -1;
    if (low < 0 || high < 0) break;
    const value = low + high * 91;
    held |= value << bits;
    bits += (value & 8191) > 88 ? 13 : 14;
    for (; bits > 7; bits -= 8) {
      out[count++] = held & 255;
      held >>= 8;
      if (!isPrintable(out[count - 1]!)) return;
    }
  }
  if (count < LEAST_BYTES) return;
  const origin = { kind: 'piece', start: placeIn(plain, 0), end: placeIn(plain, Math.min(at, length)) } as const;
  found(new View(out, count, 'base91', view, origin));
}

/** Lines of uuencode behind each other; `at` is where the first begins. Calls `found` when there is one. */
export function decodeUuencode(view: View, at: number, found: (child: View) => void): void {
  const { bytes, length } = view;
  const parts: Buffer[] = [];
  let next = at;
  while (next < length) {
    const line = uuLine(bytes, next, length);
    if (line === null) break;
    parts.push(line.bytes);
    next = line.end;
  }
  if (parts.length === 0) return;
  const all = Buffer.concat(parts);
  found(new View(all, all.length, 'uuencode', view, { kind: 'piece', start: at, end: next }));
}

/** Behind the line that says `begin 644 name`. */
export function uuStart(view: View, begin: number): number {
  const { bytes, length } = view;
  let at = begin;
  while (at < Math.min(length, begin + 256)) {
    if (bytes[at] === 0x0a) return at + 1;
    if (bytes[at] === 0x5c && bytes[at + 1] === 0x6e) return at + 2;
    at++;
  }
  return length;
}

/** One line: its length as a character, then quartets; in a JSON string quotes and backslashes are escaped, and so is the line's end. */
function uuLine(bytes: Uint8Array, start: number, length: number): { bytes: Buffer; end: number } | null {
  const count = (bytes[start]! - 32) & 63;
  if (count === 0 || count > 45 || bytes[start]! < 0x21 || bytes[start]! > 0x4d) return null;
  const chars = Math.ceil(count / 3) * 4;
  const out = Buffer.alloc(Math.ceil(count / 3) * 3);
  let at = start + 1;
  if (bytes[start] === 0x22 || (bytes[start] === 0x5c && bytes[start + 1] === 0x22))
    at = bytes[start] === 0x5c ? start + 2 : at;
  let held = 0;
  for (let i = 0; i < chars; i++) {
    if (bytes[at] === 0x5c && (bytes[at + 1] === 0x5c || bytes[at + 1] === 0x22)) at++;
    const byte = bytes[at];
    // Spaces at a line's end get lost.
    if (at >= length || byte === undefined || byte < 0x20 || byte > 0x60) return null;
    held = (held << 6) | ((byte - 32) & 63);
    if ((i & 3) === 3) {
      out.writeUIntBE(held & 0xffffff, (i >> 2) * 3, 3);
      held = 0;
    }
    at++;
  }
  if (bytes[at] === 0x5c && bytes[at + 1] === 0x72) at += 2;
  if (bytes[at] === 0x5c && bytes[at + 1] === 0x6e) at += 2;
  else {
    if (bytes[at] === 0x0d) at++;
    if (bytes[at] === 0x0a) at++;
  }
  return { bytes: out.subarray(0, count), end: at };
}

/** Whether a line that begins at `start` may be uuencode by itself: no lower case, and as long as it says. */
export function isUuLine(bytes: Uint8Array, start: number, length: number): boolean {
  const line = uuLine(bytes, start, length);
  if (line === null || line.bytes.length < LEAST_BYTES) return false;
  return line.bytes.every(isPrintable);
}

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);
