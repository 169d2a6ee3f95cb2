// Encodings inside encodings, chosen at random: two layers are read, whatever they are, and three of what people do use.
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const base64 = (text: string): string => bytes(text).toString('base64');
const each = (text: string, dress: (byte: string) => string): string =>
  [...bytes(text)].map((byte) => dress(byte.toString(16).padStart(2, '0'))).join('');

const LAYERS: Readonly<Record<string, (text: string) => string>> = {
  base64,
  base64url: (text) => bytes(text).toString('base64url'),
  'wrapped base64': (text) => (base64(text).match(/.{1,76}/g) ?? []).join('\n'),
  hex: (text) => bytes(text).toString('hex'),
  'upper-case hex': (text) => bytes(text).toString('hex').toUpperCase(),
  'hex with colons': (text) => (bytes(text).toString('hex').match(/../g) ?? []).join(':'),
  percent: (text) => encodeURIComponent(text),
  'percent throughout': (text) => each(text, (hex) => `%${hex}`),
  '\\u escapes': (text) => each(text, (hex) => `\\u00${hex}`),
  '\\x escapes': (text) => each(text, (hex) => `\\x${hex}`),
  entities: (text) => each(text, (hex) => `&#x${hex};`),
  JSON: (text) => JSON.stringify({ a: text, n: 1 }),
  'decimal numbers': (text) => JSON.stringify([...bytes(text)]),
  gzip: (text) => gzipSync(bytes(text)).toString('base64'),
  zlib: (text) => deflateSync(bytes(text)).toString('base64'),
  brotli: (text) => brotliCompressSync(bytes(text)).toString('base64'),
  zstd: (text) => zstdCompressSync(bytes(text)).toString('base64'),
  'UTF-16': (text) => Buffer.from(text, 'utf16le').toString('base64'),
  'zero-width': (text) => encodeURIComponent([...text].join('\u200b')),
  'a user': (text) => `user:${text}`,
  'a sentence': (text) => `my token is ${text} and so on`,
};
const names = Object.keys(LAYERS);

describe(`layers (BOTTLE_SEED=${seed})`, () => {
  const { scanner, value, placeholder } = fixture();

  test.each([1, 2, 3])('%i at random hide nothing', (depth) => {
    const missed: string[] = [];
    for (let i = 0; i < 200; i++) {
      const tokens = [...freshTokens(), ['known-secret', value] as const, ['placeholder', placeholder] as const];
      const [detector, token] = tokens[random.number(0, tokens.length - 1)]!;
      const chain = Array.from({ length: depth }, () => names[random.number(0, names.length - 1)]!);
      const text = chain.reduce((inner, name) => LAYERS[name]!(inner), token);
      const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: `hello ${text} bye` }] }));
      const { matches, unjudged } = scanner.scanBody('body', body, plain);
      expect(unjudged).toBeNull();
      if (!matches.some((match) => match.detector === detector)) missed.push(`${detector}: ${chain.join(' > ')}`);
    }
    expect(missed).toEqual([]);
  });
});
