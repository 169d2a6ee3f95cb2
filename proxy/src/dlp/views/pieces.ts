// A part of a token that was cut up, and how far its parts may reach.

/** How far a token in pieces may reach from its keyword, in bytes. */
export const REACH_BYTES = 2048;
/** Longest thing between the strings, or fields, that hold two pieces, in bytes. */
export const FIELD_BYTES = 64;
/** Longest piece, in bytes, and most of them. */
export const PIECE_BYTES = 256;
export const MOST_PIECES = 128;

export interface Piece {
  readonly start: number;
  readonly end: number;
}

export const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 9 && byte <= 13);
export const isQuote = (byte: number): boolean => byte === 0x22 || byte === 0x27 || byte === 0x60;
