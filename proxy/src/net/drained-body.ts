// The rest of a body that nobody wants, read to its end: some clients hear no answer before they have sent everything.
import type { BodySink } from './h1/chunked.ts';

export class DrainedBody implements BodySink {
  private leftBytes: number;
  private onOver: ((isWhole: boolean) => void) | null;

  /** `onOver` is called once: false when there was more than `mostBytes`. */
  constructor(mostBytes: number, onOver: (isWhole: boolean) => void) {
    this.leftBytes = mostBytes;
    this.onOver = onOver;
  }

  onBody(chunk: Buffer): void {
    this.leftBytes -= chunk.length;
    if (this.leftBytes < 0) this.end(false);
  }

  onBodyEnd(): void {
    this.end(true);
  }

  private end(isWhole: boolean): void {
    const { onOver } = this;
    this.onOver = null;
    onOver?.(isWhole);
  }
}
