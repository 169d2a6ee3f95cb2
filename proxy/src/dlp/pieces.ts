// Known values that were cut up: enough pieces of one are the value; a few are a reason to read without what stands between.
import type { Budget } from './budget.ts';
import type { Engine, KnownValue } from './engine.ts';
import type { Findings } from './findings.ts';
import { findFragments } from './fragments.ts';
import { insert, touches, union } from './spans.ts';
import type { Span, View } from './view.ts';
import { crowds, squeezed, squeezedBriefly } from './views/sparse.ts';

/** How much of a value gives it away, whatever the order of its parts. */
const COVERED_SHARE = 0.5;
const COVERED_BYTES = 12;
const PIECES_MARGIN = 256;
const PIECES_GAP = 64;
const PIECES_SUSPICIOUS = 2;

/** Pieces of one value in one view. */
export interface PieceHits {
  readonly value: KnownValue;
  readonly pieces: Set<number>;
  readonly places: number[];
}

export interface ValueHit {
  readonly value: KnownValue;
  readonly form: string;
  readonly span: Span;
}

export class Pieces {
  readonly #engine: Engine;
  readonly #budget: Budget;
  readonly #findings: Findings;
  readonly #fragments: { readonly view: View; readonly value: KnownValue; readonly spans: readonly Span[] }[] = [];

  constructor(engine: Engine, budget: Budget, findings: Findings) {
    this.#engine = engine;
    this.#budget = budget;
    this.#findings = findings;
  }

  /** `whole`: where values stand in the view as they are. */
  join(view: View, { value, places, pieces }: PieceHits, whole: readonly ValueHit[]): void {
    if (pieces.size < PIECES_SUSPICIOUS) return;
    // Four bytes may be an accident, twice in one neighbourhood they are not.
    const near = crowds(places, PIECES_GAP, PIECES_SUSPICIOUS);
    if (near.length === 0) return;
    const start = Math.max(0, near[0]!.start - PIECES_MARGIN);
    const end = Math.min(view.length, near.at(-1)!.end + PIECES_MARGIN);
    const known = union(whole.filter((one) => one.value === value).map((one) => one.span));
    const { spans, coveredBytes } = findFragments(view, value.bytes, { start, end }, known);
    if (coveredBytes >= Math.max(COVERED_BYTES, value.bytes.length * COVERED_SHARE)) {
      this.#fragments.push({ view, value, spans });
    } else if (known.length === 0) this.squeeze(view, start, end);
  }

  /** Looks for known values in a stretch of `view` without all that is neither letter nor digit. */
  squeeze(view: View, start: number, end: number): void {
    const { values, squeezedNeedles } = this.#engine;
    if (values.length === 0) return;
    let isThere = false;
    squeezedNeedles.find(squeezedBriefly(view, start, end), null, () => {
      isThere = true;
    });
    if (!isThere) return;
    const child = squeezed(view, start, end);
    if (!this.#budget.take(child)) return;
    squeezedNeedles.find(child, null, (tag, at, length) => {
      if (tag.do === 'value') this.#findings.addValue(child, tag.value, tag.form, { start: at, end: at + length });
    });
  }

  /** Parts of a value count where the value itself was not found around them, in another view. */
  report(): void {
    /** Where values were found, by fingerprint. */
    const found = new Map<string, Span[]>();
    for (const { view, value, spans } of this.#fragments) {
      let whole = found.get(value.fingerprint);
      if (whole === undefined) {
        whole = union(this.#findings.hits.filter((hit) => hit.fingerprint === value.fingerprint));
        found.set(value.fingerprint, whole);
      }
      for (const span of spans) {
        const inRoot = view.inRoot(span.start, span.end);
        if (touches(whole, inRoot)) continue;
        this.#findings.addValue(view, value, 'pieces', span);
        insert(whole, inRoot);
      }
    }
    this.#fragments.length = 0;
  }
}
