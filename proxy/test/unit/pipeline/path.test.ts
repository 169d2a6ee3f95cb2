// Readings of a path: whatever a server may take it for is judged, and what is sent is what was judged.
import { describe, expect, test } from 'vitest';
import { cpuMsOf } from '../../../../test/unit/cpu-time.ts';
import { readPath } from '../../../src/pipeline/path.ts';

const normalised: readonly (readonly [string, string])[] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a/b/', '/a/b/'],
  ['/%61/%7Eb', '/a/~b'],
  ['/a%2fb', '/a%2Fb'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/caf\xc3\xa9', '/caf%C3%A9'],
  ['/a//b///c', '/a/b/c'],
  ['//a', '/a'],
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/%2e%2e/b', '/b'],
  ['/a/.%2E/b', '/b'],
  ['/../../b', '/b'],
  ['/a/b/..', '/a/'],
  ['/a/.', '/a/'],
  ['/..', '/'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a/...', '/a/...'],
  ['/a\\b', '/a%5Cb'],
  ['/a b', '/a%20b'],
  ['/a"<>', '/a%22%3C%3E'],
  ['/@scope%2fname', '/@scope%2Fname'],
  ['/x;v=1/y', '/x;v=1/y'],
  ["/a!$&'()*+,=:@", "/a!$&'()*+,=:@"],
];

describe('what is sent of a path', () => {
  test.each(normalised)('%s becomes %s', (path, sent) => {
    const read = readPath(path);
    expect(read.kind === 'clear' ? read.sent : read.why).toBe(sent);
  });

  test('is its own normal form', () => {
    for (const [path] of normalised) {
      const once = readPath(path);
      if (once.kind !== 'clear') throw new Error(path);
      expect(readPath(once.sent)).toMatchObject({ kind: 'clear', sent: once.sent });
    }
  });
});

const alsoRead: readonly (readonly [string, string])[] = [
  ['/a%2Fb', '/a/b'],
  ['/a%5Cb', '/a/b'],
  ['/a\\b', '/a/b'],
  ['/x/..%2Fy', '/y'],
  ['/x/..%2F..%2Fy', '/y'],
  ['/x/%2e%2e%2fy', '/y'],
  ['/x/..%5Cy', '/y'],
  ['/x/..;/y', '/y'],
  ['/x/..;a=b/y', '/y'],
  ['/x;v=1/y', '/x/y'],
  ['/x/..%3B/y', '/y'],
  ['/x/%252e%252e/y', '/y'],
  ['/x/..%252Fy', '/y'],
  ['/x/..%25252Fy', '/y'],
  ['/x%3Fy', '/x'],
  ['/x/..%3Fz', '/'],
  ['/x%23y', '/x'],
  ['/x/%EF%BC%8E%EF%BC%8E/y', '/y'],
  ['/x/..%EF%BC%8Fy', '/y'],
];

describe('what a server may take a path for', () => {
  test.each(alsoRead)('%s may be read as %s', (path, reading) => {
    const read = readPath(path);
    expect(read.kind === 'clear' ? read.readings.map(({ text }) => text) : read.why).toContain(reading);
  });

  test('a plain path has one reading', () => {
    expect(readPath('/repos/acme/web-shop/issues/12')).toMatchObject({ readings: [{ isDecoded: false }] });
  });
});

const ambiguous: readonly (readonly [string, string])[] = [
  ['/a%00b', 'control'],
  ['/a%0ab', 'control'],
  ['/a%0d%0aHost:x', 'control'],
  ['/a%7f', 'control'],
  ['/a%2500', 'control'],
  ['/a\x00', 'control'],
  ['/a%', 'broken'],
  ['/a%2', 'broken'],
  ['/a%zz', 'broken'],
  ['/a%u002f', 'broken'],
  ['/a%c0%afb', 'UTF-8'],
  ['/a%c0%ae%c0%ae/b', 'UTF-8'],
  ['/a%e0%80%af', 'UTF-8'],
  ['/a%f0%80%80%af', 'UTF-8'],
  ['/a%ff', 'UTF-8'],
  ['/a%25c0%25af', 'UTF-8'],
  ['/a%2525252fb', 'more than 3'],
  [`/${'a'.repeat(9000)}`, 'longer'],
];

describe('a path that stays ambiguous', () => {
  test.each(ambiguous)('%s is refused', (path, why) => {
    const read = readPath(path);
    expect(read.kind === 'ambiguous' ? read.why : read.sent).toContain(why);
  });

  test('costs no more than a path may', () => {
    const hostile = `/${'%252e%252e%252f;a\\%EF%BC%8F%3f'.repeat(260)}`;
    expect(cpuMsOf(() => readPath(hostile))).toBeLessThan(1000);
  });
});
