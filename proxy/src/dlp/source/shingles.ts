// Shingles of source text: hashes of every run of so many letters and digits, of which a sample by value is kept.
//
// Everything but letters, digits and underscores is skipped and letters are read in lower case, so that reindenting, other line ends, quoting
// in JSON and minified spaces change nothing. Choosing by the hash's own value (and not by its place) finds the same shingles in a
// piece as in the whole file (Manber 1994, "Finding similar files in a large file system").

/** Characters of one shingle, after skipping. */
export const SHINGLE_CHARS = 40;
/** One shingle in so many is kept; a power of two. */
export const SAMPLE = 16;

const BASE = 0x01000193;
/** BASE to the power of SHINGLE_CHARS, mod 2^32: what the oldest character has been multiplied with when it leaves. */
const LEAVING = power(BASE, SHINGLE_CHARS);
const BACKSLASH = 0x5c;

/** 0 = skipped. */
const VALUE = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const isDigit = byte >= 0x30 && byte <= 0x39;
  const isLower = byte >= 0x61 && byte <= 0x7a;
  const isUpper = byte >= 0x41 && byte <= 0x5a;
  if (isDigit || isLower || byte === 0x5f || byte >= 0x80) VALUE[byte] = byte;
  else if (isUpper) VALUE[byte] = byte | 0x20;
}

/** The letter of `\n`, `\t`, `\u` and the like in a quoted text is no letter of the text. */
const ESCAPE = new Uint8Array(256);
for (const letter of 'nrtbfvu') ESCAPE[letter.charCodeAt(0)] = 1;

/** Calls `found` with the hash of each chosen shingle and the place of its first and behind its last byte, in order. */
export function eachShingle(
  bytes: Uint8Array,
  length: number,
  found: (hash: number, start: number, end: number) => void,
): void {
  const values = new Uint8Array(SHINGLE_CHARS);
  const places = new Int32Array(SHINGLE_CHARS);
  let hash = 0;
  let count = 0;
  let slot = 0;
  let before = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at]!;
    const value = before === BACKSLASH && ESCAPE[byte] === 1 ? 0 : VALUE[byte]!;
    before = byte;
    if (value === 0) continue;
    hash = (Math.imul(hash, BASE) + value - Math.imul(values[slot]!, LEAVING)) | 0;
    values[slot] = value;
    places[slot] = at;
    slot = slot + 1 === SHINGLE_CHARS ? 0 : slot + 1;
    if (++count < SHINGLE_CHARS) continue;
    const mixed = mix(hash);
    // After the step `slot` is the oldest character's.
    if ((mixed & (SAMPLE - 1)) === 0) found(mixed >>> 0, places[slot]!, at + 1);
  }
}

/** Whether a shingle says something: not one character over and over, nor a row of numbers. */
export function isTelling(bytes: Uint8Array, start: number, end: number): boolean {
  const seen = new Set<number>();
  let letters = 0;
  for (let at = start; at < end; at++) {
    const value = VALUE[bytes[at]!]!;
    if (value === 0) continue;
    seen.add(value);
    if (value > 0x39) letters++;
  }
  return seen.size >= DIFFERENT_CHARS && letters * 2 >= SHINGLE_CHARS;
}

const DIFFERENT_CHARS = 10;

/** The finalizer of MurmurHash3 (32 bits): the sum's low bits alone depend on few characters. */
function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}
