// Random text for what is invented: placeholders and canaries.
import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

export const DIGITS = '0123456789';
export const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const LOWER = 'abcdefghijklmnopqrstuvwxyz';
/** GitHub's and npm's order of base 62, for their checksum. */
export const BASE62 = DIGITS + UPPER + LOWER;

export function randomChars(alphabet: string, count: number): string {
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** `body` with the checksum that GitHub and npm put behind it: CRC-32 in base 62, six characters. */
export function withChecksum(body: string): string {
  let sum = '';
  for (let left = crc32(body); sum.length < 6; left = Math.floor(left / 62)) sum = BASE62[left % 62] + sum;
  return body + sum;
}
