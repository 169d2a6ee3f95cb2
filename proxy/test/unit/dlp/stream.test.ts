// Bodies that stream: no split hides a match, nothing leaves before it was judged, memory stays bounded.
import { randomBytes } from 'node:crypto';
import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, OVERLAP_BYTES } from '../../../src/dlp/plain-stream.ts';
import type { Match, StreamScan } from '../../../src/dlp/types.ts';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

const { scanner, value } = fixture();

interface Run {
  readonly released: Buffer;
  readonly matches: readonly Match[];
  /** What had been released when the first match was reported. */
  readonly before: Buffer;
  readonly unjudged: readonly string[];
  readonly mostHeld: number;
}

function run(stream: StreamScan, body: Buffer, sizes: () => number): Run {
  const released: Buffer[] = [];
  const matches: Match[] = [];
  const unjudged: string[] = [];
  let before: Buffer | null = null;
  let given = 0;
  let out = 0;
  let mostHeld = 0;
  const take = (step: ReturnType<StreamScan['push']>): void => {
    if (step.matches.length > 0) before ??= Buffer.concat(released);
    if (step.unjudged !== null) unjudged.push(step.unjudged.kind);
    matches.push(...step.matches);
    released.push(step.release);
    out += step.release.length;
    mostHeld = Math.max(mostHeld, given - out);
  };
  while (given < body.length) {
    const chunk = body.subarray(given, given + sizes());
    given += chunk.length;
    take(stream.push(chunk));
  }
  take(stream.end());
  const all = Buffer.concat(released);
  return { released: all, matches, before: before ?? all, unjudged, mostHeld };
}

const found = (matches: readonly Match[]): string[] =>
  [...new Set(matches.map((match) => `${match.detector} ${match.fingerprint}`))].sort();

/** Text of an agent's request, about as long as asked. */
function filler(bytes: number): string {
  let text = '';
  while (text.length < bytes) {
    text += `const ${random.chars('a-z', 8)} = await ${random.chars('a-z', 6)}(${random.number(1, 999)}); // ${random.chars('a-z ', 30)}\n`;
  }
  return text;
}

describe(`streams (BOTTLE_SEED=${seed})`, () => {
  test('a pause anywhere in a secret lets at most short words of it out, and never the whole', () => {
    for (let at = 1; at < value.length; at++) {
      const stream = scanner.scanStream('body', plain, null);
      const steps = [stream.push(Buffer.from(`a ${value.slice(0, at)}`)), stream.settle()];
      const before = Buffer.concat(steps.map(({ release }) => release)).toString();
      expect(before).toBe(at < 12 ? `a ${value.slice(0, at)}` : 'a ');
      const after = [stream.push(Buffer.from(`${value.slice(at)} z`)), stream.settle(), stream.end()];
      expect(after.flatMap(({ matches }) => matches).length, `a pause at ${at}`).toBeGreaterThan(0);
    }
  });

  test('a pause releases what has come, once, and reports nothing twice', () => {
    const stream = scanner.scanStream('body', plain, null);
    const text = ['one line\n', `{"k": "${value}"}\n`, 'last\n'];
    const steps = text.flatMap((line) => [stream.push(Buffer.from(line)), stream.settle(), stream.settle()]);
    steps.push(stream.end());
    expect(Buffer.concat(steps.map(({ release }) => release)).toString()).toBe(text.join(''));
    expect(found(steps.flatMap(({ matches }) => matches))).toHaveLength(1);
    expect(steps[1]!.release.toString()).toBe(text[0]);
  });

  const dressed: readonly (readonly [string, (text: string) => string])[] = [
    ['plain', (text) => text],
    ['base64', (text) => Buffer.from(text).toString('base64')],
    ['base64 of base64', (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64')],
    ['hex', (text) => Buffer.from(text).toString('hex')],
    ['percent', (text) => [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')],
    ['unicode escapes', (text) => [...text].map((char) => `\\u00${char.charCodeAt(0).toString(16)}`).join('')],
  ];

  test.each(dressed)('every split of a message gives the same matches as the whole: %s', (_, dress) => {
    const text = `${filler(70_000)} a=${dress(value)} ${filler(60_000)} ${freshTokens()
      .map(([, token]) => `b="${dress(token)}"\n${filler(random.number(0, 3000))}`)
      .join(' ')} ${filler(random.number(10, 40_000))}`;
    const body = Buffer.from(text);
    const whole = found(scanner.scanBody('body', body, plain).matches);
    expect(whole.length).toBeGreaterThan(11);
    for (const size of [random.number(1, 40), 1024, 4096, 16_384, 50_000, 65_536, body.length]) {
      const streamed = run(scanner.scanStream('body', plain, null), body, () => size);
      expect(found(streamed.matches), `chunks of ${size}`).toEqual(whole);
      expect(streamed.released.equals(body), `chunks of ${size}`).toBe(true);
    }
  });

  test('a match on every possible edge of a window is found', () => {
    const token = `ghp_${random.chars('A-Za-z0-9', 36)}`;
    // Where the first window ends, and where what is judged of it does.
    const edges = [BLOCK_BYTES, BLOCK_BYTES - OVERLAP_BYTES].flatMap((edge) =>
      Array.from({ length: 10 }, (_, i) => edge - 420 + i * 43 + random.number(0, 42)),
    );
    for (const [, dress] of dressed) {
      for (const at of edges) {
        const body = Buffer.from(`${'word '.repeat(20_000).slice(0, at)} ${dress(token)} ${'more '.repeat(9000)}`);
        const streamed = run(scanner.scanStream('body', plain, null), body, () => 16 * 1024);
        expect(streamed.matches.map((match) => match.detector)).toEqual(['github-token']);
      }
    }
  });

  test('nothing of a match is released before it is reported', () => {
    for (let i = 0; i < 20; i++) {
      const head = filler(random.number(0, 150_000));
      const body = Buffer.from(`${head}${value} ${filler(100_000)}`);
      const size = random.number(500, 40_000);
      const streamed = run(scanner.scanStream('body', plain, null), body, () => size);
      expect(streamed.matches.length).toBe(1);
      expect(streamed.before.length).toBeLessThanOrEqual(head.length);
      expect(body.subarray(streamed.matches[0]!.start, streamed.matches[0]!.end).toString()).toBe(value);
    }
  });

  test('accepted matches are replaced, the rest is byte for byte the same', () => {
    for (let i = 0; i < 20; i++) {
      const [head, middle, tail] = [0, 1, 2].map(() => filler(random.number(0, 90_000)));
      const tokens = [value, `ghp_${random.chars('A-Za-z0-9', 36)}`];
      const body = Buffer.from(`${head}${tokens[0]} ${middle}${tokens[1]} ${tail}`);
      const stream = scanner.scanStream('body', plain, () => true);
      const streamed = run(stream, body, () => random.number(1, 30_000));
      const [first, second] = streamed.matches;
      const wanted = `${head}${scanner.replacement(first!)} ${middle}${scanner.replacement(second!)} ${tail}`;
      expect(streamed.released.toString()).toBe(wanted);
    }
  });

  test('matches that overlap are replaced whole on every edge of a window', () => {
    const token = `ghp_${random.chars('A-Za-z0-9', 36)}`;
    const tail = random.chars('A-Za-z0-9', 20);
    // Begins in the token and goes on behind it.
    const known = fixture({ value: `${token.slice(-12)}-${tail}` }).scanner;
    for (let at = 32 * 1024 - 90; at < 32 * 1024 + 30; at += 3) {
      const [before, after] = ['word '.repeat(20_000).slice(0, at), ` ${'more '.repeat(12_000)}`];
      const body = Buffer.from(`${before} ${token}-${tail}${after}`);
      const streamed = run(
        known.scanStream('body', plain, () => true),
        body,
        () => 16 * 1024,
      );
      const sent = streamed.released.toString();
      expect(sent.startsWith(`${before} bottle-redacted-`), `at ${at}`).toBe(true);
      expect(sent.endsWith(after), `at ${at}`).toBe(true);
      expect(sent.slice(before.length + 1, sent.length - after.length)).toMatch(
        /^bottle-redacted-[a-z-]+-[0-9a-f]{8}$/,
      );
    }
  });

  test('base64 that goes on for many windows is read in step, wherever the secret stands in it', () => {
    for (let i = 0; i < 12; i++) {
      const size = 200_000 + random.number(0, 3);
      const data = randomBytes(size);
      Buffer.from(` ${value} `).copy(data, random.number(0, size - 100));
      const lines = data.toString('base64').replaceAll(/.{76}/g, '$&\r\n');
      for (const text of [data.toString('base64'), lines]) {
        const body = Buffer.from(`{"file":"${text}"}`);
        const streamed = run(scanner.scanStream('body', plain, null), body, () => 16_384);
        // Noise of that length may look like a token, too.
        expect(found(streamed.matches).map((one) => one.split(' ')[0])).toContain('known-secret');
      }
    }
  });

  test('memory is bounded whatever the length of the body', () => {
    const stream = scanner.scanStream('body', plain, null);
    const piece = Buffer.from(filler(64 * 1024));
    let held = 0;
    let most = 0;
    for (let i = 0; i < 200; i++) {
      held += piece.length - stream.push(piece).release.length;
      most = Math.max(most, held);
    }
    expect(most).toBeLessThan(192 * 1024);
  });

  const codings = [
    ['gzip', gzipSync, gunzipSync],
    ['deflate', deflateSync, inflateSync],
    ['deflate', deflateRawSync, inflateRawSync],
    ['br', brotliCompressSync, brotliDecompressSync],
    ['zstd', zstdCompressSync, zstdDecompressSync],
    [
      'gzip, br',
      (data: Buffer) => brotliCompressSync(gzipSync(data)),
      (data: Buffer) => gunzipSync(brotliDecompressSync(data)),
    ],
  ] as const;

  describe.each(codings)('%s', (contentEncoding, encode, decode) => {
    const meta = { ...plain, contentEncoding };

    test('a clean body comes out as it went in', () => {
      const body = encode(Buffer.from(filler(300_000)));
      const streamed = run(scanner.scanStream('body', meta, null), body, () => random.number(1, 9000));
      expect(streamed.released.equals(body)).toBe(true);
      expect(streamed.matches).toEqual([]);
      expect(streamed.unjudged).toEqual([]);
    });

    test('a secret inside is reported before its bytes are released', () => {
      const head = filler(400_000);
      const body = encode(Buffer.from(`${head}${value}\n${filler(200_000)}`));
      const without = encode(Buffer.from(head));
      const streamed = run(scanner.scanStream('body', meta, null), body, () => 1000);
      expect(streamed.matches.map((match) => match.detector)).toEqual(['known-secret']);
      // What was released by then cannot hold more than what came before the secret.
      expect(streamed.before.length).toBeLessThan(without.length + 1000);
    });

    test('a secret inside is replaced in step, wherever it stands and however it is cut', () => {
      const all = (): boolean => true;
      const tokens = Array.from({ length: 4 }, () => `ghp_${random.chars('A-Za-z0-9', 36)}`);
      const parts = [1, 70_000, 16_384, 49_152, 130_000].map((bytes) => filler(bytes));
      const body = encode(Buffer.from(parts.map((part, i) => `${part}${tokens[i] ?? ''} `).join('')));
      let wanted: string | null = null;
      for (const size of [1, 7, 1000, 65_536, 1 << 24]) {
        if (size === 1 && body.length > 50_000) continue;
        const streamed = run(scanner.scanStream('body', meta, all), body, () => size);
        const content = decode(streamed.released).toString();
        wanted ??= content;
        expect(content === wanted, `cut every ${size}`).toBe(true);
        expect(streamed.unjudged).toEqual([]);
      }
      const kept = wanted!.split(/bottle-redacted-[a-z0-9-]+ /);
      expect(kept).toHaveLength(5);
      expect(kept.join('') === `${parts.join('')} `).toBe(true);
      for (const token of tokens) expect(wanted!).not.toContain(token);
    });

    test('what nothing is found in keeps its content where something might be replaced', () => {
      const text = filler(300_000);
      const streamed = run(
        scanner.scanStream('body', meta, () => true),
        encode(Buffer.from(text)),
        () => 5000,
      );
      expect(decode(streamed.released).toString() === text).toBe(true);
      expect(streamed.matches).toEqual([]);
    });

    test('what is cut or followed by other data gets no end where something might be replaced', () => {
      const body = encode(Buffer.from(filler(200_000)));
      for (const given of [body.subarray(0, body.length - 20), Buffer.concat([body, Buffer.from('hidden')])]) {
        const streamed = run(
          scanner.scanStream('body', meta, () => true),
          given,
          () => 5000,
        );
        expect(streamed.unjudged[0]).toBe('undecodable');
        expect(() => decode(streamed.released)).toThrow();
      }
    });

    test('a body that is cut, broken or followed by other data cannot be judged, and says so once', () => {
      const body = encode(Buffer.from(filler(200_000)));
      const broken = Buffer.from(body);
      broken.fill(0xff, Math.floor(body.length / 2), Math.floor(body.length / 2) + 50);
      // Raw deflate carries no checksum: what was broken may decode to something else.
      const isChecked = encode !== deflateRawSync;
      const bodies = {
        cut: body.subarray(0, body.length - 20),
        ...(isChecked && { broken }),
        followed: Buffer.concat([body, Buffer.from('hidden')]),
      };
      for (const [name, given] of Object.entries(bodies)) {
        const streamed = run(scanner.scanStream('body', meta, null), given, () => 5000);
        expect(streamed.unjudged, name).toEqual(['undecodable']);
        expect(streamed.released.equals(given), name).toBe(true);
      }
    });
  });

  test('a bomb is over budget long before it is unpacked', () => {
    const small = fixture({ decodedBytes: 1024 * 1024 }).scanner;
    for (const [coding, encode] of codings) {
      const bomb = encode(Buffer.alloc(64 * 1024 * 1024));
      const streamed = run(small.scanStream('body', { ...plain, contentEncoding: coding }, null), bomb, () => 4096);
      expect(streamed.unjudged, coding).toEqual(['over_budget']);
    }
  });

  test('a coding that we do not know is undecodable', () => {
    const stream = scanner.scanStream('body', { ...plain, contentEncoding: 'compress' }, null);
    expect(stream.push(Buffer.from('abc')).unjudged?.kind).toBe('undecodable');
    expect(stream.push(Buffer.from('abc')).unjudged).toBeNull();
  });
});
