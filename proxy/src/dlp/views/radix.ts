// Runs of letters and digits that are bytes in a rarer alphabet: base32 of any kind, base58 and its like, digits alone.
import { BASE32, RADIX, valuesOf } from '../alphabets.ts';
import { type Span, View } from '../view.ts';
import { hasMagic } from './telling.ts';

/** Longest run that is read as one number, in characters: its cost grows with the square. */
const NUMBER_CHARS = 512;
/** Shortest one. */
const NUMBER_LEAST = 22;
const LEAST_BYTES = 12;

const FIVE_BITS = Object.entries(BASE32).map(([name, alphabet]) => ({ name, values: valuesOf(alphabet, true) }));
const NUMBERS = Object.entries(RADIX).map(([name, alphabet]) => ({
  name: name.split(' ')[0]!,
  base: alphabet.length,
  values: valuesOf(alphabet),
}));

/** Characters of one case and digits: base32, where that gives text or a compressed stream. */
export function decodeBase32(view: View, pieces: readonly Span[], found: (child: View) => void): void {
  for (const { name, values } of FIVE_BITS) {
    const child = fiveBits(view, pieces, name, values);
    if (child !== null) found(child);
  }
}

function fiveBits(view: View, pieces: readonly Span[], name: string, values: Int8Array): View | null {
  const { bytes } = view;
  const start = pieces[0]!.start;
  const end = pieces.at(-1)!.end;
  const decoded = Buffer.allocUnsafe(((end - start) * 5) >> 3);
  let length = 0;
  let bits = 0;
  let buffered = 0;
  let odd = 0;
  for (const piece of pieces) {
    for (let at = piece.start; at < piece.end; at++) {
      // Crockford's is written in groups.
      if (bytes[at] === 0x2d) continue;
      const value = values[bytes[at]!]!;
      if (value < 0) return null;
      buffered = ((buffered << 5) | value) & 0xfff;
      bits += 5;
      if (bits < 8) continue;
      bits -= 8;
      decoded[length++] = (buffered >> bits) & 0xff;
      // Of words and constants it is clear at once that they are none.
      if (!isPrintable(decoded[length - 1]!)) odd++;
      if (odd > length >> 3 && length > 3 && !hasMagic(decoded)) return null;
    }
  }
  let padded = end;
  while (padded < view.length && padded < end + 6 && bytes[padded] === 0x3d) padded++;
  return length < LEAST_BYTES - 2 ? null : piece(view, name, decoded.subarray(0, length), start, padded);
}

/** One number in a base that is no power of two, where it is text. */
export function decodeNumber(view: View, start: number, end: number, found: (child: View) => void): void {
  if (end - start < NUMBER_LEAST || end - start > NUMBER_CHARS) return;
  for (const { name, base, values } of NUMBERS) {
    const bytes = numberBytes(view.bytes, start, end, base, values);
    if (bytes !== null && isAllText(bytes)) found(piece(view, name, bytes, start, end));
  }
}

/** Digits of any base that a number of 53 bits holds, and leading bytes that they tell for sure. */
const LEADING_DIGITS = 8;
const LEADING_BYTES = 3;

/** Powers of each base without their power of 256: at least 1, less than 256. */
const POWERS = new Map(
  NUMBERS.map(({ base }) => {
    const powers = new Float64Array(NUMBER_CHARS + 1);
    let power = 1;
    for (let i = 0; i <= NUMBER_CHARS; i++) {
      powers[i] = power;
      power *= base;
      if (power >= 256) power /= 256;
    }
    return [base, powers] as const;
  }),
);

/** Whether the number's first bytes, which its first digits tell, are printable: few are by chance, and the rest need not be computed. */
function beginsWithText(bytes: Uint8Array, start: number, end: number, base: number, values: Int8Array): boolean {
  let from = start;
  while (from < end && values[bytes[from]!] === 0) from++;
  const leading = Math.min(end, from + LEADING_DIGITS);
  let first = 0;
  for (let at = from; at < leading; at++) first = first * base + values[bytes[at]!]!;
  while (first >= 256) first /= 256;
  let number = first * POWERS.get(base)![end - leading]!;
  if (number >= 256) number /= 256;
  for (let i = 0; i < LEADING_BYTES; i++) {
    const byte = Math.floor(number);
    if (!isPrintable(byte)) return false;
    number = (number - byte) * 256;
  }
  return true;
}

/** Null where a character is none of the alphabet, or it is no text. */
function numberBytes(bytes: Uint8Array, start: number, end: number, base: number, values: Int8Array): Buffer | null {
  for (let at = start; at < end; at++) if (values[bytes[at]!]! < 0) return null;
  if (!beginsWithText(bytes, start, end, base, values)) return null;
  // Little-endian in units of 24 bits: a unit times the base stays an exact number.
  const units: number[] = [];
  for (let at = start; at < end; at++) {
    let carry = values[bytes[at]!]!;
    for (let i = 0; i < units.length; i++) {
      const sum = units[i]! * base + carry;
      units[i] = sum & 0xffffff;
      carry = (sum - (sum & 0xffffff)) / 0x1000000;
    }
    if (carry > 0) units.push(carry);
  }
  const out = Buffer.alloc(units.length * 3);
  units.forEach((unit, i) => void out.writeUIntBE(unit, (units.length - 1 - i) * 3, 3));
  let zeros = 0;
  while (zeros < out.length && out[zeros] === 0) zeros++;
  return out.subarray(zeros);
}

/** Digits without anything between: `103104112`, `147150160`, `0110011101101000`. */
export function decodeDigits(view: View, start: number, end: number, found: (child: View) => void): void {
  for (const { name, width, base } of [
    { name: 'binary', width: 8, base: 2 },
    { name: 'decimal', width: 3, base: 10 },
    { name: 'octal', width: 3, base: 8 },
  ]) {
    if ((end - start) % width !== 0 || (end - start) / width < LEAST_BYTES) continue;
    const out = Buffer.allocUnsafe((end - start) / width);
    let length = 0;
    for (let at = start; at < end; at += width) {
      let value = 0;
      for (let i = at; i < at + width; i++) {
        const digit = view.bytes[i]! - 0x30;
        if (digit >= base) value = -1000;
        value = value * base + digit;
      }
      if (value < 0 || !isPrintable(value)) break;
      out[length++] = value;
    }
    if (length === out.length) found(piece(view, name, out, start, end));
  }
}

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);

function isAllText(bytes: Uint8Array): boolean {
  if (bytes.length < LEAST_BYTES) return false;
  for (const byte of bytes) if (!isPrintable(byte)) return false;
  return true;
}

const piece = (parent: View, kind: string, bytes: Buffer, start: number, end: number): View =>
  new View(bytes, bytes.length, kind, parent, { kind: 'piece', start, end });
