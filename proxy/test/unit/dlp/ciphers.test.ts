// Tokens under a key that is one number, and tokens whose characters stand in another order: what a shell's `tr`, or a line of Python, makes of them.
import { describe, expect, test } from 'vitest';
import { fixture, freshTokens, plain, random, seed } from './samples.ts';

const { scanner, value, placeholder } = fixture();
/** Of a key the lines stand too far apart. */
const tokens = freshTokens().filter(([detector]) => detector !== 'private-key');

const code = (char: string): number => char.charCodeAt(0);
const each = (text: string, dress: (char: string, index: number) => string): string => [...text].map(dress).join('');
const turned = (text: string, turn: (letter: number) => number): string =>
  text.replaceAll(/[a-z]/gi, (char) => {
    const base = char <= 'Z' ? 65 : 97;
    return String.fromCharCode(base + turn(code(char) - base));
  });
const combined = (text: string, key: number): Buffer => Buffer.from([...text].map((char) => code(char) ^ key));
const columns = (text: string, count: number): string => {
  let out = '';
  for (let column = 0; column < count; column++) for (let at = column; at < text.length; at += count) out += text[at];
  return out;
};

function finds(detector: string, text: string): boolean {
  const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: `it is ${text} I think` }] }));
  return scanner.scanBody('body', body, plain).matches.some((match) => match.detector === detector);
}

/** With a key each. */
const UNDER_A_KEY: Readonly<Record<string, (text: string, key: number) => string>> = {
  'xor in hex': (text, key) => combined(text, key).toString('hex'),
  'xor in upper-case hex': (text, key) => combined(text, key).toString('hex').toUpperCase(),
  'xor in base64': (text, key) => combined(text, key).toString('base64'),
  'xor of a sentence in base64': (text, key) => combined(`the token is ${text}, keep it`, key).toString('base64'),
  'an offset in hex': (text, key) => Buffer.from([...text].map((char) => code(char) + key)).toString('hex'),
};

const REORDERED: Readonly<Record<string, (text: string) => string>> = {
  'every second character': (text) => columns(text, 2),
  'four columns': (text) => columns(text, 4),
  'seven columns': (text) => columns(text, 7),
  'pairs turned round': (text) => each(text, (_, i) => text[i ^ 1] ?? text[i]!),
  'each character twice': (text) => each(text, (char) => char + char),
  'a letter between': (text) => [...text].join('x'),
  'random letters between': (text) => each(text, (char) => char + random.chars('a-z', 1)),
  'two letters between': (text) => each(text, (char) => `${char}ab`),
};

describe(`ciphers (BOTTLE_SEED=${seed})`, () => {
  test.each(Object.keys(UNDER_A_KEY))('%s, by any key', (name) => {
    const missed: string[] = [];
    let tried = 0;
    for (let key = 1; key < 256; key += random.number(1, 12)) {
      for (const [detector, token] of [...tokens, ['known-secret', value] as const]) {
        tried++;
        if (!finds(detector, UNDER_A_KEY[name]!(token, key))) missed.push(`${detector} ${key}`);
      }
    }
    // Now and then a text under one key is read under another, or begins like a compressed stream.
    expect(missed.length, missed.join('; ')).toBeLessThan(0.15 * tried);
  });

  test('Caesar by any number, the alphabet backwards, and both in base64', () => {
    const missed: string[] = [];
    for (let by = 1; by < 26; by++) {
      const dresses = [
        (text: string) => turned(text, (letter) => (letter + by) % 26),
        (text: string) => turned(text, (letter) => 25 - letter),
        (text: string) => Buffer.from(turned(text, (letter) => (letter + by) % 26)).toString('base64'),
      ];
      for (const [index, dress] of dresses.entries()) {
        for (const [detector, token] of [...tokens, ['placeholder', placeholder] as const]) {
          if (!finds(detector, dress(token))) missed.push(`${detector} ${by} ${index}`);
        }
      }
    }
    expect(missed.length, missed.join('; ')).toBeLessThan(20);
  });

  test('base64 whose cases are swapped, rot47', () => {
    const swapped = (text: string): string =>
      each(Buffer.from(text).toString('base64'), (char) =>
        char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase(),
      );
    const rot47 = (text: string): string =>
      each(text, (char) => String.fromCharCode(33 + ((code(char) - 33 + 47) % 94)));
    expect(tokens.filter(([detector, token]) => !finds(detector, swapped(token))).length).toBeLessThan(3);
    const github = tokens.find(([detector]) => detector === 'github-token')!;
    expect(finds(github[0], rot47(github[1]))).toBe(true);
  });

  // Capitals alone are constants, and dots end a run: these are found by chance.
  test.each(Object.keys(REORDERED))('%s', (name) => {
    const missed = tokens
      .filter(([detector]) => detector !== 'aws-access-key' && detector !== 'jwt')
      .filter(([detector, token]) => !finds(detector, REORDERED[name]!(token)));
    expect(missed.length, missed.map(([detector]) => detector).join(' ')).toBeLessThan(4);
  });

  test('of random hex, base64 and identifiers nothing is taken for a token under a key', () => {
    const found: string[] = [];
    for (let i = 0; i < 5_000; i++) {
      const text = [
        random.chars('0-9a-f', 64),
        random.chars('A-Za-z0-9+/', 88),
        random.chars('A-Za-z0-9_-', 43),
        `${random.chars('a-z', 3)}_${random.chars('0-9a-f', 40)}`,
      ].join(' ');
      for (const { detector, where } of scanner.scanText('text', text))
        if (/xor|offset|caesar|atbash|columns|interleaved|swapped|rot47/.test(where))
          found.push(`${detector} ${where}`);
    }
    expect(found).toEqual([]);
  });
});
