// What only looks like the pieces of a token: lists of ids, items, tokens of which each begins like the one before.
import { PIECE_BYTES, type Piece } from './pieces.ts';

/** So many bytes at their beginning that are the same are no accident; one less where they end in the same sign. */
const ALIKE_BYTES = 3;

/** The pieces before the first that begins like its neighbour or like the first one: `glpat-`, `gldt-`, `glrt-` are a list, not a token cut up. */
export function untilAlike(bytes: Uint8Array, pieces: readonly Piece[]): readonly Piece[] {
  const alike = pieces.findIndex(
    (piece, i) => i > 0 && (isAlike(bytes, piece, pieces[i - 1]!) || isAlike(bytes, piece, pieces[0]!)),
  );
  return alike < 0 ? pieces : pieces.slice(0, alike);
}

function isAlike(bytes: Uint8Array, one: Piece, other: Piece): boolean {
  if (one.end - one.start < ALIKE_BYTES || other.end - other.start < ALIKE_BYTES) return false;
  const first = bytes[one.start]!;
  const second = bytes[one.start + 1]!;
  if (bytes[other.start] !== first || bytes[other.start + 1] !== second) return false;
  const last = bytes[one.end - 1]!;
  if (last === bytes[other.end - 1] && (last === 0x2d || last === 0x5f)) return true;
  const third = bytes[one.start + 2]!;
  // Zeros in base64 are alike as well.
  return bytes[other.start + 2] === third && (first !== second || first !== third);
}

/** So many texts of such a length, in characters, are ids and hashes: a token cut up would be longer than any. */
const MOST_IDS = 12;
const ID_CHARS = 16;

export const areIds = (pieces: readonly Piece[]): boolean =>
  pieces.filter(({ start, end }) => end - start >= ID_CHARS).length > MOST_IDS;

/** So many pieces with nothing but commas and semicolons between them tell a list. */
const LIST_PIECES = 4;

/** The items of a list, like the mappings of a source map: as long as they happen to be, where what was cut up has pieces of one length. */
export function isList(bytes: Uint8Array, pieces: readonly Piece[]): boolean {
  let items = 0;
  let shortest = PIECE_BYTES;
  let longest = 0;
  // The first is what a keyword begins in the middle of, and the last is what was left.
  for (let i = 1; i < pieces.length - 1; i++) {
    const { start, end } = pieces[i]!;
    if (!isItemSign(bytes[start - 1]!) || !isItemSign(bytes[end]!)) continue;
    items++;
    shortest = Math.min(shortest, end - start);
    longest = Math.max(longest, end - start);
  }
  return items >= LIST_PIECES && shortest !== longest;
}

const isItemSign = (byte: number): boolean => byte === 0x2c || byte === 0x3b;
