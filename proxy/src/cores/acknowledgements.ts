// What others were told and have not confirmed yet. Each confirms in the order in which it was told.

export class Acknowledgements<Other> {
  private readonly sent = new Map<Other, number>();
  private readonly confirmed = new Map<Other, number>();
  private waiting: { readonly needed: ReadonlyMap<Other, number>; readonly resolve: () => void }[] = [];

  /** The number of what `other` is told now. */
  expect(other: Other): number {
    const serial = (this.sent.get(other) ?? 0) + 1;
    this.sent.set(other, serial);
    return serial;
  }

  come(other: Other, serial: number): void {
    this.confirmed.set(other, serial);
    const done = this.waiting.filter(({ needed }) => this.isConfirmed(needed));
    this.waiting = this.waiting.filter((one) => !done.includes(one));
    for (const { resolve } of done) resolve();
  }

  /** Resolves when everything that was told so far is confirmed. */
  async all(): Promise<void> {
    const needed = new Map(this.sent);
    if (this.isConfirmed(needed)) return;
    await new Promise<void>((resolve) => {
      this.waiting.push({ needed, resolve });
    });
  }

  private isConfirmed(needed: ReadonlyMap<Other, number>): boolean {
    for (const [other, serial] of needed) if ((this.confirmed.get(other) ?? 0) < serial) return false;
    return true;
  }
}
