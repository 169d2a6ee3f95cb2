// The one pass over every byte: where might a needle stand? Returns offsets only, so that a faster implementation can take its place.
//
// Every needle is represented by a window of four of its bytes. The pass looks at the three-byte pieces that begin at even offsets
// of the (aligned) memory, two a 32-bit word, with ASCII case folded: a window of four bytes contains exactly one of them, at its
// first or at its second byte. A table of 64 Ki flags says of a piece's hash which of the two it may be.

const FOLD = 0x20202020;
const SPREAD = 0x9e3779b1;

/** Bit 1: the piece may be a window's bytes 0-2; bit 2: its bytes 1-3. */
export type PieceFlags = Uint8Array;

export const newPieceFlags = (): PieceFlags => new Uint8Array(1 << 16);

const hashPiece = (piece: number): number => Math.imul(piece & 0xffffff, SPREAD) >>> 16;

/** `window`: four bytes as a little-endian number. */
export function addWindow(flags: PieceFlags, window: number): void {
  const folded = window | FOLD;
  flags[hashPiece(folded)]! |= 1;
  flags[hashPiece(folded >>> 8)]! |= 2;
}

/**
 * Looks at the words `from..to` of `words` (`words[to]` must exist) and writes `wordIndex << 3 | secondHalf << 2 | flags` of every piece that
 * may belong to a window. `out` must hold two entries a word.
 */
export function findPieces(flags: PieceFlags, words: Int32Array, from: number, to: number, out: Int32Array): number {
  let count = 0;
  let word = words[from]! | FOLD;
  for (let i = from; i < to; i++) {
    const next = words[i + 1]! | FOLD;
    const first = flags[Math.imul(word & 0xffffff, SPREAD) >>> 16]!;
    if (first !== 0) out[count++] = (i << 3) | first;
    const second = flags[Math.imul((word >>> 16) | ((next & 0xff) << 16), SPREAD) >>> 16]!;
    if (second !== 0) out[count++] = (i << 3) | 4 | second;
    word = next;
  }
  return count;
}
