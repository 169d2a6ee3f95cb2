// The key of this person's fingerprints: one for all sessions, so that what was approved once is known again; a file that only they can read.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BottleError } from '../report/bottle-error.ts';

const KEY_BYTES = 32;

/** The key in base64, made on first use. */
export function readFingerprintKey(stateDirectory: string): string {
  const file = join(stateDirectory, 'fingerprint.key');
  const key = readKey(file) ?? makeKey(stateDirectory, file);
  if (Buffer.from(key, 'base64').length === KEY_BYTES) return key;
  throw new BottleError({
    what: `${file} holds no key`,
    why: `it should be ${KEY_BYTES} bytes in base64`,
    fix: 'remove it; baselines made with it then have to be made again',
  });
}

function readKey(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new BottleError({
      what: `cannot read ${file}`,
      why: String(error),
      fix: 'make it yours and readable',
      cause: error,
    });
  }
}

/** Whole or not at all, and the first of two that start at once wins. */
function makeKey(stateDirectory: string, file: string): string {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}
