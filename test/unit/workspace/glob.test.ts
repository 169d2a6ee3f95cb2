import { describe, expect, test } from 'vitest';
import { compileGlob } from '../../../src/workspace/glob.ts';

describe('a glob names', () => {
  test.each([
    ['.env', '.env'],
    ['./.env', '.env'],
    ['.env*', '.env.local'],
    ['**/.env', '.env'],
    ['**/.env', 'a/b/.env'],
    ['**/*.pem', 'certs/server.pem'],
    ['a/**/z', 'a/z'],
    ['a/**/z', 'a/b/c/z'],
    ['a/**', 'a'],
    ['a/**', 'a/b/c'],
    ['key?', 'key1'],
    ['a+(b)', 'a+(b)'],
    ['*', '.hidden'],
  ])('%s: %s', (glob, path) => {
    expect(compileGlob(glob).matches(path, false)).toBe(true);
  });
});

describe('a glob does not name', () => {
  test.each([
    ['.env', 'a/.env'],
    ['.env', 'x.env'],
    ['.env', 'xenv'],
    ['*', 'a/b'],
    ['a/*', 'a/b/c'],
    ['a/**/z', 'a/b'],
    ['**/z', 'az'],
    ['key?', 'key'],
    ['secrets/', 'secrets'],
  ])('%s: the file %s', (glob, path) => {
    expect(compileGlob(glob).matches(path, false)).toBe(false);
  });
});

test('a slash at the end means directories alone', () => {
  expect(compileGlob('secrets/').matches('secrets', true)).toBe(true);
});

test.each([
  ['a/b/c', '', true],
  ['a/b/c', 'a', true],
  ['a/b/c', 'a/b', true],
  ['a/b/c', 'x', false],
  ['a/b/c', 'a/b/c', false],
  ['*.pem', 'a', false],
  ['**/.env', 'node_modules/x', true],
  ['a*/b', 'abc', true],
])('%s below "%s": %s', (glob, directory, expected) => {
  expect(compileGlob(glob).reaches(directory)).toBe(expected);
});
