// How much of all request bodies together may stand in memory, waiting to be judged whole. All threads count together.
import { SharedCount } from '../cores/shared-count.ts';

export class HoldBudget {
  private readonly limitBytes: number;
  private readonly used: SharedCount;

  constructor(limitBytes: number, used = new SharedCount()) {
    this.limitBytes = limitBytes;
    this.used = used;
  }

  /** Counts the bytes in any case; false = it is time to judge as they come, and hold no more. */
  take(bytes: number): boolean {
    return this.used.add(bytes) <= this.limitBytes;
  }

  give(bytes: number): void {
    this.used.add(-bytes);
  }
}
