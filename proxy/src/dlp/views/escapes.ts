// Escaped characters: percent, backslash, HTML entities and quoted-printable, unfolded around the places where they stand.
import { asBuffer, Trace, type View } from '../view.ts';

export interface Escapes {
  readonly kind: string;
  readonly lead: number;
  /** Where an escape may begin with several bytes. */
  readonly leads?: readonly number[];
  /**
   * The escape at `at` as `width << 21 | code point`, 0 for none. Code point `GONE` stands for nothing at all.
   */
  readonly read: (bytes: Uint8Array, at: number, end: number) => number;
}

const GONE = 0x1fffff;
const CODE = 0x1fffff;
/** Bytes of plain text between two escapes that still belong together. */
const NEAR_BYTES = 128;
/** Plain text taken along before the first escape's token: names and headers that say what it is. */
const BEFORE_BYTES = 64;
/** How far before a sign that speaks for it an escape may begin, in bytes. */
const BEFORE_SIGN_BYTES = 4;
/** How far a token reaches from an escape inside it, in bytes. */
const TOKEN_BYTES = 4096;

const NIBBLES = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  NIBBLES[i.toString(16).charCodeAt(0)] = i;
  NIBBLES[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

const escapeOf = (width: number, code: number): number => (width << 21) | code;

/** `count` hex digits at `at`, or -1. */
function hexAt(bytes: Uint8Array, at: number, count: number, end: number): number {
  if (at + count > end) return -1;
  let value = 0;
  for (let i = 0; i < count; i++) {
    const nibble = NIBBLES[bytes[at + i]!]!;
    if (nibble < 0) return -1;
    value = value * 16 + nibble;
  }
  return value;
}

/** Hex digits from `from` to a closing brace; `before`: bytes of the escape that stand before them. */
function bracedAt(bytes: Uint8Array, from: number, end: number, before: number): number {
  let digits = 0;
  while (digits < 6 && from + digits < end && NIBBLES[bytes[from + digits]!]! >= 0) digits++;
  const code = hexAt(bytes, from, digits, end);
  const isClosed = digits > 0 && bytes[from + digits] === 0x7d && code <= 0x10ffff;
  return isClosed ? escapeOf(before + digits + 1, code) : 0;
}

/** Three octal digits of a byte, or -1. */
function octalAt(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]! - 0x30;
  const second = bytes[at + 1]! - 0x30;
  const third = bytes[at + 2]! - 0x30;
  const isOctal = at + 2 < end && first >= 0 && first < 4 && second >= 0 && second < 8 && third >= 0 && third < 8;
  return isOctal ? first * 64 + second * 8 + third : -1;
}

export const PERCENT: Escapes = {
  kind: 'percent',
  lead: 0x25,
  read(bytes, at, end) {
    const byte = hexAt(bytes, at + 1, 2, end);
    if (byte >= 0) return escapeOf(3, byte);
    const unit = bytes[at + 1] === 0x75 ? hexAt(bytes, at + 2, 4, end) : -1;
    return unit >= 0 ? escapeOf(6, unit) : 0;
  },
};

export const BACKSLASH: Escapes = {
  kind: 'escapes',
  lead: 0x5c,
  read(bytes, at, end) {
    let letter = at + 1;
    // A string inside a string inside a string: the backslashes before the letter double each time.
    while (letter < end && bytes[letter] === 0x5c && letter - at < 32) letter++;
    const before = letter - at;
    switch (bytes[letter]) {
      case 0x75: {
        if (bytes[letter + 1] === 0x7b) return bracedAt(bytes, letter + 2, end, before + 2);
        const unit = hexAt(bytes, letter + 1, 4, end);
        if (unit < 0) return 0;
        if (unit >= 0xd800 && unit < 0xdc00 && bytes[letter + 5] === 0x5c) {
          let second = letter + 5;
          while (second < end && bytes[second] === 0x5c && second - letter < 37) second++;
          const low = bytes[second] === 0x75 ? hexAt(bytes, second + 1, 4, end) : -1;
          if (low >= 0xdc00 && low < 0xe000) {
            return escapeOf(second + 5 - at, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
          }
        }
        return escapeOf(before + 5, unit);
      }
      case 0x55: {
        const code = hexAt(bytes, letter + 1, 8, end);
        return code >= 0 && code <= 0x10ffff ? escapeOf(before + 9, code) : 0;
      }
      case 0x78: {
        if (bytes[letter + 1] === 0x7b) return bracedAt(bytes, letter + 2, end, before + 2);
        const byte = hexAt(bytes, letter + 1, 2, end);
        return byte >= 0 ? escapeOf(before + 3, byte) : 0;
      }
      case 0x2f:
        return escapeOf(before + 1, 0x2f);
      case 0x6e:
        return escapeOf(before + 1, 0x0a);
      default: {
        // Style sheets: six hex digits, or two and a space.
        const six = bytes[letter] === 0x30 && bytes[letter + 1] === 0x30 ? hexAt(bytes, letter, 6, end) : -1;
        // A space ends the escape, but where text goes on behind it more than that was meant.
        if (six >= 0x20) {
          const isEnded = bytes[letter + 6] === 0x20 && bytes[letter + 7] === 0x5c;
          return escapeOf(before + 6 + (isEnded ? 1 : 0), six);
        }
        const two = bytes[letter + 2] === 0x20 ? hexAt(bytes, letter, 2, end) : -1;
        if (two >= 0x20) return escapeOf(before + 3, two);
        // `\\0147`: a zero before three octal digits.
        if (bytes[letter] === 0x30) {
          const four = octalAt(bytes, letter + 1, end);
          if (four >= 0x20) return escapeOf(before + 4, four);
        }
        const three = octalAt(bytes, letter, end);
        return three >= 0 ? escapeOf(before + 3, three) : 0;
      }
    }
  },
};

/** Named entities that stand for characters of tokens. */
const NAMED: readonly (readonly [string, number])[] = [
  ...([
    ['lowbar;', 0x5f],
    ['UnderBar;', 0x5f],
    ['hyphen;', 0x2d],
    ['dash;', 0x2d],
    ['period;', 0x2e],
    ['equals;', 0x3d],
  ] as const),
  ...([
    ['sol;', 0x2f],
    ['plus;', 0x2b],
    ['colon;', 0x3a],
    ['amp;', 0x26],
    ['commat;', 0x40],
    ['quot;', 0x22],
    ['apos;', 0x27],
  ] as const),
  ...([
    ['lt;', 0x3c],
    ['gt;', 0x3e],
    ['shy;', GONE],
    ['ZeroWidthSpace;', GONE],
    ['zwj;', GONE],
    ['zwnj;', GONE],
  ] as const),
];

export const ENTITIES: Escapes = {
  kind: 'entities',
  lead: 0x26,
  read(bytes, at, end) {
    if (bytes[at + 1] !== 0x23) {
      for (const [name, code] of NAMED) {
        let i = 0;
        while (i < name.length && bytes[at + 1 + i] === name.charCodeAt(i)) i++;
        if (i === name.length && at + 1 + i <= end) return escapeOf(i + 1, code);
      }
      return 0;
    }
    const isHex = bytes[at + 2] === 0x78 || bytes[at + 2] === 0x58;
    const first = isHex ? at + 3 : at + 2;
    let code = 0;
    let i = first;
    for (; i < end && i < first + 8; i++) {
      const digit = NIBBLES[bytes[i]!]!;
      if (digit < 0 || (digit > 9 && !isHex)) break;
      code = code * (isHex ? 16 : 10) + digit;
    }
    if (i === first || code > 0x10ffff) return 0;
    return escapeOf(i - at + (bytes[i] === 0x3b ? 1 : 0), code);
  },
};

export const QUOTED_PRINTABLE: Escapes = {
  kind: 'quoted-printable',
  lead: 0x3d,
  read(bytes, at, end) {
    if (bytes[at + 1] === 0x0a) return escapeOf(2, GONE);
    if (bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0a) return escapeOf(3, GONE);
    // The same inside a string.
    if (bytes[at + 1] === 0x5c && bytes[at + 2] === 0x6e) return escapeOf(3, GONE);
    if (bytes[at + 1] === 0x5c && bytes[at + 2] === 0x72 && bytes[at + 3] === 0x5c && bytes[at + 4] === 0x6e) {
      return escapeOf(5, GONE);
    }
    const byte = hexAt(bytes, at + 1, 2, end);
    return byte >= 0 ? escapeOf(3, byte) : 0;
  },
};

/** Strings put together in source code: `"ab" + "cd"`, `'ab' . 'cd'`; also inside JSON. */
export const CONCATENATION: Escapes = {
  kind: 'concatenation',
  lead: 0x22,
  leads: [0x22, 0x27, 0x60, 0x5c],
  read(bytes, at, end) {
    const open = quoteAt(bytes, at, end);
    if (open === 0) return 0;
    let next = at + open;
    const far = Math.min(end, next + 48);
    let signs = 0;
    while (next < far) {
      const byte = bytes[next]!;
      const isNewline =
        byte === 0x5c && (bytes[next + 1] === 0x6e || bytes[next + 1] === 0x72 || bytes[next + 1] === 0x74);
      if (isNewline) next += 2;
      else if (byte === 0x20 || (byte >= 9 && byte <= 13)) next++;
      else if ((byte === 0x2b || byte === 0x2e || byte === 0x26 || byte === 0x7c) && signs < 2) {
        signs++;
        next++;
      } else break;
    }
    const close = signs > 0 ? quoteAt(bytes, next, end) : 0;
    return close === 0 ? 0 : escapeOf(next + close - at, GONE);
  },
};

/** Length of the quote at `at`, with the backslashes before it; 0 for none. */
function quoteAt(bytes: Uint8Array, at: number, end: number): number {
  let quote = at;
  while (quote < end && quote < at + 8 && bytes[quote] === 0x5c) quote++;
  const byte = bytes[quote];
  return byte === 0x22 || byte === 0x27 || byte === 0x60 ? quote + 1 - at : 0;
}

/**
 * Calls `found` with a view of every stretch of text around escapes of this kind, unfolded. `places`: where such escapes are known to
 * be worth it, ascending; without it all are looked for.
 */
export function unfold(view: View, escapes: Escapes, found: (child: View) => void, places?: readonly number[]): void {
  const { bytes, length } = view;
  let done = 0;
  let nextPlace = 0;
  // What speaks for an escape begins with it, or stands behind its first byte and white space.
  const isEscapeAt = (at: number): boolean => {
    for (let start = at; start >= Math.max(done, at - BEFORE_SIGN_BYTES); start--) {
      if (escapes.read(bytes, start, length) !== 0) return true;
    }
    return false;
  };
  const next = (): number => {
    if (places === undefined) return nextEscape(view, escapes, done);
    while (nextPlace < places.length && (places[nextPlace]! < done || !isEscapeAt(places[nextPlace]!))) nextPlace++;
    return places[nextPlace] ?? -1;
  };
  for (let at = next(); at >= 0; at = next()) {
    const trace = new Trace();
    let last = at;
    let count = 0;
    let i = Math.max(done, tokenStart(bytes, at, done) - BEFORE_BYTES);
    const leads = leadTable(escapes);
    while (i < length) {
      if (leads[bytes[i]!] !== 0) {
        const read = escapes.read(bytes, i, length);
        if (read !== 0) {
          const width = read >>> 21;
          if ((read & CODE) !== GONE) putDecoded(trace, escapes, read & CODE, i, width);
          i += width;
          if (!isOrdinary(escapes, read & CODE)) last = i;
          count++;
          continue;
        }
      }
      const plain = i;
      const end = plainEnd(bytes, leads, i + 1, last, length);
      trace.copy(bytes, plain, end);
      i = end;
      if (i < length && leads[bytes[i]!] === 0) break;
    }
    if (count > 0) found(trace.view(escapes.kind, view, i));
    done = Math.max(i, at + 1);
  }
}

/** Line breaks and slashes of any string: they hide nothing and are no reason to read on. */
const isOrdinary = (escapes: Escapes, code: number): boolean =>
  escapes === BACKSLASH && (code === 0x0a || code === 0x2f);

const leadTables = new Map<Escapes, Uint8Array>();

function leadTable(escapes: Escapes): Uint8Array {
  let table = leadTables.get(escapes);
  if (table === undefined) {
    table = new Uint8Array(256);
    for (const lead of escapes.leads ?? [escapes.lead]) table[lead] = 1;
    leadTables.set(escapes, table);
  }
  return table;
}

/** End of the plain text from `from` on: the next lead, or where the stretch is over. */
function plainEnd(bytes: Uint8Array, leads: Uint8Array, from: number, last: number, length: number): number {
  const near = Math.min(length, last + NEAR_BYTES);
  let at = from;
  while (at < near && leads[bytes[at]!] === 0) at++;
  if (at < near || at >= length) return at;
  const far = Math.min(length, last + TOKEN_BYTES);
  while (at < far && leads[bytes[at]!] === 0 && !isBreak(bytes[at]!)) at++;
  return at;
}

/** Escapes that name bytes give bytes, those that name characters give UTF-8. */
function putDecoded(trace: Trace, escapes: Escapes, code: number, at: number, width: number): void {
  const isByte = escapes === QUOTED_PRINTABLE || (escapes.lead === PERCENT.lead && width === 3);
  if (isByte) trace.put(code, at, width);
  else trace.putCodePoint(code, at, width);
}

function nextEscape(view: View, escapes: Escapes, from: number): number {
  const { bytes, length } = view;
  const buffer = asBuffer(bytes);
  let at = from;
  for (;;) {
    at = at >= length ? -1 : buffer.indexOf(escapes.lead, at);
    if (at < 0 || at >= length) return -1;
    if (escapes.read(bytes, at, length) !== 0) return at;
    at++;
  }
}

function tokenStart(bytes: Uint8Array, at: number, least: number): number {
  const first = Math.max(least, at - TOKEN_BYTES);
  let start = at;
  while (start > first && !isBreak(bytes[start - 1]!)) start--;
  return start;
}

/** Bytes that no token continues over. */
export const isBreak = (byte: number): boolean =>
  byte <= 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x3c || byte === 0x3e || byte === 0x60;
