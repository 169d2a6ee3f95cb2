// Globs: what they cover, and that no text makes them slow.
import { describe, expect, test } from 'vitest';
import { cpuMsOf } from '../../../../test/unit/cpu-time.ts';
import { compileGlob } from '../../../src/pipeline/glob.ts';

const covers: readonly (readonly [string, string])[] = [
  ['/a', '/a'],
  ['/a/*', '/a/b'],
  ['/a/*', '/a/'],
  ['/a/**', '/a/'],
  ['/a/**', '/a/b/c'],
  ['/**', '/'],
  ['/**', '/anything/at/all'],
  ['/a/**/b', '/a/b'],
  ['/a/**/b', '/a/x/y/b'],
  ['/a/**/*.js', '/a/x/y.js'],
  ['/a/**/*.js', '/a/y.js'],
  ['/repos/*/issues/*/comments', '/repos/x/issues/12/comments'],
  ['/*.tgz', '/x.tgz'],
  ['/a*b*c', '/aXbYbZc'],
  ['/x/*b/**/z*', '/x/ab/q/z'],
  ['/a.b', '/a.b'],
];
const coversNot: readonly (readonly [string, string])[] = [
  ['/a', '/a/'],
  ['/a', '/A'],
  ['/a/*', '/a/b/c'],
  ['/a/*', '/a'],
  ['/a/**', '/a'],
  ['/a/**', '/ab'],
  ['/a/**/b', '/ab'],
  ['/a/**/b', '/a/xb'],
  ['/repos/*/issues', '/repos/x/y/issues'],
  ['/a*b*c', '/aXb/Zc'],
  ['/a.b', '/aXb'],
  ['/a+', '/aa'],
  ['/aba*aba', '/aba'],
];

describe('a glob', () => {
  test.each(covers)('%s covers %s', (pattern, text) => expect(compileGlob(pattern)(text)).toBe(true));
  test.each(coversNot)('%s does not cover %s', (pattern, text) => expect(compileGlob(pattern)(text)).toBe(false));

  test('agrees with a plain regular expression on random patterns and texts', () => {
    const random = seeded(20261121);
    const pick = (letters: readonly string[], most: number) =>
      Array.from({ length: Math.floor(random() * most) }, () => letters[Math.floor(random() * letters.length)]).join(
        '',
      );
    let hits = 0;
    for (let i = 0; i < 40_000; i++) {
      const pattern = `/${pick(['a', 'b', '/', '*', '**', '/**/'], 7)}`;
      const text = `/${pick(['a', 'b', '/'], 8)}`;
      const expected = asRegExp(pattern).test(text);
      if (expected) hits++;
      expect(compileGlob(pattern)(text), `${pattern} on ${text}`).toBe(expected);
    }
    expect(hits).toBeGreaterThan(2000);
  });

  test('stays linear on texts made to backtrack', () => {
    const text = `/${'a'.repeat(60_000)}!`;
    const slashes = `/${'a/'.repeat(30_000)}!`;
    for (const pattern of [
      `/${'*a'.repeat(20)}`,
      `/${'**a'.repeat(20)}`,
      '/**a*a**a*b',
      '/**/a/**/a/**/b',
      '/**a*/a*b',
    ]) {
      const glob = compileGlob(pattern);
      const ms = cpuMsOf(() => {
        expect(glob(text)).toBe(false);
        expect(glob(slashes)).toBe(false);
      });
      // Backtracking would take minutes.
      expect(ms, pattern).toBeLessThan(2000);
    }
  });
});

/** The specification of a glob, slow and plain. */
function asRegExp(pattern: string): RegExp {
  const source = pattern.replace(/(?<=\/)\*\*\/|\*\*+|\*|[^*]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '*') return '[^/]*';
    return token.startsWith('*') ? '.*' : token.replace(/[.+/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
