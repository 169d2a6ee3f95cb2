// The counts of one quota, in memory that threads may share: a lock, the bytes so far, when the last requests were, and what was spent.
import type { Quota } from '../contract.ts';

const WINDOW_MS = 60_000;
const WORD = Float64Array.BYTES_PER_ELEMENT;
// Words before the ring of times.
const LOCK = 0;
const USED_BYTES = 1;
const REQUESTS = 2;
const RING = 3;
/** A thread that holds the lock may have been put aside by the system: then waiting costs less than turning. In ms. */
const WAIT_MS = 1;

/** Behind the ring, of a quota that bounds spending: tokens, dollars, and for each second of a minute which one it was and its tokens. */
const SECONDS = 60;
const SPENT_WORDS = 2 + 2 * SECONDS;

export function meterBytes(quota: Quota): number {
  return (ringEnd(quota) + (quota.spend === undefined ? 0 : SPENT_WORDS)) * WORD;
}

const ringEnd = (quota: Quota): number => RING + (quota.requestsPerMinute ?? 0);

export interface Spent {
  readonly tokens: number;
  readonly usd: number;
  /** In the last 60 seconds, about. */
  readonly minuteTokens: number;
}

export class Meter {
  readonly quota: Quota;
  private readonly words: Float64Array;
  private readonly lock: Int32Array;

  /** `memory` is zeroed by whoever made it; the meter's part begins `at` bytes. */
  constructor(quota: Quota, memory: SharedArrayBuffer, at: number) {
    this.quota = quota;
    this.words = new Float64Array(memory, at, meterBytes(quota) / WORD);
    this.lock = new Int32Array(memory, at + LOCK * WORD, 1);
  }

  /** Counts one request; 0 = it may go, otherwise nothing is counted, and one may go in so many ms. */
  takeRequest(nowMs: number): number {
    const most = this.quota.requestsPerMinute;
    if (most === null) return 0;
    if (most === 0) return WINDOW_MS;
    return this.locked(() => {
      const count = this.words[REQUESTS]!;
      // Where the request stands that was `most` requests ago: while it is younger than a minute there is no room.
      const slot = RING + (count % most);
      const waitMs = count < most ? 0 : Math.max(0, this.words[slot]! + WINDOW_MS - nowMs);
      if (waitMs > 0) return waitMs;
      this.words[slot] = nowMs;
      this.words[REQUESTS] = count + 1;
      return 0;
    });
  }

  /** Takes back the last request that was counted. */
  giveRequest(): void {
    const most = this.quota.requestsPerMinute;
    if (most === null) return;
    this.locked(() => {
      const count = this.words[REQUESTS]! - 1;
      this.words[REQUESTS] = count;
      // What stood there before was older than a minute, or nothing.
      this.words[RING + (count % most)] = Number.NEGATIVE_INFINITY;
    });
  }

  /** Is there room for that many? Counts nothing. */
  hasBytes(bytes: number): boolean {
    const { totalBytes } = this.quota;
    return totalBytes === null || this.locked(() => this.words[USED_BYTES]! + bytes <= totalBytes);
  }

  /** Counts bytes that are about to move; false = they are too many, and must not. */
  takeBytes(bytes: number): boolean {
    const { totalBytes } = this.quota;
    if (totalBytes === null) return true;
    return this.locked(() => {
      if (this.words[USED_BYTES]! + bytes > totalBytes) return false;
      this.words[USED_BYTES] = this.words[USED_BYTES]! + bytes;
      return true;
    });
  }

  /** Of a quota that bounds spending. */
  spent(nowMs: number): Spent {
    return this.locked(() => {
      const at = ringEnd(this.quota);
      const { words } = this;
      const second = Math.floor(nowMs / 1000);
      let minuteTokens = 0;
      for (let slot = at + 2; slot < at + SPENT_WORDS; slot += 2) {
        if (words[slot]! > second - SECONDS) minuteTokens += words[slot + 1]!;
      }
      return { tokens: words[at]!, usd: words[at + 1]!, minuteTokens };
    });
  }

  /** Counts what was spent: it has happened, so nothing is refused here. */
  spend(tokens: number, usd: number, nowMs: number): void {
    this.locked(() => {
      const at = ringEnd(this.quota);
      const { words } = this;
      words[at] = words[at]! + tokens;
      words[at + 1] = words[at + 1]! + usd;
      const second = Math.floor(nowMs / 1000);
      const slot = at + 2 + 2 * (second % SECONDS);
      words[slot + 1] = (words[slot] === second ? words[slot + 1]! : 0) + tokens;
      words[slot] = second;
    });
  }

  private locked<T>(step: () => T): T {
    while (Atomics.compareExchange(this.lock, 0, 0, 1) !== 0) Atomics.wait(this.lock, 0, 1, WAIT_MS);
    try {
      return step();
    } finally {
      Atomics.store(this.lock, 0, 0);
      Atomics.notify(this.lock, 0, 1);
    }
  }
}
