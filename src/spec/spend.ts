// What may be spent at model APIs (`tokens`, `cost_usd`, `prices` of limits) -> as the proxy counts it; and back into words.

import type { ModelPrice, Spend } from '../../proxy/src/contract.ts';
import type { Report } from './report.ts';
import type { SpecEntry } from './schema.ts';

type SpecQuota = NonNullable<SpecEntry['limits']>;
type SpecPrices = NonNullable<SpecQuota['prices']>;

/** A cache that is kept for an hour costs that much to write at the dearest vendor we know. */
const CACHE_WRITE = 2;

/** null when nothing is bounded. */
export function readSpend(written: SpecQuota, inherited: SpecPrices | undefined, report: Report): Spend | null {
  const { tokens, tokens_per_minute, cost_usd } = written;
  const prices = written.prices ?? inherited ?? {};
  if (cost_usd !== undefined && Object.keys(prices).length === 0) {
    report.problemAtKey(
      {
        what: `${report.name(['cost_usd'])} has no \`prices\` beside it`,
        why: 'answers of model APIs say how many tokens they used, and prices change: ours would be wrong some day',
        fix: 'add `prices: { "MODEL-*": { input: USD, output: USD } }`, in US dollars for a million tokens',
      },
      ['cost_usd'],
    );
  }
  if (tokens === undefined && tokens_per_minute === undefined && cost_usd === undefined) return null;
  return {
    tokens: tokens ?? null,
    tokensPerMinute: tokens_per_minute ?? null,
    costUsd: cost_usd ?? null,
    prices: Object.entries(prices).map(([model, price]) => priceOf(model, price)),
  };
}

function priceOf(model: string, price: SpecPrices[string]): ModelPrice {
  if (typeof price === 'string') return { model, input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reported: true };
  const { input, output, cache_read = input, cache_write = input * CACHE_WRITE } = price;
  return { model, input, output, cacheRead: cache_read, cacheWrite: cache_write };
}

/** As it would be written. */
export function writtenSpend({ tokens, tokensPerMinute, costUsd, prices }: Spend): Readonly<Record<string, unknown>> {
  return {
    ...(tokens === null ? {} : { tokens }),
    ...(tokensPerMinute === null ? {} : { tokens_per_minute: tokensPerMinute }),
    ...(costUsd === null ? {} : { cost_usd: costUsd }),
    ...(prices.length === 0
      ? {}
      : { prices: Object.fromEntries(prices.map((price) => [price.model, writtenPrice(price)])) }),
  };
}

function writtenPrice({ input, output, cacheRead, cacheWrite, reported }: ModelPrice): string | object {
  return reported === true ? 'reported' : { input, output, cache_read: cacheRead, cache_write: cacheWrite };
}
