import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LineCounter, placesInFile } from '../../../src/scan/lines.ts';

const text = 'one\ntwo\n\nfour, and\r\nfive';
const offsets = [0, 2, 3, 4, 8, 9, 14, 20, 23];
const expected = offsets.map((offset) => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
});

test('offsets become lines and columns, whatever stands at them', () => {
  const counter = new LineCounter();
  expect(offsets.map((offset) => counter.placeOf(offset, Buffer.from(text)))).toEqual(expected);
});

test.each([1, 2, 3, 5, 100])('the same for bytes that come in pieces of %i', (size) => {
  const counter = new LineCounter();
  const found: object[] = [];
  for (let from = 0; from < text.length; from += size) {
    const piece = Buffer.from(text.slice(from, from + size));
    for (const offset of offsets) {
      if (offset >= from && offset < from + size) found.push(counter.placeOf(offset, piece, from));
    }
    counter.advance(from + piece.length, piece, from);
  }
  expect(found).toEqual(expected);
});

test('places in a file that is read in chunks are those of the whole text', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'bottle-lines-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'long.txt');
  const long = Array.from({ length: 40_000 }, (_, line) => `line ${line}`).join('\n');
  writeFileSync(file, long);
  const wanted = [0, 65_535, 65_536, 65_537, 131_072, long.length - 1];
  const counter = new LineCounter();
  const whole = wanted.map((offset) => counter.placeOf(offset, Buffer.from(long)));
  expect(await placesInFile(file, wanted)).toEqual(whole);
});
