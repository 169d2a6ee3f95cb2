// The beginning and the end of an answer, where its usage stands: all that is searched of it. What lies between is only counted, so that reading
// the usage of a long stream costs a copy of its bytes at most.
import type { UsageScan } from './usage-scan.ts';

/** Searched as it comes. Anthropic's streams begin with the input's usage. In bytes. */
const FIRST_BYTES = 4096;
/** Searched when the answer is over. */
export const LAST_BYTES = 16 * 1024;

export class AnswerEnds {
  private readonly scan: UsageScan;
  private first = 0;
  /** A ring; null = the answer is short so far. */
  private last: Buffer | null = null;
  /** Bytes that went into the ring. */
  private behind = 0;

  constructor(scan: UsageScan) {
    this.scan = scan;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.first < FIRST_BYTES) {
      const searched = chunk.subarray(0, FIRST_BYTES - this.first);
      this.first += searched.length;
      this.scan.push(searched);
      if (searched.length === chunk.length) return;
      rest = chunk.subarray(searched.length);
    }
    this.last ??= Buffer.allocUnsafe(LAST_BYTES);
    if (rest.length > LAST_BYTES) {
      this.behind += rest.length - LAST_BYTES;
      rest = rest.subarray(rest.length - LAST_BYTES);
    }
    const at = this.behind % LAST_BYTES;
    const room = LAST_BYTES - at;
    if (rest.length <= room) this.last.set(rest, at);
    else {
      this.last.set(rest.subarray(0, room), at);
      this.last.set(rest.subarray(room), 0);
    }
    this.behind += rest.length;
  }

  /** Searches what was kept; what comes after it is another answer. */
  end(): void {
    const { last, behind } = this;
    this.first = 0;
    this.last = null;
    this.behind = 0;
    if (last === null) return;
    if (behind <= LAST_BYTES) {
      this.scan.push(last.subarray(0, behind));
      return;
    }
    this.scan.skip(behind - LAST_BYTES);
    const at = behind % LAST_BYTES;
    this.scan.push(last.subarray(at));
    this.scan.push(last.subarray(0, at));
  }
}
