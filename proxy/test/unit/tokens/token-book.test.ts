import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { joinChanges, REMEMBERED, TokenBook, withTokens } from '../../../src/tokens/token-book.ts';

const found = (count: number) =>
  Array.from({ length: count }, () => ({ field: 'token', value: randomBytes(24).toString('base64url') }));

test('several changes as one leave the same secrets as one after the other', () => {
  const book = new TokenBook();
  const changes = Array.from({ length: 40 }, () => book.keep([], 'oauth', found(10)).change!);
  const begin = { secrets: [{ name: 'K', value: 'a-value-of-k', placeholder: 'bottle-k' }] } as never;
  for (const cut of [0, 1, 20, 40]) {
    const [before, after] = [changes.slice(0, cut), changes.slice(cut)];
    const start = before.reduce(withTokens, begin);
    const { secrets } = after.reduce(withTokens, start);
    if (after.length > 0) expect(withTokens(start, joinChanges(after)).secrets).toEqual(secrets);
    expect(secrets).toHaveLength(REMEMBERED + 1);
  }
});
