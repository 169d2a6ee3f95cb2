import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  isForgotten,
  joinChanges,
  REMEMBERED,
  REMEMBERED_CHARS,
  TokenBook,
  withTokens,
} from '../../../src/tokens/token-book.ts';

const found = (count: number) =>
  Array.from({ length: count }, () => ({ field: 'token', value: randomBytes(24).toString('base64url') }));

test('several changes as one leave the same secrets as one after the other', () => {
  const book = new TokenBook();
  const changes = Array.from({ length: 80 }, () => book.keep([], 'oauth', found(10)).change!);
  const begin = { secrets: [{ name: 'K', value: 'a-value-of-k', placeholder: 'bottle-k' }] } as never;
  for (const cut of [0, 1, 40, 80]) {
    const [before, after] = [changes.slice(0, cut), changes.slice(cut)];
    const start = before.reduce(withTokens, begin);
    const { secrets } = after.reduce(withTokens, start);
    if (after.length > 0) expect(withTokens(start, joinChanges(after)).secrets).toEqual(secrets);
    expect(secrets.filter(isForgotten)).toHaveLength(REMEMBERED);
    expect(secrets).toHaveLength(2 * REMEMBERED + 1);
  }
});

test('of long tokens fewer are remembered, and all of the newest answer', () => {
  const book = new TokenBook();
  const long = () =>
    Array.from({ length: 60 }, () => ({ field: 'token', value: randomBytes(8 * 1024).toString('hex') }));
  const answers = Array.from({ length: 3 }, () => book.keep([], 'oauth', long()));
  const forgotten = answers.flatMap(({ change }) => change!.forgotten);
  expect((3 * 60 - forgotten.length) * 16 * 1024).toBeLessThanOrEqual(REMEMBERED_CHARS);
  const newest = answers.at(-1)!;
  expect(newest.names.filter((name) => forgotten.includes(name))).toEqual([]);
});
