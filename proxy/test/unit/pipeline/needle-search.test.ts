import { describe, expect, it } from 'vitest';
import { NeedleSearch } from '../../../src/pipeline/needle-search.ts';

function placesOf(needles: readonly string[], text: string): string[] {
  const places: string[] = [];
  const search = new NeedleSearch(needles.map((needle) => Buffer.from(needle, 'latin1')));
  search.forEach(Buffer.from(text, 'latin1'), (start, end) => places.push(`${start}+${end - start}`));
  // A long one may be found by each of its pieces.
  return [...new Set(places)].sort();
}

/** The slow way. */
function expectedPlaces(needles: readonly string[], text: string): string[] {
  const places: string[] = [];
  for (const needle of needles) {
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1))
      places.push(`${at}+${needle.length}`);
  }
  return places.sort();
}

describe('a search for several texts', () => {
  it.each([
    ['one in the middle', ['secret'], 'a secret here'],
    ['at the very beginning and end', ['secret'], 'secret and secret'],
    ['overlapping with itself', ['aaaaaa'], 'aaaaaaaaa'],
    ['one inside another', ['abcdef', 'zabcdefz', 'bcdefz'], 'zabcdefz'],
    ['with the same beginning', ['abcdefgh', 'abcdefxy'], 'abcdefghabcdefxy'],
    ['of different lengths', ['abcdef', 'q'.repeat(200)], `abc${'q'.repeat(201)}abcdef`],
    ['nowhere', ['abcdef'], 'abcde fabcde abcdxf'],
    ['in a text shorter than all', ['abcdef'], 'abc'],
    ['in nothing', ['abcdef'], ''],
    ['with every byte', ['\x00\xff\x00\xff\x00\xff'], '\xff\x00\xff\x00\xff\x00\xff\x00'],
  ])('finds %s', (_what, needles, text) => {
    expect(placesOf(needles, text)).toEqual(expectedPlaces(needles, text));
  });

  it('finds the same as a slow search in texts of few letters, where everything nearly matches', () => {
    let state = 7;
    const next = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const text = (length: number): string => Array.from({ length }, () => 'ab'[next(2)]).join('');
    for (let i = 0; i < 500; i++) {
      const needles = [...new Set(Array.from({ length: 1 + next(5) }, () => text(6 + next(6))))];
      const hay = text(next(120));
      expect(placesOf(needles, hay), `${needles} in ${hay}`).toEqual(expectedPlaces(needles, hay));
    }
  });

  it.each([
    ['in the other case', 'x ABCDEFGHIJKLMNOPQRSTUVWXYZ y', '2+26'],
    ['over a line end', 'x abc\r\ndefghijklmnopqrstuvwxyz', '2+28'],
    ['over several, indented', 'abcdefghijklmnopqr\n \tstuvwx\n  yz', '0+32'],
    ['over a soft one', 'abcdefghijklmnopqrs=\r\ntuvwxyz', '0+29'],
    ['over one in JSON', 'abcdefghijklmnopqrs\\r\\ntuvwxyz', '0+30'],
    ['but not over an empty line', 'abcdefghijkl\n\nmnopqrstuvwxyz', undefined],
    ['nor over a space', 'abcdefghijkl mnopqrstuvwxyz', undefined],
    [
      'nor over so much indentation that it is another thing',
      `abcdefghijklm\n${' '.repeat(200)}nopqrstuvwxyz`,
      undefined,
    ],
  ])('finds a long one %s', (_what, text, place) => {
    expect(placesOf(['abcdefghijklmnopqrstuvwxyz'], text)[0]).toBe(place);
  });

  it.each([
    ['abcxyz', 0],
    ['xyzabc', 3],
    ['xabcdabcde', 5],
    ['abcdef', 0],
    ['a', 1],
    ['', 0],
  ])('knows that %j ends with %i bytes that may begin one', (text, open) => {
    expect(new NeedleSearch([Buffer.from('abcdef')]).openTail(Buffer.from(text))).toBe(open);
  });
});
