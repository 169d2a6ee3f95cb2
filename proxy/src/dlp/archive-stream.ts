// A body that streams, and the archives in it: bytes are released when both the search of the body as it is and that of what its archives
// hold have judged them.
import { Archives } from './containers/archives.ts';
import type { Piece, Unread } from './containers/members.ts';
import { Hunt } from './hunt.ts';
import { matchOf } from './match.ts';
import type { StreamOptions } from './plain-stream.ts';
import type { Match, StreamScan, StreamStep, Unjudged } from './types.ts';
import { View } from './view.ts';

/** How many findings are remembered, to report each once. */
const REMEMBERED = 4096;
const NOTHING = Buffer.alloc(0);

/** A scan that says how far it has got. */
export interface PlacedScan extends StreamScan {
  /** How much of the body has been released, in bytes. */
  readonly releasedBytes: number;
}

export class ArchiveStream implements PlacedScan {
  readonly isWrittenAnew = false;
  readonly #options: StreamOptions;
  readonly #plain: PlacedScan;
  readonly #archives: Archives;
  readonly #waiting: { readonly bytes: Buffer; readonly end: number }[] = [];
  readonly #reported = new Set<string>();
  #matches: Match[] = [];
  #unjudged: Unjudged | null = null;
  #isUnread = false;
  #isSaid = false;
  #released = 0;

  constructor(options: StreamOptions, plain: PlacedScan) {
    this.#options = options;
    this.#plain = plain;
    this.#archives = new Archives(
      { search: (piece) => this.#search(piece), unread: (unread) => this.#refuse(unread) },
      options.decodedBytes,
    );
  }

  get releasedBytes(): number {
    return this.#released;
  }

  push(chunk: Buffer): StreamStep {
    if (!this.#isUnread) this.#archives.push(chunk);
    return this.#step(this.#plain.push(chunk), () => this.#archives.judgedBytes);
  }

  settle(): StreamStep {
    return this.#step(this.#plain.settle(), () => this.#archives.settledBytes);
  }

  end(): StreamStep {
    if (!this.#isUnread) this.#archives.end();
    return this.#step(this.#plain.end(), () => Number.POSITIVE_INFINITY);
  }

  #step(step: StreamStep, judgedBytes: () => number): StreamStep {
    const matches = this.#matches.length === 0 ? step.matches : [...step.matches, ...this.#matches];
    const unjudged = step.unjudged ?? (this.#isSaid ? null : this.#unjudged);
    if (unjudged !== null) this.#isSaid = true;
    this.#isUnread ||= unjudged?.kind === 'over_budget';
    this.#matches = [];
    if (step.release.length > 0) this.#waiting.push({ bytes: step.release, end: this.#plain.releasedBytes });
    const judged = this.#isUnread ? Number.POSITIVE_INFINITY : judgedBytes();
    const release: Buffer[] = [];
    while (this.#waiting.length > 0 && this.#waiting[0]!.end <= judged) {
      const first = this.#waiting.shift()!;
      release.push(first.bytes);
      this.#released = first.end;
    }
    const bytes = release.length === 0 ? NOTHING : release.length === 1 ? release[0]! : Buffer.concat(release);
    return { release: bytes, matches, unjudged };
  }

  #search({ kind, bytes, start, end, isCut }: Piece): void {
    const { engine, decodedBytes, where } = this.#options;
    const hunt = new Hunt(engine, bytes.length, decodedBytes, isCut);
    hunt.search(new View(bytes, bytes.length, kind));
    for (const hit of hunt.hits) {
      const key = `${hit.detector} ${hit.fingerprint} ${hit.chain}`;
      if (this.#reported.has(key)) continue;
      if (this.#reported.size >= REMEMBERED) this.#reported.clear();
      this.#reported.add(key);
      this.#matches.push({ ...matchOf({ ...hit, start, end }, where, ''), isFixed: true });
    }
    if (hunt.isOverBudget) this.#over('too much nested data, or too many findings');
    else if (hunt.unread !== '') this.#unjudged ??= { kind: 'undecodable', detail: hunt.unread };
  }

  #refuse({ unjudged }: Unread): void {
    if (unjudged.kind === 'over_budget') this.#over(unjudged.detail);
    else this.#unjudged ??= unjudged;
  }

  /** Louder than what cannot be read: nothing is searched any more. */
  #over(detail: string): void {
    if (this.#unjudged?.kind === 'over_budget') return;
    this.#unjudged = { kind: 'over_budget', detail };
    this.#isSaid = false;
  }
}
