// Text under a key that is one number (Caesar, rot47, xor, an offset), and text whose characters were put in another order: told by how tokens begin.
import {
  ALPHABET,
  addedAt,
  combinedAt,
  firstLetter,
  OPENING_BYTES,
  type Openings,
  ROT47,
  turnedAt,
  wordAt,
} from '../openings.ts';
import { type Span, View } from '../view.ts';
import { looksMadeUp } from './joins.ts';
import { base64Bytes, hexBytes } from './piece.ts';
import { hexByte, isBase64Text, isPrintable, SEXTETS } from './telling.ts';

/** Shortest and longest run that is looked at, in characters: a token, not a word, a path or a picture. */
const LEAST_CHARS = 20;
const MOST_CHARS = 1024;
/** How many bytes are looked at to tell text under a key from other data. */
const HEAD_BYTES = 16;
const MOST_BYTES = 64 * 1024;
/** Printable characters lie that close together. */
const PRINTABLE_RANGE = 95;
/** Keys that are tried on one piece of data. */
const MOST_KEYS = 4;
/** Most columns that a text is written in before its columns are read one after the other. */
const MOST_COLUMNS = 8;
/** Of every second, third or fourth character. */
const MOST_STEP = 4;

/** Views in which letters stand that were put there by a guess: a token in them has to be made up throughout. */
export const GUESSED: ReadonlySet<string> = new Set(['caesar', 'atbash', 'columns', 'interleaved', 'swapped', 'rot47']);

type Found = (child: View) => void;

/** Calls `found` with what a long run of `view` is under a key or in another order, where a token begins so. */
export function decipherRun(view: View, start: number, end: number, openings: Openings, found: Found): void {
  const { bytes } = view;
  if (end - start < LEAST_CHARS || end - start > MOST_CHARS) return;
  let kinds = 0;
  // A token may begin, or end, with nothing but digits.
  for (let at = start; at < start + LEAST_CHARS; at++) kinds |= KINDS[bytes[at]!]!;
  for (let at = end - LEAST_CHARS; at < end; at++) kinds |= KINDS[bytes[at]!]!;
  if (kinds < OTHER) decipherHex(view, start, end, openings, found);
  // Hashes, ids and words have no capitals.
  if ((kinds & CAPITAL) === 0) return;
  turnLetters(view, start, end, openings, found);
  if ((kinds & SMALL) === 0) return;
  decipherBase64(view, start, end, openings, found);
  // Identifiers and paths have no digits.
  if ((kinds & DIGIT) === 0) return;
  reorder(view, start, end, openings, found);
  swapCases(view, start, end, found);
}

const CAPITAL = 1;
const SMALL = 2;
const DIGIT = 4;
/** Whatever is no hex digit. */
const OTHER = 8;
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const kind =
    byte >= 0x41 && byte <= 0x5a
      ? CAPITAL
      : byte >= 0x61 && byte <= 0x7a
        ? SMALL
        : byte >= 0x30 && byte <= 0x39
          ? DIGIT
          : 0;
  return kind | (isHex(byte) ? 0 : OTHER);
});

/** Caesar's cipher by any key, and the alphabet backwards. Half a turn is read elsewhere, inside words too. */
function turnLetters(view: View, start: number, end: number, { turned, mirrored }: Openings, found: Found): void {
  const { bytes } = view;
  const first = firstLetter(bytes, start);
  if (first < 0) return;
  for (const original of turned.firsts(turnedAt(bytes, start, 1))) {
    const key = (original - first + 26) % 26;
    if (key !== 0 && key !== 13) give(view, 'caesar', start, end, (letter) => (letter + key) % 26, found);
  }
  for (const original of mirrored.firsts(turnedAt(bytes, start, 1)))
    give(view, 'atbash', start, end, (letter) => (original + first - letter + 26) % 26, found);
}

function give(
  view: View,
  kind: string,
  start: number,
  end: number,
  turn: (letter: number) => number,
  found: Found,
): void {
  // A token of several runs goes on behind dots and equals signs.
  let last = end;
  while (last < view.length && last - start < MOST_CHARS && isVisible(view.bytes[last]!)) last++;
  const text = Uint8Array.from(view.bytes.subarray(start, last), (byte) =>
    ALPHABET[byte]! < 0 ? byte : (byte & 0x20) + 0x41 + turn(ALPHABET[byte]!),
  );
  if (looksMadeUp(Buffer.from(text.subarray(0, end - start)).toString('latin1')))
    found(mapped(view, kind, start, text));
}

const isVisible = (byte: number): boolean => byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x27;

/** Characters in another order: in columns, every second one of something else, pairs turned round. */
function reorder(view: View, start: number, end: number, openings: Openings, found: Found): void {
  const { bytes } = view;
  const length = end - start;
  for (let columns = 2; columns <= MOST_COLUMNS; columns++) {
    const order = { columns, rows: Math.floor(length / columns), full: length % columns };
    if (!openings.mayBegin(bytes[start]!, bytes[start + columnPlace(order, 1)]!)) continue;
    giveOrder(view, 'columns', { start, end }, length, (index) => columnPlace(order, index), openings, found);
  }
  for (let step = 2; step <= MOST_STEP && length >= step * LEAST_CHARS; step++) {
    for (let first = 0; first < step; first++) {
      if (!openings.mayBegin(bytes[start + first]!, bytes[start + first + step]!)) continue;
      const count = Math.ceil((length - first) / step);
      giveOrder(view, 'interleaved', { start, end }, count, (index) => first + index * step, openings, found);
    }
  }
  if (!openings.mayBegin(bytes[start + 1]!, bytes[start]!)) return;
  const pairPlace = (index: number): number => ((index ^ 1) < length ? index ^ 1 : index);
  giveOrder(view, 'swapped', { start, end }, length, pairPlace, openings, found);
}

/** Where a character stands that was written in rows, of what was then read column by column; the first `full` columns are longer by one. */
function columnPlace(order: { columns: number; rows: number; full: number }, index: number): number {
  const column = index % order.columns;
  return column * order.rows + Math.min(column, order.full) + Math.floor(index / order.columns);
}

function giveOrder(
  view: View,
  kind: string,
  whole: Span,
  count: number,
  placeOf: (index: number) => number,
  { plain }: Openings,
  found: Found,
): void {
  for (let i = 0; i < OPENING_BYTES; i++) head[i] = view.bytes[whole.start + placeOf(i)]!;
  if (plain.firsts(wordAt(head, 0)).length === 0) return;
  const text = Uint8Array.from({ length: count }, (_, i) => view.bytes[whole.start + placeOf(i)]!);
  if (!looksMadeUp(Buffer.from(text).toString('latin1'))) return;
  found(new View(text, count, kind, view, { kind: 'piece', ...whole }));
}

/** Used again and again. */
const head = new Uint8Array(24);

/** Base64 whose small letters are capitals and the other way round. */
function swapCases(view: View, start: number, end: number, found: Found): void {
  const { bytes } = view;
  const count = Math.min(head.length, (end - start) & ~3);
  for (let i = 0; i < count; i++) head[i] = swapped(bytes[start + i]!);
  if (!isBase64Text(head, 0, count) || isBase64Text(bytes, start, start + count)) return;
  found(mapped(view, 'swapped case', start, Uint8Array.from(bytes.subarray(start, end), swapped)));
}

const swapped = (byte: number): number => (ALPHABET[byte]! < 0 ? byte : byte ^ 0x20);

/** Only xor: whether all bytes lie close together shows too late. */
function decipherBase64(view: View, start: number, end: number, openings: Openings, found: Found): void {
  const { bytes } = view;
  if ((end - start) * 3 < HEAD_BYTES * 4) return;
  // The highest bit of each of three bytes, where it stands in four characters.
  const high = SEXTETS[bytes[start]!]! >> 5;
  for (let at = start; at < start + HEAD_BYTES; at += 4) {
    if (SEXTETS[bytes[at]!]! >> 5 !== high || ((SEXTETS[bytes[at + 1]!]! >> 3) & 1) !== high) return;
    if (((SEXTETS[bytes[at + 2]!]! >> 1) & 1) !== high) return;
  }
  decipher(view, 'base64', { start, end }, base64Bytes(view, start, end), openings, found);
}

function decipherHex(view: View, start: number, end: number, openings: Openings, found: Found): void {
  const { bytes } = view;
  if (end - start < 2 * HEAD_BYTES) return;
  for (let i = 0; i < HEAD_BYTES; i++) head[i] = hexByte(bytes, start + i * 2);
  if (!mayBeUnderKey(head)) return;
  for (let at = start; at < end; at++) if (!isHex(bytes[at]!)) return;
  decipher(view, 'hex', { start, end }, hexBytes(view, start, end), openings, found);
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** Calls `found` with what `data`, decoded from `whole`, is under a key. */
export function decipher(
  view: View,
  kind: string,
  whole: Span,
  data: Uint8Array,
  openings: Openings,
  found: Found,
): void {
  const count = data.length;
  if (count < HEAD_BYTES || count > MOST_BYTES) return;
  const keys = new Set<number>();
  const giveUnder = (cipher: string, key: number, plain: (byte: number) => number): void => {
    if (key === 0 || keys.size >= MOST_KEYS || keys.has(key)) return;
    const text = data.map(plain);
    if (!isMostlyPrintable(text)) return;
    keys.add(key);
    found(new View(text, count, `${kind} > ${cipher}`, view, { kind: 'piece', ...whole }));
  };
  for (let at = 0; at + OPENING_BYTES <= count; at++) {
    for (const first of openings.combined.firsts(combinedAt(data, at)))
      giveUnder('xor', data[at]! ^ first, (byte) => byte ^ (data[at]! ^ first));
    for (const first of openings.added.firsts(addedAt(data, at)))
      giveUnder('offset', 256 + data[at]! - first, (byte) => byte - (data[at]! - first));
  }
}

/**
 * Whether data begins like ASCII under one key: the highest bit of all bytes is the same, or they lie close together, maybe over the end of their
 * range. Most other data fails within a few bytes.
 */
export function mayBeUnderKey(data: Uint8Array): boolean {
  const first = data[0]!;
  let alike = 1;
  while (alike < HEAD_BYTES && ((data[alike]! ^ first) & 0x80) === 0) alike++;
  if (alike === HEAD_BYTES) return true;
  let least = 0;
  let most = 0;
  for (let i = 1; i < HEAD_BYTES && most - least < PRINTABLE_RANGE; i++) {
    const difference = ((data[i]! - first + 384) & 255) - 128;
    if (difference < least) least = difference;
    else if (difference > most) most = difference;
  }
  return most - least < PRINTABLE_RANGE;
}

function isMostlyPrintable(text: Uint8Array): boolean {
  let odd = 0;
  for (const byte of text) if (!isPrintable(byte)) odd++;
  return odd * 32 <= text.length;
}

/** Calls `found` with text full of signs in rot47, where a token begins in it so. */
export function turnVisible(view: View, text: Uint8Array, whole: Span, { shifted }: Openings, found: Found): void {
  const last = Math.min(text.length - OPENING_BYTES, MOST_CHARS);
  for (let at = 0; at <= last; at++) {
    if (shifted.firsts(wordAt(text, at)).length === 0) continue;
    const plain = Uint8Array.from(text, (byte) => ROT47[byte]!);
    found(new View(plain, plain.length, 'rot47', view, { kind: 'piece', ...whole }));
    return;
  }
}

/** `text` stands at `start` of the view, byte for byte. */
function mapped(view: View, kind: string, start: number, text: Uint8Array): View {
  const end = start + text.length;
  const origin = { kind: 'trace', at: [0, text.length], from: [start, end], stride: [1, 0], width: [1, 0] } as const;
  return new View(text, text.length, kind, view, origin);
}
