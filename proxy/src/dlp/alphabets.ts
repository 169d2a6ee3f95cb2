// The alphabets in which bytes are written as text, and how a known text looks in each: for forms.ts, and for the views that read them.

const DIGITS = '0123456789';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';

/** Five bits a character: RFC 4648, its "hex" variant, Crockford's, and z-base-32; all read in either case. */
export const BASE32: Readonly<Record<string, string>> = {
  base32: `${UPPER}234567`,
  base32hex: `${DIGITS}${UPPER.slice(0, 22)}`,
  crockford: `${DIGITS}ABCDEFGHJKMNPQRSTVWXYZ`,
  'z-base-32': 'YBNDRFG8EJKMCPQXOT1UWISZA345H769',
};

/** The bytes as one large number. Leading zero bytes do not matter to text. */
export const RADIX: Readonly<Record<string, string>> = {
  base58: '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
  base62: `${DIGITS}${UPPER}${LOWER}`,
  'base62 (lower first)': `${DIGITS}${LOWER}${UPPER}`,
  base36: `${DIGITS}${LOWER}`,
  decimal: DIGITS,
};

/** Four bytes in five characters: Adobe's, git's and Python's (RFC 1924), ZeroMQ's. */
export const BASE85: Readonly<Record<string, string>> = {
  ascii85: String.fromCharCode(...Array.from({ length: 85 }, (_, i) => 33 + i)),
  base85: `${DIGITS}${UPPER}${LOWER}!#$%&()*+-;<=>?@^_\`{|}~`,
  z85: `${DIGITS}${LOWER}${UPPER}.-:+=^!/*?&<>()[]{}@%$#`,
};

export const BASE91 = `${UPPER}${LOWER}${DIGITS}!#$%&()*+,./:;<=>?@[]^_\`{|}~"`;

/** Values of an alphabet's characters, -1 for all others. */
export function valuesOf(alphabet: string, anyCase = false): Int8Array {
  const values = new Int8Array(256).fill(-1);
  [...alphabet].forEach((char, value) => {
    values[char.charCodeAt(0)] = value;
    if (anyCase) {
      values[char.toLowerCase().charCodeAt(0)] = value;
      values[char.toUpperCase().charCodeAt(0)] = value;
    }
  });
  return values;
}

/** Code page 037 -> ASCII, for the characters of tokens and prose; 0 for others. */
export const EBCDIC: Uint8Array = ebcdicTable();

function ebcdicTable(): Uint8Array {
  const table = new Uint8Array(256);
  const rows: readonly (readonly [number, string])[] = [
    [0x40, ' '],
    [0x4b, '.<(+|&'],
    [0x5a, '!$*);'],
    [0x60, '-/'],
    [0x6b, ',%_>?'],
    [0x79, '`:#@\'="'],
    [0x81, 'abcdefghi'],
    [0x91, 'jklmnopqr'],
    [0xa1, '~stuvwxyz'],
    [0xc0, '{ABCDEFGHI'],
    [0xd0, '}JKLMNOPQR'],
    [0xe2, 'STUVWXYZ'],
    [0xf0, DIGITS],
    [0x15, '\n'],
    [0x25, '\n'],
  ];
  for (const [from, chars] of rows) {
    for (let i = 0; i < chars.length; i++) table[from + i] = chars.charCodeAt(i);
  }
  return table;
}

/** The bytes in `bits` a character where `shift` unknown bytes precede them, without characters that hold the neighbours' bits. */
export function stableBits(bytes: Uint8Array, shift: number, bits: number, alphabet: string): string {
  let text = '';
  let buffered = 0;
  let held = 0;
  const mask = (1 << bits) - 1;
  for (let at = -shift; at < bytes.length; at++) {
    buffered = ((buffered << 8) | (at < 0 ? 0 : bytes[at]!)) & 0x3fff;
    held += 8;
    while (held >= bits) {
      held -= bits;
      text += alphabet[(buffered >> held) & mask];
    }
  }
  return text.slice(Math.ceil((shift * 8) / bits));
}

/** The whole blocks of four of `bytes` from `skip` on, five characters each. */
export function blocks85(bytes: Uint8Array, skip: number, alphabet: string): string {
  let text = '';
  for (let at = skip; at + 4 <= bytes.length; at += 4) {
    let value = bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
    let block = '';
    for (let i = 0; i < 5; i++) {
      block = alphabet[value % 85] + block;
      value = Math.floor(value / 85);
    }
    text += block;
  }
  return text;
}

/** Digits of any base up to 98 in a number that is exact. */
const DIGITS_AT_ONCE = 8;

/** The bytes as one number; its last characters change with what follows, so that only a value by itself is written so. */
export function asNumber(bytes: Uint8Array, alphabet: string): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const base = alphabet.length;
  const step = BigInt(base) ** BigInt(DIGITS_AT_ONCE);
  let text = '';
  for (; value > 0n; value /= step) {
    let part = Number(value % step);
    let digits = '';
    for (let i = 0; i < DIGITS_AT_ONCE; i++) {
      digits = alphabet[part % base]! + digits;
      part = Math.floor(part / base);
    }
    text = digits + text;
  }
  const zero = alphabet[0]!;
  let first = 0;
  while (text[first] === zero) first++;
  return text.slice(first);
}
