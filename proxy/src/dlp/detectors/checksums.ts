// Checksums that token formats carry.
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** CRC-32 in base 62, six digits: what GitHub's and npm's tokens end with. */
export function crcBase62(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < 6; i++) {
    digits = BASE62[rest % 62]! + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** Whether `token` is `prefix_`, 30 characters and their checksum. */
export function hasCrc(token: string): boolean {
  const body = token.slice(token.indexOf('_') + 1);
  return body.length === 36 && crcBase62(body.slice(0, 30)) === body.slice(30);
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const CHECK_BYTES = 4;

/** The bytes of a base58 text without leading ones; null for another text. */
export function decodeBase58(text: string): Buffer | null {
  const limbs: number[] = [];
  for (const char of text) {
    let carry = BASE58.indexOf(char);
    if (carry < 0) return null;
    for (let i = 0; i < limbs.length; i++) {
      carry += limbs[i]! * 58;
      limbs[i] = carry % 0x1000000;
      carry = Math.floor(carry / 0x1000000);
    }
    if (carry > 0) limbs.push(carry);
  }
  const hex = limbs.reverse().map((limb) => limb.toString(16).padStart(6, '0'));
  const digits = hex.join('').replace(/^(?:00)+/, '');
  return Buffer.from(digits, 'hex');
}

/** Whether the last four bytes are the checksum of those before them, as in Bitcoin's formats. */
export const hasBase58Check = (bytes: Buffer): boolean =>
  bytes.length > CHECK_BYTES && checkOf(bytes.subarray(0, -CHECK_BYTES)).equals(bytes.subarray(-CHECK_BYTES));

/** `payload` and its checksum in base58. */
export function encodeBase58Check(payload: Buffer): string {
  let rest = BigInt(`0x${Buffer.concat([payload, checkOf(payload)]).toString('hex')}`);
  let text = '';
  for (; rest > 0n; rest /= 58n) text = BASE58[Number(rest % 58n)] + text;
  return text;
}

const checkOf = (payload: Buffer): Buffer =>
  hash('sha256', hash('sha256', payload, 'buffer'), 'buffer').subarray(0, CHECK_BYTES);

/** Luhn's sum of a text of digits is a multiple of ten. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}

/** `digits` with the last one that makes its sum fit. */
export const withLuhn = (digits: string): string =>
  digits + [...'0123456789'].find((last) => passesLuhn(digits + last))!;

/** Remainder by 97 of a text of digits and capitals, which count from ten on (ISO 7064). */
export function mod97(text: string): number {
  let rest = 0;
  for (const char of text) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
