// How much of all request bodies together may stand in memory, waiting to be judged whole.

export class HoldBudget {
  private readonly limitBytes: number;
  private usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Counts the bytes in any case; false = it is time to judge as they come, and hold no more. */
  take(bytes: number): boolean {
    this.usedBytes += bytes;
    return this.usedBytes <= this.limitBytes;
  }

  give(bytes: number): void {
    this.usedBytes -= bytes;
  }
}
