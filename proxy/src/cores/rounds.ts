// What costs much is done for many at once: while one round is under way, all that comes waits together for the next one.

export class Rounds<Item> {
  private readonly run: (items: readonly Item[]) => Promise<void>;
  private readonly soon: (begin: () => void) => void;
  private items: Item[] = [];
  private next: Promise<void> | null = null;
  private under: Promise<void> = Promise.resolve();

  /** `soon`: calls back when what has arrived by now is read, so that it goes along. */
  constructor(run: (items: readonly Item[]) => Promise<void>, soon: (begin: () => void) => void = setImmediate) {
    this.run = run;
    this.soon = soon;
  }

  /** Resolves when the round is over with which the item went, and rejects when that failed. */
  add(item: Item): Promise<void> {
    this.items.push(item);
    if (this.next !== null) return this.next;
    this.next = this.begin(this.under);
    return this.next;
  }

  /** Resolves when everything that was added so far is done. */
  settled(): Promise<void> {
    return this.next ?? this.under;
  }

  private async begin(before: Promise<void>): Promise<void> {
    // What went wrong there, those heard of who waited for it.
    await before.catch(() => {});
    await new Promise<void>((resolve) => this.soon(resolve));
    const { items } = this;
    this.items = [];
    this.under = this.next!;
    this.next = null;
    await this.run(items);
  }
}
