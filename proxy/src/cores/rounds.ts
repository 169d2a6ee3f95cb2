// What costs much is done for many at once: while one round is under way, all that comes waits together for the next one.

export interface RoundClock {
  /** In ms. */
  now(): number;
  /** At the soonest when what has arrived by now is read, so that it goes along. */
  wait(ms: number): Promise<void>;
}

/** Longest pause after a round, in ms. */
const LONGEST_PAUSE_MS = 2_000;

export class Rounds<Item> {
  private readonly run: (items: readonly Item[]) => Promise<void>;
  private readonly clock: RoundClock;
  private items: Item[] = [];
  private next: Promise<void> | null = null;
  private under: Promise<void> = Promise.resolve();
  /** Rounds take no more than half of the time: the other half is for those that would come with the next one. */
  private restUntil = Number.NEGATIVE_INFINITY;

  constructor(run: (items: readonly Item[]) => Promise<void>, clock: RoundClock = TIME) {
    this.run = run;
    this.clock = clock;
  }

  /** Resolves when the round is over with which the item went, and rejects when that failed. */
  add(item: Item): Promise<void> {
    this.items.push(item);
    this.next ??= this.begin(this.under);
    return this.next;
  }

  /** Resolves when everything that was added so far is done. */
  settled(): Promise<void> {
    return this.next ?? this.under;
  }

  private async begin(before: Promise<void>): Promise<void> {
    // What went wrong there, those heard of who waited for it.
    await before.catch(() => {});
    await this.clock.wait(Math.max(0, this.restUntil - this.clock.now()));
    const { items } = this;
    this.items = [];
    this.under = this.next!;
    this.next = null;
    const began = this.clock.now();
    await this.run(items);
    const ended = this.clock.now();
    this.restUntil = ended + Math.min(ended - began, LONGEST_PAUSE_MS);
  }
}

const TIME: RoundClock = {
  now: () => performance.now(),
  wait: (ms) =>
    new Promise((resolve) => {
      if (ms <= 0) setImmediate(resolve);
      else setTimeout(resolve, ms).unref();
    }),
};
