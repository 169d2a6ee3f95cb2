// Whether data may be a stream of raw deflate or of brotli, which have no telling first bytes: read as far as chance would have failed. A decoder that
// is opened only to fail costs like kilobytes of text.

/** Symbols of a deflate block with fixed codes that are read. */
const SYMBOLS = 24;
/** A stream of brotli says how long its content is: more than so many times its own length is nothing that hides a token. */
const BROTLI_FACTOR = 256;

/** Order in which the lengths of the code length codes are written; RFC 1951, 3.2.7. */
const LENGTH_ORDER = 19;
const MOST_LITERALS = 286;
const MOST_DISTANCES = 30;
const END_OF_BLOCK = 256;

/** Bits of `bytes`, the lowest of each first. */
class Bits {
  readonly #bytes: Uint8Array;
  readonly #length: number;
  #at = 0;

  constructor(bytes: Uint8Array, length: number) {
    this.#bytes = bytes;
    this.#length = length * 8;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#length;
  }

  /** Zeros behind the end. */
  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      if (this.#at < this.#length) value |= ((this.#bytes[this.#at >> 3]! >> (this.#at & 7)) & 1) << i;
    }
    return value;
  }

  /** The same with the highest bit first, as Huffman codes are written. */
  readCode(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = (value << 1) | this.read(1);
    return value;
  }
}

/** A first block that is compressed: last and with fixed codes, or with its own codes. */
export function mayBeRawDeflate(bytes: Uint8Array, length: number): boolean {
  const block = bytes[0]! & 0x07;
  if (block < 3 || block > 5) return false;
  const bits = new Bits(bytes, length);
  bits.read(3);
  return block === 3 ? hasFixedSymbols(bits) : hasOwnCodes(bits);
}

/** RFC 1951, 3.2.7: the codes for the code lengths must be complete. */
function hasOwnCodes(bits: Bits): boolean {
  if (bits.read(5) + 257 > MOST_LITERALS || bits.read(5) + 1 > MOST_DISTANCES) return false;
  const count = bits.read(4) + 4;
  let sum = 0;
  for (let i = 0; i < count && i < LENGTH_ORDER; i++) {
    const length = bits.read(3);
    if (length > 0) sum += 128 >> length;
  }
  return sum === 128;
}

/** RFC 1951, 3.2.6: no distance reaches behind the beginning. */
function hasFixedSymbols(bits: Bits): boolean {
  let written = 0;
  for (let i = 0; i < SYMBOLS && !bits.isAtEnd; i++) {
    const symbol = fixedSymbol(bits);
    if (symbol === END_OF_BLOCK) return written > 0;
    if (symbol < END_OF_BLOCK) {
      written++;
      continue;
    }
    if (symbol > 285) return false;
    const index = symbol - 257;
    const extra = index < 8 || index === 28 ? 0 : (index - 4) >> 2;
    const base = index === 28 ? 258 : index < 8 ? 3 + index : 3 + ((4 + (index & 3)) << extra);
    const length = base + bits.read(extra);
    const code = bits.readCode(5);
    if (code >= MOST_DISTANCES) return false;
    const farther = code < 4 ? 0 : (code >> 1) - 1;
    const distance = (code < 4 ? code : (2 + (code & 1)) << farther) + 1 + bits.read(farther);
    if (distance > written && !bits.isAtEnd) return false;
    written += length;
  }
  return true;
}

function fixedSymbol(bits: Bits): number {
  const seven = bits.readCode(7);
  if (seven < 24) return 256 + seven;
  const eight = (seven << 1) | bits.read(1);
  if (eight < 0xc0) return eight - 0x30;
  if (eight < 0xc8) return eight - 0xc0 + 280;
  return ((eight << 1) | bits.read(1)) - 0x190 + 144;
}

/** RFC 7932, 9.1 and 9.2: the window that encoders use, and a first block of a length that makes sense. */
export function mayBeBrotli(bytes: Uint8Array, length: number): boolean {
  // The window sizes that encoders use have odd codes above 8; the others are one of sixteen each.
  if ((bytes[0]! & 0x09) !== 0x09) return false;
  const bits = new Bits(bytes, length);
  bits.read(4);
  const isLast = bits.read(1) === 1;
  if (isLast && bits.read(1) === 1) return false;
  const nibbles = bits.read(2) + 4;
  // Data that is skipped over: one bit more is zero.
  if (nibbles === 7) return !isLast && bits.read(1) === 0;
  const contentBytes = bits.read(nibbles * 4) + 1;
  // The shortest way to write a length is the only one.
  if (nibbles > 4 && contentBytes - 1 < 1 << ((nibbles - 1) * 4)) return false;
  return contentBytes <= length * BROTLI_FACTOR;
}
