import { describe, expect, it } from 'vitest';
import type { ModelPrice } from '../../../src/contract.ts';
import { PriceList } from '../../../src/spend/prices.ts';
import { NO_USAGE, type Usage } from '../../../src/spend/usage.ts';

const price = (model: string, input: number, output: number): ModelPrice => ({
  ...{ model, input, output, cacheRead: input / 10, cacheWrite: input * 2 },
});
const reported = (model: string): ModelPrice => ({ ...price(model, 0, 0), reported: true });
const MILLION: Usage = { ...NO_USAGE, input: 1e6, output: 1e6, cacheRead: 1e6, cacheWrite: 1e6 };

const cost = (prices: readonly ModelPrice[], models: readonly string[], usage: Usage): number | string | null => {
  const found = new PriceList(prices).rateOf(models);
  return 'rate' in found ? found.rate(usage) : `no price for ${found.without}`;
};

describe('a price list', () => {
  const LIST = [price('small-*', 1, 2), price('large-*', 10, 20), price('lab/*', 3, 4)];

  it.each([
    ['the first that covers the model', LIST, ['small-1'], 1 + 2 + 0.1 + 2],
    ['a name with a slash', LIST, ['lab/x'], 3 + 4 + 0.3 + 6],
    ['the dearest of several', LIST, ['small-1', 'large-1'], 10 + 20 + 1 + 20],
    ['the dearest of all where none is known', LIST, [], 10 + 20 + 1 + 20],
    ['none of them', LIST, ['other'], 'no price for other'],
    ['one of two unknown', LIST, ['small-1', 'other'], 'no price for other'],
  ])('takes %s', (_, list, models, expected) => {
    const got = cost(list, models, MILLION);
    if (typeof expected === 'number') expect(got).toBeCloseTo(expected, 9);
    else expect(got).toBe(expected);
  });

  it('believes a service that says what it cost, where the spec does, and never less than the list', () => {
    const said = { ...MILLION, reportedUsd: 7 };
    expect(cost([reported('r')], ['r'], said)).toBe(7);
    expect(cost([reported('r')], ['r'], MILLION)).toBeNull();
    expect(cost([reported('r'), price('l', 100, 100)], ['r'], MILLION)).toBeCloseTo(410, 9);
    expect(cost([price('l', 0, 0)], ['l'], said)).toBe(7);
  });
});
