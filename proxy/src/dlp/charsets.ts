// Sets of byte values as lookup tables: what tokens and encodings are made of.

export interface Charset {
  /** As in a regular expression's class. */
  readonly ranges: string;
  /** 1 for every byte of the set. */
  readonly table: Uint8Array;
  /** Slot of this set in a view's cache of runs. */
  readonly slot: number;
}

const made: Charset[] = [];

/** `charset('A-Za-z0-9_-')`: ranges as in a regular expression's class; a dash that is meant stands last. */
export function charset(ranges: string): Charset {
  const table = new Uint8Array(256);
  for (let i = 0; i < ranges.length; i++) {
    const low = ranges.charCodeAt(i);
    const isRange = ranges[i + 1] === '-' && i + 2 < ranges.length;
    const high = isRange ? ranges.charCodeAt(i + 2) : low;
    table.fill(1, low, high + 1);
    if (isRange) i += 2;
  }
  const set = { ranges, table, slot: made.length };
  made.push(set);
  return set;
}

export const DIGIT = charset('0-9');
export const HEX = charset('0-9A-Fa-f');
export const HEX_LOWER = charset('0-9a-f');
export const UPPER = charset('A-Z');
export const UPPER_DIGIT = charset('A-Z0-9');
export const LOWER_DIGIT = charset('a-z0-9');
export const ALNUM = charset('A-Za-z0-9');
export const WORD = charset('A-Za-z0-9_');
export const WORD_DASH = charset('A-Za-z0-9_-');
export const ALNUM_DASH = charset('A-Za-z0-9-');
export const WORD_DASH_DOT = charset('A-Za-z0-9_.-');
/** Base64 in both alphabets, without the padding. */
export const BASE64 = charset('A-Za-z0-9+/_-');
/** Base64 of the standard alphabet with its padding, as it stands in configuration files. */
export const BASE64_PADDED = charset('A-Za-z0-9+/=');
export const BASE64_STD = charset('A-Za-z0-9+/');
/** User, password, host and port of a URL, with the `@` and `:` between them. */
export const AUTHORITY = charset('A-Za-z0-9%._~!$&()*+,;=:@?#^{}|[]-');

/** How many sets exist; sizes the caches. */
export const charsetCount = (): number => made.length;
