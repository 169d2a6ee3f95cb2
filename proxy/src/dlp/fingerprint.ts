// Keyed fingerprints: the same text gives the same one within a session, and none can be turned back.
import { createHmac } from 'node:crypto';

export const fingerprintOf = (key: Buffer, text: Uint8Array): string =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, 16);
