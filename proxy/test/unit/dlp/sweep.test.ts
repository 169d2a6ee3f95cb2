// The sweep in WebAssembly against the one in JavaScript, which says what is right; and against a search of every place.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BIP39_WORDS } from '../../../src/dlp/detectors/bip39-words.ts';
import { Marks } from '../../../src/dlp/marks.ts';
import { type Needle, NeedleSet } from '../../../src/dlp/needles.ts';
import { BLOCK_BYTES, RUN_CHARS, type Sweeper, sweepTables } from '../../../src/dlp/sweep.ts';
import { SWEEP_CODE } from '../../../src/dlp/sweep-code.ts';
import { createPlainSweeper } from '../../../src/dlp/sweep-plain.ts';
import { createSimdSweeper } from '../../../src/dlp/sweep-simd.ts';
import { createSweeper } from '../../../src/dlp/sweeper.ts';
import { View } from '../../../src/dlp/view.ts';
import { assembleSweep, renderSweepCode } from './assemble.ts';
import { random, seed } from './samples.ts';

const simd = (windows: readonly number[]): Sweeper => createSimdSweeper(sweepTables(windows))!;
const plain = (windows: readonly number[]): Sweeper => createPlainSweeper(sweepTables(windows));

const ALPHABETS = ['a-c', 'A-Za-z0-9', '\0-ÿ', ' -~', '0-9a-fx ,', 'a b\n', '%&\\\0é+/_-', 'A-Za-z0-9+/_-', 'abc ,\\n'];
/** Listed words, and some of any length, with what may stand between them. */
const rowOfWords = (): string =>
  Array.from(
    { length: 12 },
    () =>
      (random.number(0, 9) < 9 ? BIP39_WORDS[random.number(0, 2047)]! : random.chars('a-z', random.number(1, 9))) +
      [' ', ', ', '\\n', '\n12. ', '","'][random.number(0, 4)]!,
  ).join('');

/** Made of stretches of different kinds, so that runs and sparse text begin and end at every place of a block. */
function someText(bytes: number): string {
  let text = '';
  while (text.length < bytes) {
    const kind = random.number(0, ALPHABETS.length);
    text += kind === ALPHABETS.length ? rowOfWords() : random.chars(ALPHABETS[kind]!, random.number(1, 90));
  }
  return text.slice(0, bytes);
}

const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 64, 65, 500, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1];

describe(`the sweep (BOTTLE_SEED=${seed})`, () => {
  test('its committed bytes are what its source assembles to', async () => {
    const folder = new URL('../../../src/dlp/', import.meta.url);
    const code = await assembleSweep(readFileSync(new URL('sweep.wat', folder), 'utf8'));
    expect(Buffer.from(code).toString('base64')).toBe(SWEEP_CODE);
    expect(readFileSync(new URL('sweep-code.ts', folder), 'utf8')).toBe(renderSweepCode(code));
  });

  test('this machine runs it in SIMD', () => {
    expect(createSweeper([]).kind).toBe('simd');
  });

  test('both implementations see the same', () => {
    const windows = Array.from({ length: 60 }, () => Buffer.from(someText(4), 'latin1').readInt32LE(0));
    const [one, other] = [simd(windows), plain(windows)];
    let rows = 0;
    let dense = 0;
    let high = 0;
    for (const length of [...LENGTHS, ...Array.from({ length: 60 }, () => random.number(0, 3 * BLOCK_BYTES))]) {
      // In memory that goes on behind the view, and at an odd place.
      const memory = Buffer.from(someText(length + 80), 'latin1');
      const bytes = memory.subarray(random.number(0, 9));
      for (let from = 0; from < length; from += BLOCK_BYTES) {
        one.sweep(bytes, length, from);
        other.sweep(bytes, length, from);
        expect(seenBy(one), `${from} of ${length}`).toEqual(seenBy(other));
        rows += one.swept.wordsCount;
        dense += one.swept.denseCount;
        high += one.swept.highCount;
      }
    }
    for (const seen of [rows, dense, high]) expect(seen).toBeGreaterThan(20);
  });

  test('what it sees is what stands there', () => {
    for (let i = 0; i < 40; i++) {
      const text = someText(random.number(1, 2 * BLOCK_BYTES));
      const marks = new Marks();
      new NeedleSet([], simd).find(new View(Buffer.from(text, 'latin1'), text.length), marks, () => {});
      const runs = [...text.matchAll(/[A-Za-z0-9+/_-]+/g)].filter(([run]) => run.length >= RUN_CHARS);
      expect([...marks.runs.subarray(0, marks.runCount)]).toEqual(
        runs.flatMap(({ index, 0: run }) => [index, index + run.length]),
      );
      const classes = [/[A-Oa-o]/, /[P-Zp-z]/, /\d/, /[-+/]/, /_/, /[%&]/, /\\/, /\0/, /[\x80-\xff]/];
      const isThere = classes.map((one) => one.test(text));
      expect(classes.map((_, bit) => marks.has(1 << bit)).slice(0, text.length < 4 ? 0 : 9)).toEqual(
        text.length < 4 ? [] : isThere,
      );
    }
  });

  test.each([' ', ', ', '\n', '\\n', '","', '\n12. ', '",\n      "', '\n          '])(
    'every row of twelve listed words with %j between them is proposed, wherever it stands',
    (between) => {
      const { sweep, swept } = simd([]);
      for (let i = 0; i < 300; i++) {
        const words = Array.from({ length: 12 }, () => BIP39_WORDS[random.number(0, 2047)]!);
        const bytes = Buffer.from(`${'#'.repeat(random.number(0, 40))}"${words.join(between)}"`);
        sweep(bytes, bytes.length, 0);
        expect(swept.wordsCount, words.join(between)).toBeGreaterThan(0);
      }
    },
  );

  test('every run of 22 characters of base85 is proposed but for one in thirty', () => {
    const { sweep, swept } = simd([]);
    let missed = 0;
    for (let i = 0; i < 3000; i++) {
      const run = random.chars('0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-', 22);
      const bytes = Buffer.from(`${'a '.repeat(random.number(0, 20))} ${run} `);
      sweep(bytes, bytes.length, 0);
      if (swept.denseCount === 0) missed++;
    }
    expect(missed).toBeLessThan(3000 / 30);
  });

  test('every needle is found at every place, whatever its letter case', () => {
    const needles: Needle<string>[] = Array.from({ length: 400 }, (_, index) => {
      const text = random.chars(index % 3 === 0 ? 'a-d_' : 'A-Za-z0-9_+/-', random.number(4, 12));
      return { bytes: Buffer.from(text), anyCase: index % 2 === 0, tag: `${text} ${index}` };
    });
    for (const open of [simd, plain]) {
      const set = new NeedleSet(needles, open);
      for (const length of [...LENGTHS.slice(2), 70_000]) {
        const text = [...someText(length)];
        for (let i = 0; i < length / 40; i++) {
          const { bytes, anyCase } = needles[random.number(0, needles.length - 1)]!;
          const written = bytes.toString();
          const planted = anyCase && i % 2 === 0 ? written.toUpperCase() : written;
          const at = i === 0 ? 0 : i === 1 ? Math.max(0, length - bytes.length) : random.number(0, length);
          [...planted].forEach((char, offset) => {
            if (at + offset < length) text[at + offset] = char;
          });
        }
        const whole = text.join('');
        const found: string[] = [];
        set.find(new View(Buffer.from(whole, 'latin1'), length), null, (tag, start) => {
          found.push(`${start} ${tag}`);
        });
        expect(found.sort()).toEqual(needles.flatMap((needle) => placesOf(needle, whole)).sort());
      }
    }
  });
});

function seenBy({ swept }: Sweeper): object {
  const places = (all: Int32Array, count: number): number[] => [...all.subarray(0, count)];
  return {
    classes: swept.classes,
    windows: places(swept.windows, swept.windowCount).filter((at) => at >= 0),
    runs: places(swept.runs, swept.runCount),
    sparse: places(swept.sparse, swept.sparseCount),
    digits: places(swept.digits, swept.digitsCount),
    words: places(swept.words, swept.wordsCount),
    dense: places(swept.dense, swept.denseCount),
    high: places(swept.high, swept.highCount),
  };
}

function placesOf({ bytes, anyCase, tag }: Needle<string>, text: string): string[] {
  const lower = (one: string): string => (anyCase ? one.replaceAll(/[A-Z]/g, (char) => char.toLowerCase()) : one);
  const within = lower(text);
  const wanted = lower(Buffer.from(bytes).toString());
  const places: string[] = [];
  for (let at = within.indexOf(wanted); at >= 0; at = within.indexOf(wanted, at + 1)) places.push(`${at} ${tag}`);
  return places;
}
