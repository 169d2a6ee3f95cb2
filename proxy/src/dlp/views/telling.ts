// What tells text and compressed streams: in bytes, and in base64 and hex before they are decoded.

/** Values of base64 characters, in both alphabets. */
export const SEXTETS = new Uint8Array(256);
[...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].forEach((char, value) => {
  SEXTETS[char.charCodeAt(0)] = value;
});
SEXTETS[0x2d] = 62;
SEXTETS[0x5f] = 63;

export const firstByte = (bytes: Uint8Array, at: number): number =>
  (SEXTETS[bytes[at]!]! << 2) | (SEXTETS[bytes[at + 1]!]! >> 4);
export const secondByte = (bytes: Uint8Array, at: number): number =>
  ((SEXTETS[bytes[at + 1]!]! & 15) << 4) | (SEXTETS[bytes[at + 2]!]! >> 2);

/** Whether the start, the middle or the end of a run, read in quartets from `first` on, gives text or a compressed stream. */
export function isMeaningfulFrom(bytes: Uint8Array, first: number, end: number): boolean {
  if (isBase64Text(bytes, first, end) || isBase64Magic(bytes, first)) return true;
  const quartets = (end - first) >> 2;
  if (quartets < 20) return quartets >= 8 && isBase64Text(bytes, first + ((quartets - 4) << 2), end);
  return (
    isBase64Text(bytes, first + ((quartets >> 1) << 2), end) || isBase64Text(bytes, first + ((quartets - 6) << 2), end)
  );
}

/** Whether the next quartets give printable text, in 8 or in 16 bits a character. */
export function isBase64Text(bytes: Uint8Array, from: number, end: number): boolean {
  const to = Math.min(end & ~3, from + 24);
  let odd = 0;
  let zeros = 0;
  let count = 0;
  for (let at = from; at + 4 <= to || (at === from && at + 4 <= end); at += 4) {
    const value =
      (SEXTETS[bytes[at]!]! << 18) |
      (SEXTETS[bytes[at + 1]!]! << 12) |
      (SEXTETS[bytes[at + 2]!]! << 6) |
      SEXTETS[bytes[at + 3]!]!;
    for (let shift = 16; shift >= 0; shift -= 8) {
      const byte = (value >> shift) & 0xff;
      count++;
      if (byte === 0) zeros++;
      else if (!isPrintable(byte) && ++odd > 1) return false;
    }
  }
  return count >= 6 && (zeros === 0 || zeros * 3 >= count);
}

/** gzip, zlib, Zstandard: `H4sI`, `eJ..`, `KLUv`. */
export const isBase64Magic = (bytes: Uint8Array, at: number): boolean => {
  const [a, b, c] = [bytes[at], bytes[at + 1], bytes[at + 2]];
  return (
    (a === 0x48 && b === 0x34 && c === 0x73) ||
    (a === 0x65 && b! >= 0x41 && b! <= 0x4e) ||
    (a === 0x4b && b === 0x4c && c === 0x55)
  );
};

export const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);

/** What a hex digit is worth. */
export const NIBBLES = Uint8Array.from({ length: 256 }, (_, byte) => (byte <= 0x39 ? byte & 15 : (byte & 15) + 9));
export const hexByte = (bytes: Uint8Array, at: number): number =>
  (NIBBLES[bytes[at]!]! << 4) | NIBBLES[bytes[at + 1]!]!;

/** Whether hex pairs from `from` on give printable text or a compressed stream. */
export function isMeaningfulHex(bytes: Uint8Array, from: number, end: number): boolean {
  if (isMagic(hexByte(bytes, from), hexByte(bytes, from + 2), hexByte(bytes, from + 4), hexByte(bytes, from + 6)))
    return true;
  let odd = 0;
  let zeros = 0;
  const to = Math.min(end, from + 48) - 1;
  for (let at = from; at < to; at += 2) {
    const byte = hexByte(bytes, at);
    if (byte === 0) zeros++;
    else if (!isPrintable(byte) && ++odd > 1) return false;
  }
  return zeros === 0 || zeros * 6 >= to - from;
}

/** Mostly printable ASCII: what a token would be part of. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  let printable = 0;
  for (const byte of bytes) if (isPrintable(byte)) printable++;
  return printable >= bytes.length - (bytes.length >> 4);
}

/** First bytes of gzip, zlib and Zstandard. */
export const hasMagic = (bytes: Uint8Array): boolean => isMagic(bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!);

const isMagic = (a: number, b: number, c: number, d: number): boolean =>
  (a === 0x1f && b === 0x8b) ||
  (a === 0x78 && ((a << 8) | b) % 31 === 0) ||
  (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd);
