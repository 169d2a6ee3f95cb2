// Whatever is sent: no crash, no silence beyond the budget, the same findings however a body is cut. BOTTLE_FUZZ=N does N times as much.
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DETECTORS } from '../../../src/dlp/detectors/index.ts';
import type { BodyMeta, Match, StreamScan } from '../../../src/dlp/types.ts';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

const TIMES = Number(process.env.BOTTLE_FUZZ ?? 1);
const { scanner, value } = fixture();
const pick = <T>(from: readonly T[]): T => from[random.number(0, from.length - 1)]!;

const found = (matches: readonly Match[]): string[] =>
  [...new Set(matches.map((match) => `${match.detector} ${match.fingerprint}`))].sort();

interface Streamed {
  readonly matches: readonly Match[];
  readonly released: Buffer;
  readonly unjudged: readonly string[];
}

function stream(scan: StreamScan, chunks: readonly Buffer[]): Streamed {
  const steps = [...chunks.map((chunk) => scan.push(chunk)), scan.end()];
  return {
    matches: steps.flatMap((step) => step.matches),
    released: Buffer.concat(steps.map((step) => step.release)),
    unjudged: steps.flatMap((step) => (step.unjudged === null ? [] : [step.unjudged.kind])),
  };
}

function cut(body: Buffer, size: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += chunks.at(-1)!.length)
    chunks.push(body.subarray(at, at + Math.max(1, size())));
  return chunks;
}

const latin1 = (bytes: Buffer): string => bytes.toString('latin1');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const LAYERS: readonly ((text: string) => string)[] = [
  (text) => bytesOf(text).toString('base64'),
  (text) => bytesOf(text).toString('base64url'),
  (text) => bytesOf(text).toString('hex'),
  (text) => [...text].map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''),
  (text) => [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  (text) => [...text].map((char) => `&#${char.charCodeAt(0)};`).join(''),
  (text) => JSON.stringify({ [random.chars('a-z', 4)]: text }),
  (text) => [...text].reverse().join(''),
  (text) => [...text].join(pick([' ', '-', '.', '\n', '", "'])),
  (text) => latin1(gzipSync(bytesOf(text))),
  (text) => latin1(deflateSync(bytesOf(text))),
  (text) => latin1(deflateRawSync(bytesOf(text))),
  (text) => latin1(brotliCompressSync(bytesOf(text))),
  (text) => latin1(zstdCompressSync(bytesOf(text))),
  (text) => text.slice(random.number(0, 8), -random.number(1, 8)),
  (text) => `${random.chars('\\0-ÿ', random.number(0, 20))}${text}${random.chars(' -~', random.number(0, 20))}`,
];

/** Tokens, keywords and noise, wrapped in layers at random, broken now and then. */
function anything(): Buffer {
  let text = '';
  for (let i = random.number(1, 6); i > 0; i--) {
    text += pick([
      () => value,
      () => pick(freshTokens())[1],
      () => pick(pick(DETECTORS).keywords) ?? '',
      () => random.chars(' -~', random.number(0, 60)),
      () => random.chars('\0-ÿ', random.number(0, 60)),
      () =>
        pick(['[', '{"a":', '\\', '"', '%', '&#', '=\n', 'PK\x03\x04', '\x1f\x8b\x08', 'A', '\0']).repeat(
          random.number(1, 90),
        ),
    ])();
  }
  for (let i = random.number(0, 6); i > 0 && text.length < 20_000; i--) text = pick(LAYERS)(text);
  return bytesOf(text);
}

describe(`fuzzing (BOTTLE_SEED=${seed})`, () => {
  test('anything at all neither throws nor hangs, and edits stay inside the body', () => {
    for (let i = 0; i < 400 * TIMES; i++) {
      const body = anything();
      const meta: BodyMeta = {
        contentType: pick([
          'application/json',
          'text/plain',
          'application/x-www-form-urlencoded',
          'multipart/form-data; boundary=x',
          '',
        ]),
        contentEncoding: pick(['', '', '', 'gzip', 'br', 'deflate', 'zstd', 'gzip, br']),
      };
      const scan = scanner.scanBody('body', body, meta);
      for (const { start, end } of scan.matches) expect(start <= end && start >= 0, `${i}`).toBe(true);
      expect(scan.rewrite(() => false).equals(body)).toBe(true);
      expect(() => scan.rewrite(() => true)).not.toThrow();
      scanner.scanText('header', latin1(body));
      stream(
        scanner.scanStream('body', meta, null),
        cut(body, () => random.number(1, 3000)),
      );
    }
  });

  test('a small message cut after every byte, and into single bytes, gives the findings of the whole', () => {
    const messages = freshTokens().map(([, token]) => `{"a":"${pick(LAYERS.slice(0, 7))(`${token} ${value}`)}"}`);
    for (const message of messages) {
      const body = Buffer.from(message, 'latin1');
      const whole = found(scanner.scanBody('body', body, plain).matches);
      const single = stream(
        scanner.scanStream('body', plain, null),
        cut(body, () => 1),
      );
      expect(found(single.matches), message).toEqual(whole);
      expect(single.released.equals(body)).toBe(true);
      for (let at = 1; at < body.length; at += TIMES > 1 ? 1 : 7) {
        const halves = [body.subarray(0, at), body.subarray(at)];
        expect(found(stream(scanner.scanStream('body', plain, null), halves).matches), `${message} at ${at}`).toEqual(
          whole,
        );
      }
    }
  });

  test('a long message at any split gives the findings of the whole: keys, JWTs and layers longer than most', () => {
    const line = (): string => random.chars('A-Za-z0-9+/', 64);
    const key = (lines: number): string =>
      `-----BEGIN RSA PRIVATE KEY-----\n${Array.from({ length: lines }, line).join('\n')}\n-----END RSA PRIVATE KEY-----\n`;
    const header = Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url');
    const jwt = `${header}.${Buffer.from(JSON.stringify({ sub: 'x', scopes: random.chars('a-z', 6000) })).toString('base64url')}.${random.chars('A-Za-z0-9_-', 342)}`;
    const twice = Buffer.from(
      Buffer.from(`${random.chars('a-z ', 2000)} ${value} ${random.chars('a-z ', 2000)}`).toString('base64'),
    ).toString('base64');
    for (let i = 0; i < 6 * TIMES; i++) {
      const words = (bytes: number): string =>
        Array.from({ length: bytes / 8 }, () => random.chars('a-z', 7)).join(' ');
      const text = [
        words(random.number(1000, 60_000)),
        key(70),
        words(random.number(0, 50_000)),
        jwt,
        words(random.number(0, 50_000)),
        twice,
        words(9000),
      ].join('\n');
      const body = Buffer.from(text);
      const whole = found(scanner.scanBody('body', body, plain).matches);
      expect(whole.map((one) => one.split(' ')[0])).toEqual(['jwt', 'known-secret', 'private-key']);
      const streamed = stream(
        scanner.scanStream('body', plain, null),
        cut(body, () => random.number(1, 30_000)),
      );
      expect(found(streamed.matches)).toEqual(whole);
      expect(streamed.released.equals(body)).toBe(true);
    }
  });

  test('more findings than anyone can deal with, more streams than their bytes pay for, and bombs are verdicts', () => {
    const verdict = (body: Buffer): string | undefined => scanner.scanBody('body', body, plain).unjudged?.kind;
    expect(
      verdict(Buffer.from(Array.from({ length: 1500 }, () => `ghp_${random.chars('A-Za-z0-9', 36)}`).join(' '))),
    ).toBe('over_budget');
    expect(verdict(Buffer.from(`${gzipSync('some text of no interest').toString('base64')} `.repeat(3000)))).toBe(
      'over_budget',
    );
    const small = fixture({ decodedBytes: 1 << 20 }).scanner;
    const bomb = gzipSync(gzipSync(Buffer.alloc(1 << 26))).toString('base64');
    expect(small.scanBody('body', Buffer.from(`{"a":"${bomb}"}`), plain).unjudged?.kind).toBe('over_budget');
  });

  test('keywords closer together than in any text are a verdict, those of documentation about them are read to the end', () => {
    const keywords = ['AKIA', 'ghp_', 'sk-ant-', 'xoxb-', 'glpat-', 'npm_'];
    const row = (between: string): Buffer =>
      Buffer.from(`${Array.from({ length: 20_000 }, () => `${pick(keywords)}${between}`).join('')} ${value}`);
    expect(scanner.scanBody('body', row(' '), plain).unjudged?.kind).toBe('over_budget');
    const { matches, unjudged } = scanner.scanBody('body', row(' begins such a token. '), plain);
    expect(unjudged).toBeNull();
    expect(matches.map(({ detector }) => detector)).toEqual(['known-secret']);
  });

  test('zeros in base64 are nothing, and a token behind them is found', () => {
    const zeros = 'A'.repeat(60_000);
    expect(scanner.scanBody('body', Buffer.from(`{"a":"${zeros}"}`), plain).matches).toEqual([]);
    expect(found(scanner.scanBody('body', Buffer.from(`{"a":"${zeros} ${value}"}`), plain).matches).length).toBe(1);
  });

  test('a hundred thousand short texts are searched one by one', () => {
    let matches = 0;
    for (let i = 0; i < 100_000; i++) matches += scanner.scanText('header', i === 77_777 ? value : `v${i}`).length;
    expect(matches).toBe(1);
  });
});
