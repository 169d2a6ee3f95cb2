// What leaves, in its order: behind what waits for a person everything waits.
import type { Held, Refusal } from '../pipeline/types.ts';

/** What stands behind a question until no more is read, in bytes: so much may come before the client's end is seen no more. */
const FULL_BYTES = 256 * 1024;

export interface LineEnds<T> {
  /** Waits for a person's word; null = it may leave. */
  ask(held: Held): Promise<Refusal | null>;
  leave(item: T): void;
  /** A person said no, or nobody did. */
  onRefused(refusal: Refusal): void;
  /** Nothing waits any more. */
  onClear(): void;
  onFailure(error: unknown): void;
}

interface Standing<T> {
  readonly item: T;
  readonly bytes: number;
  readonly held: Held | null;
}

export class Line<T> {
  private readonly ends: LineEnds<T>;
  private standing: Standing<T>[] = [];
  private waitingBytes = 0;
  private isAsking = false;
  private isOver = false;

  constructor(ends: LineEnds<T>) {
    this.ends = ends;
  }

  get isClear(): boolean {
    return !this.isAsking;
  }

  get isFull(): boolean {
    return this.waitingBytes > FULL_BYTES;
  }

  /** `bytes`: how much of memory it takes. */
  push(item: T, bytes: number, held: Held | null): void {
    if (this.isOver) return;
    if (held === null && this.isClear) {
      this.ends.leave(item);
      return;
    }
    this.standing.push({ item, bytes, held });
    this.waitingBytes += bytes;
    if (this.isClear) this.advance().catch((error: unknown) => this.ends.onFailure(error));
  }

  /** Nothing of it leaves any more. */
  close(): void {
    this.isOver = true;
    this.standing = [];
    this.waitingBytes = 0;
  }

  private async advance(): Promise<void> {
    this.isAsking = true;
    for (let next = this.standing[0]; next !== undefined; next = this.standing[0]) {
      const refusal = next.held === null ? null : await this.ends.ask(next.held);
      if (this.isOver) return;
      if (refusal !== null) {
        this.close();
        this.ends.onRefused(refusal);
        return;
      }
      this.standing.shift();
      this.waitingBytes -= next.bytes;
      this.ends.leave(next.item);
      if (this.isOver) return;
    }
    this.isAsking = false;
    this.ends.onClear();
  }
}
