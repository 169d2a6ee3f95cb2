// Finds the end of a head in bytes that come in pieces. Pure.
import { Malformed } from './malformed.ts';

export class HeadFinder {
  private readonly limitBytes: number;
  /** Bytes at the beginning of the input that are known to hold no end. */
  private searched = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** A head has begun and its end was not there yet. */
  get isWaiting(): boolean {
    return this.searched > 0;
  }

  /** Where the empty line begins; null = it has not come. `input` is all since the head's first byte, each time. */
  find(input: Buffer): number | null | Malformed {
    const end = input.indexOf('\r\n\r\n', Math.max(0, this.searched - 3), 'latin1');
    if ((end < 0 ? input.length : end) > this.limitBytes) {
      return new Malformed('head-too-large', `the head is larger than ${this.limitBytes} bytes`);
    }
    if (end >= 0) {
      this.searched = 0;
      return end;
    }
    // A head with bare line feeds would never end: say so at once.
    for (let at = input.indexOf(10, this.searched); at >= 0; at = input.indexOf(10, at + 1)) {
      if (at === 0 || input[at - 1] !== 13) return new Malformed('bare-lf', 'a line feed without carriage return');
    }
    this.searched = input.length;
    return null;
  }
}
