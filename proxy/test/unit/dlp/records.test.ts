// One character of a token in each row, and dumps with offsets: as `od`, `hexdump` and loops of a few characters write them.
import { describe, expect, test } from 'vitest';
import { fixture, plain, random, seed } from './samples.ts';

const { scanner } = fixture();
const token = `ghp_${random.chars('A-Za-z0-9', 36)}`;
const code = (char: string): number => char.charCodeAt(0);
const rows = (row: (char: string, index: number) => string, between: string): string =>
  [...token].map(row).join(between);
const lines = (cells: readonly string[], perLine: number, base: 8 | 16, bytes: number): string => {
  const out: string[] = [];
  for (let at = 0; at < cells.length; at += perLine)
    out.push(`${(at * bytes).toString(base).padStart(7, '0')} ${cells.slice(at, at + perLine).join(' ')}`);
  return `${out.join('\n')}\n`;
};
const words = (bytes: 2 | 4): number[] =>
  Array.from({ length: token.length / bytes }, (_, i) => Buffer.from(token).readUIntLE(i * bytes, bytes));

const DRESSES: Readonly<Record<string, string>> = {
  'CSV, a character a line': `i,c\n${rows((char, i) => `${i},${char}`, '\n')}\n`,
  'a numbered list': rows((char, i) => `${i + 1}. ${char}`, '\n'),
  'query parameters of one character': `?${rows((char, i) => `c${i}=${char}`, '&')}`,
  'objects with codes': JSON.stringify([...token].map((char, i) => ({ i, v: code(char) }))),
  'od -b': lines(
    [...token].map((char) => code(char).toString(8).padStart(3, '0')),
    16,
    8,
    1,
  ),
  'od -t x1': lines(
    [...token].map((char) => code(char).toString(16)),
    16,
    8,
    1,
  ),
  od: lines(
    words(2).map((word) => word.toString(8).padStart(6, '0')),
    8,
    8,
    2,
  ),
  'od -t x4': lines(
    words(4).map((word) => word.toString(16).padStart(8, '0')),
    4,
    8,
    4,
  ),
  hexdump: lines(
    words(2).map((word) => word.toString(16).padStart(4, '0')),
    8,
    16,
    2,
  ),
};

describe(`rows of one character, and dumps (BOTTLE_SEED=${seed})`, () => {
  test.each(Object.keys(DRESSES))('%s', (name) => {
    const body = Buffer.from(
      JSON.stringify({ messages: [{ role: 'user', content: `it is ${DRESSES[name]} I think` }] }),
    );
    const raw = Buffer.from(`${DRESSES[name]}`);
    for (const one of [body, raw]) {
      const { matches } = scanner.scanBody('body', one, plain);
      expect(matches.map(({ detector }) => detector)).toContain('github-token');
    }
  });

  test('tables, lists and dumps of other things are none', () => {
    const grades = `id,grade\n${Array.from({ length: 300 }, (_, i) => `${i},${random.chars('A-F', 1)}`).join('\n')}`;
    const dump = lines(
      Array.from({ length: 400 }, () => random.chars('0-9a-f', 4)),
      8,
      16,
      2,
    );
    for (const text of [grades, dump]) expect(scanner.scanBody('body', Buffer.from(text), plain).matches).toEqual([]);
  });
});
