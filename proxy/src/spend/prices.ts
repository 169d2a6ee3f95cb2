// The price list of a quota: what a model costs, and what is taken where nobody can tell which model it was. Pure.
import type { ModelPrice } from '../contract.ts';
import { compileGlob, type Glob } from '../pipeline/glob.ts';
import type { Usage } from './usage.ts';

const MILLION = 1_000_000;

/** Dollars for a usage; null = it cannot be told, since the service did not say. */
export type Rate = (usage: Usage) => number | null;

export class PriceList {
  private readonly rows: readonly { readonly covers: Glob; readonly price: ModelPrice }[];

  constructor(prices: readonly ModelPrice[]) {
    this.rows = prices.map((price) => ({ covers: compileGlob(price.model), price }));
  }

  get isEmpty(): boolean {
    return this.rows.length === 0;
  }

  /** Of several models that a request may mean, and where none is known of all that have one, the dearest counts. The name of one without a price instead. */
  rateOf(models: readonly string[]): { readonly rate: Rate } | { readonly without: string } {
    const chosen: ModelPrice[] = [];
    for (const model of models) {
      const row = this.rows.find(({ covers }) => covers(model));
      if (row === undefined) return { without: model };
      chosen.push(row.price);
    }
    const prices = chosen.length > 0 ? chosen : this.rows.map(({ price }) => price);
    return { rate: (usage) => this.dearest(prices, usage) };
  }

  private dearest(prices: readonly ModelPrice[], usage: Usage): number | null {
    const known = prices.map((price) => costOf(price, usage)).filter((cost) => cost !== null);
    if (known.length > 0) return Math.max(usage.reportedUsd, ...known);
    // It was to be reported, and was not.
    const others = this.rows.map(({ price }) => costOf(price, usage)).filter((cost) => cost !== null);
    return others.length > 0 ? Math.max(...others) : null;
  }
}

function costOf(price: ModelPrice, usage: Usage): number | null {
  if (price.reported === true) return usage.reportedUsd > 0 ? usage.reportedUsd : null;
  const { input, output, cacheRead, cacheWrite } = usage;
  return (
    (input * price.input + output * price.output + cacheRead * price.cacheRead + cacheWrite * price.cacheWrite) /
    MILLION
  );
}
