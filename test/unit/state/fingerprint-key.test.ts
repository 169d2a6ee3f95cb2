// The key of a person's fingerprints: the same from session to session, and theirs alone.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readFingerprintKey } from '../../../src/state/fingerprint-key.ts';

const directories: string[] = [];
const fresh = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'bottle-key-'));
  directories.push(directory);
  return join(directory, 'state');
};
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

test('is made once, of 32 bytes, in a file that only its owner can read', () => {
  const state = fresh();
  const key = readFingerprintKey(state);
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(readFingerprintKey(state)).toBe(key);
  expect(readFingerprintKey(fresh())).not.toBe(key);
  expect(statSync(join(state, 'fingerprint.key')).mode & 0o777).toBe(0o600);
  expect(readdirSync(state)).toEqual(['fingerprint.key']);
});

test('that was cut short is refused, not replaced', () => {
  const state = fresh();
  readFingerprintKey(state);
  writeFileSync(join(state, 'fingerprint.key'), 'abc\n');
  expect(() => readFingerprintKey(state)).toThrow('holds no key');
});
