// One search: the text itself, then whatever it decodes to, five decodings deep, within a budget.
import { Budget, mayNest } from './budget.ts';
import type { Engine } from './engine.ts';
import { Expanding } from './expanding.ts';
import { Findings, type Hit } from './findings.ts';
import { Matching } from './matching.ts';
import { SOURCE_DETECTOR } from './source/source-index.ts';
import { Unpacking } from './unpacking.ts';
import type { View } from './view.ts';
import { DecodedRuns } from './views/runs.ts';

export class Hunt {
  readonly #engine: Engine;
  readonly #budget: Budget;
  readonly #findings: Findings;
  readonly #matching: Matching;
  readonly #expanding: Expanding;
  readonly #unpacking: Unpacking;

  /** `isCut`: of a text that goes on before or behind. Archives in it are read by somebody who sees all of them. */
  constructor(engine: Engine, lengthBytes: number, decodedBytes: number, isCut = false) {
    this.#engine = engine;
    this.#budget = new Budget(lengthBytes, decodedBytes);
    this.#findings = new Findings(engine.fingerprint);
    this.#matching = new Matching(engine, this.#budget, this.#findings);
    this.#expanding = new Expanding(engine, this.#budget, this.#matching.pieces);
    this.#unpacking = new Unpacking(this.#budget, this.#findings, isCut);
  }

  get hits(): readonly Hit[] {
    return this.#findings.hits;
  }

  /** Some of it was not searched, or there is more than can be named. */
  get isOverBudget(): boolean {
    return this.#budget.isOver || this.#findings.isFull;
  }

  /** What in it cannot be read, and stands where it cannot be replaced either; '' for nothing. */
  get unread(): string {
    return this.#unpacking.unread;
  }

  /** What was done so far, so that tests can tell work in proportion to the input from work that is not. */
  get work(): Budget['work'] {
    return this.#budget.work;
  }

  /** Searches `view` as it is, without decoding anything. */
  searchFlat(view: View): void {
    this.#matching.match(view, new DecodedRuns(), () => {});
    this.#matching.pieces.report();
  }

  /** Searches `root` and all that it decodes to. */
  search(root: View): void {
    this.#search(root);
    this.#matching.pieces.report();
  }

  #search(view: View): void {
    this.work.views++;
    this.work.bytes += view.length;
    const children: View[] = [];
    const add = (child: View): void => void (child.length > 0 && children.push(child));
    this.#unpacking.refuseUnreadable(view);
    let mayHoldMore = view.isOpaque;
    if (view.isOpaque) this.#expanding.expandOpaque(view, add);
    else {
      const decoded = new DecodedRuns();
      const hints = this.#matching.match(view, decoded, add);
      for (const span of this.#engine.source?.find(view) ?? []) this.#findings.addDetected(view, SOURCE_DETECTOR, span);
      if (!mayNest(view) || this.isOverBudget) return;
      mayHoldMore = this.#expanding.expand(view, hints, decoded, add);
    }
    for (const child of children) this.#searchInside(child);
    // Last, and searched as it comes out: an archive may hold more than should be in memory at once.
    if (mayHoldMore && !this.isOverBudget) this.#unpacking.unpack(view, (child) => this.#searchInside(child));
  }

  #searchInside(child: View): void {
    if (!this.isOverBudget && this.#budget.take(child)) this.#search(child);
  }
}
