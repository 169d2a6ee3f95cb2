import { describe, expect, it } from 'vitest';
import { View } from '../../../src/dlp/view.ts';
import { unspaced } from '../../../src/dlp/views/spaced.ts';

const WORD = 'abc-DEF_0123.xyz';

function read(text: string): string[] {
  const bytes = Buffer.from(text);
  const found: string[] = [];
  unspaced(new View(bytes, bytes.length), 0, bytes.length, (child) => found.push(child.text(0, child.length)));
  return found;
}

describe('text with the same thing between all its characters', () => {
  it.each([
    ['spaces', [...WORD].join(' ')],
    ['dashes, though it holds one', [...WORD].join('-')],
    ['dots, though it holds one', [...WORD].join('.')],
    ['line breaks', [...WORD].join('\n')],
    ['line breaks of JSON', [...WORD].join('\\n')],
    ['an array', JSON.stringify([...WORD])],
    ['an array with spaces', JSON.stringify([...WORD]).replaceAll(',', ', ')],
    ['a sum', [...WORD].map((char) => `'${char}'`).join(' + ')],
  ])('is read without: %s', (_, text) => {
    expect(read(`Some text. ${text} More text.`).some((found) => found.includes(WORD))).toBe(true);
  });

  it('maps back to all of it', () => {
    const bytes = Buffer.from(`xx ${[...WORD].join(' ')} yy`);
    const children: View[] = [];
    unspaced(new View(bytes, bytes.length), 0, bytes.length, (child) => children.push(child));
    const at = children[0]?.text(0, 99).indexOf(WORD) ?? -1;
    expect(children[0]?.inRoot(at, at + WORD.length)).toEqual({ start: 3, end: 3 + 2 * WORD.length - 1 });
  });

  it.each([
    ['prose', 'The quick brown fox jumps over the lazy dog, and a cat is on a mat in a hut.'],
    ['a rule', '-'.repeat(100)],
    ['numbers', '1, 22, 333, 4444, 55555, 1, 22, 333, 4444, 55555'],
  ])('%s is none', (_, text) => {
    expect(read(text)).toEqual([]);
  });
});
