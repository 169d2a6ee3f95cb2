// Checksums that token formats carry.
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
