// Numbers of JSON that are findings, in bodies that stream: what stands in their place is a string, so that the body is JSON as before.
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../src/contract.ts';
import { createScanner } from '../../../src/dlp/scanner.ts';
import { plain, random, seed } from './samples.ts';

const scanner = createScanner({
  secrets: [],
  detectors: [...PROFILES.finance.detectors],
  fingerprintKey: Buffer.alloc(32, 1),
  decodedBytes: 1 << 24,
});

/** A number of a card, by Luhn. */
function card(): string {
  const digits = `4${random.chars('0-9', 14)}`;
  const sum = [...digits].reduce((all, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return all + (value > 9 ? value - 9 : value);
  }, 0);
  return digits + ((10 - (sum % 10)) % 10);
}

interface Streamed {
  readonly body: Buffer;
  readonly found: number;
}

function stream(body: Buffer, contentEncoding: string, bytes: number): Streamed {
  const scan = scanner.scanStream('body', { ...plain, contentEncoding }, () => true);
  const released: Buffer[] = [];
  let found = 0;
  for (let at = 0; at < body.length; at += bytes) {
    const step = scan.push(body.subarray(at, at + bytes));
    released.push(step.release);
    found += step.matches.length;
  }
  const last = scan.end();
  return { body: Buffer.concat([...released, last.release]), found: found + last.matches.length };
}

/** Text without a number, with what confuses a reader of strings. */
const words = (bytes: number): string =>
  Array.from({ length: bytes / 12 }, () => `${random.chars('a-z', 8)} "\\ `).join('');

describe(`numbers in JSON that streams (BOTTLE_SEED=${seed})`, () => {
  it.each([
    ['small', 0, 1000],
    ['behind much text, in small chunks', 200_000, 777],
    ['behind much text, in large chunks', 200_000, 70_000],
  ])('%s', (_, bytes, size) => {
    const numbers = [card(), card(), card()];
    const given = {
      text: words(bytes),
      card: '@0',
      note: `card: ${numbers[1]}, valid`,
      more: words(bytes),
      cards: ['@2', 'card "\\'],
      tail: words(bytes / 2),
    };
    const text = JSON.stringify(given).replace('"@0"', numbers[0]!).replace('"@2"', numbers[2]!);
    for (const coding of ['', 'gzip']) {
      const sent = coding === '' ? Buffer.from(text) : gzipSync(text);
      const streamed = stream(sent, coding, size);
      const body = (coding === '' ? streamed.body : gunzipSync(streamed.body)).toString();
      expect(streamed.found).toBe(3);
      for (const number of numbers) expect(body).not.toContain(number);
      const parsed = JSON.parse(body) as typeof given;
      expect(parsed).toEqual({
        ...given,
        card: expect.stringMatching(/^bottle-redacted-[\w-]+$/),
        note: expect.stringMatching(/^card: bottle-redacted-[\w-]+, valid$/),
        cards: [expect.stringMatching(/^bottle-redacted-[\w-]+$/), 'card "\\'],
      });
      const whole = scanner.scanBody('body', Buffer.from(text), plain);
      expect(body).toBe(whole.rewrite(() => true).toString());
    }
  });
});
