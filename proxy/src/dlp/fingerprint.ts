// Keyed fingerprints: the same text gives the same one within a session, and none can be turned back.
import { hash, randomBytes } from 'node:crypto';

const BLOCK_BYTES = 64;
const KEY_BYTES = 32;

/** The key of a configuration, or a fresh one. */
export const fingerprintKeyOf = (given: string | undefined): Buffer =>
  given === undefined ? randomBytes(KEY_BYTES) : Buffer.from(given, 'base64');

/**
 * First 16 hex digits of HMAC-SHA-256 (RFC 2104) of a text. Written out because `createHmac` prepares its key anew each time, which takes
 * longer than all the rest of a finding.
 */
export function createFingerprint(key: Buffer): (text: Uint8Array) => string {
  const block = Buffer.alloc(BLOCK_BYTES);
  (key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key).copy(block);
  const inner = block.map((byte) => byte ^ 0x36);
  const outer = block.map((byte) => byte ^ 0x5c);
  return (text) =>
    hash('sha256', Buffer.concat([outer, hash('sha256', Buffer.concat([inner, text]), 'buffer')]), 'hex').slice(0, 16);
}
