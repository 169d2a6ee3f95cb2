// Cost: what an agent sends must not be able to make the search slow. Time is compared with the same run's own time for half of the input,
// generously, best of several: what is looked for is a square, not a percentage.
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

const { scanner, value } = fixture();

const bestMs = (body: Buffer): number => {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2; i++) {
    const began = process.cpuUsage();
    scanner.scanBody('body', body, plain);
    const { user, system } = process.cpuUsage(began);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
};

const repeat = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
const keywords = [...new Set(DETECTORS.flatMap((one) => one.keywords))];
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const HOSTILE: Readonly<Record<string, (bytes: number) => string>> = {
  ...Object.fromEntries(
    keywords.map((keyword) => [`"${keyword}" over and over`, (bytes: number) => repeat(keyword, bytes)]),
  ),
  'all keywords in turn': (bytes) => repeat(keywords.join(''), bytes),
  'all keywords, spaced': (bytes) => repeat(keywords.join(' '), bytes),
  'base64 of keywords': (bytes) => base64(repeat(keywords.join(' '), bytes * 0.75)),
  'base64 of base64 of base64': (bytes) => base64(base64(base64(repeat(keywords.join(' '), bytes * 0.42)))),
  'hex of keywords': (bytes) => Buffer.from(repeat(keywords.join(' '), bytes / 2)).toString('hex'),
  'real tokens, many': (bytes) =>
    repeat(
      freshTokens()
        .map(([, token]) => token)
        .join(' '),
      bytes,
    ),
  'the secret, many times': (bytes) => repeat(`${value} `, bytes),
  'pieces of the secret': (bytes) => repeat(`${value.slice(8, 14)} ${value.slice(20, 26)} `, bytes),
  'base64 characters': (bytes) => random.chars('A-Za-z0-9', bytes),
  'short base64 runs': (bytes) => repeat('aB3dE6gH9jK2mN5pQ8 ', bytes),
  'wrapped base64': (bytes) => repeat(`${random.chars('A-Za-z0-9', 76)}\n`, bytes),
  'percent escapes': (bytes) => repeat('%67%68%5f', bytes),
  'percent of percent of percent': (bytes) => repeat('%252567', bytes),
  'unicode escapes': (bytes) => repeat('\\u0067\\u0068', bytes),
  backslashes: (bytes) => repeat('\\', bytes),
  'backslashes and letters': (bytes) => repeat('\\\\\\\\u00', bytes),
  entities: (bytes) => repeat('&#103;&#x68;', bytes),
  'nested entities': (bytes) => repeat('&amp;#103;', bytes),
  'quoted-printable': (bytes) => `quoted-printable ${repeat('=67=\n', bytes)}`,
  'zero-width characters': (bytes) => repeat('a\u200b', bytes / 2),
  'combining marks': (bytes) => repeat('a\u0301\u0302', bytes / 2),
  'full-width letters': (bytes) => repeat('ＧＨＰ', bytes / 3),
  'UTF-16': (bytes) => Buffer.from(repeat('ghp_ ', bytes / 2), 'utf16le').toString('latin1'),
  'zero bytes': (bytes) => repeat('\0', bytes),
  'single characters': (bytes) => repeat('a b c d ', bytes),
  numbers: (bytes) => repeat('103,104,112,95,', bytes),
  'hex pairs': (bytes) => repeat('67 68 70 5f ', bytes),
  'hex constants': (bytes) => repeat('0x67, 0x68, ', bytes),
  'open brackets': (bytes) => repeat('[', bytes),
  'open objects': (bytes) => repeat('{"a":', bytes),
  quotes: (bytes) => repeat('"', bytes),
  'URLs with long authorities': (bytes) => repeat('https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:', bytes),
  'headers of keys': (bytes) => repeat('-----BEGIN PRIVATE KEY-----\n', bytes),
  'almost JWTs': (bytes) => repeat('eyJhbGciOiJIUzI1NiJ9.', bytes),
  'access key ids': (bytes) => repeat(`AKIA${random.chars('A-Z2-7', 16)} `, bytes),
  'gzip heads': (bytes) => repeat(`${gzipSync('x').toString('base64')} `, bytes),
};

/** Milliseconds that 120 KB of each took. */
const taken = new Map<string, number>();

describe(`hostile input (BOTTLE_SEED=${seed})`, () => {
  test.each(Object.entries(HOSTILE))('%s takes time in proportion to its length', (name, make) => {
    const small = Buffer.from(make(30_000));
    const large = Buffer.from(make(120_000));
    // Four times the input; a square would be sixteen times the time. Below some milliseconds the clock itself is too coarse.
    const one = Math.max(bestMs(small), 3);
    const four = bestMs(large);
    taken.set(name, four);
    expect(four / one, `${name}: ${one.toFixed(1)} ms, ${four.toFixed(1)} ms`).toBeLessThan(11);
  });

  test('text that makes everything fire is still read at a bearable rate', () => {
    const worst = [...taken].sort((a, b) => b[1] - a[1])[0]!;
    // Far above what is measured (the slowest takes some 40 ms), far below what a backtracking rule would take.
    expect(worst[1], worst[0]).toBeLessThan(1500);
  });

  test('deep nesting, long keys and broken JSON neither throw nor hang when a finding has to be placed', () => {
    for (const text of [
      `${'['.repeat(50_000)}"${value}"`,
      `${'{"a":'.repeat(50_000)}"${value}"`,
      `{"${'k'.repeat(50_000)}":"${value}"}`,
      `{"a":"${value}`,
      `]]}}${value}`,
      `"\\${value}`,
    ]) {
      const scan = scanner.scanBody('body', Buffer.from(text), plain);
      expect(scan.matches.length).toBeGreaterThan(0);
      expect(scan.matches[0]!.where.length).toBeLessThan(1000);
    }
  });

  test('random bytes in any length neither throw nor match', () => {
    for (let i = 0; i < 400; i++) {
      const body = Buffer.from(random.chars('\0-ÿ', random.number(0, 300)), 'latin1');
      const contentEncoding = ['', 'gzip', 'br', 'deflate', 'zstd'][i % 5]!;
      const contentType = [
        'application/json',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded',
        '',
      ][i % 4]!;
      expect(scanner.scanBody('body', body, { contentType, contentEncoding }).matches).toEqual([]);
    }
  });
});
