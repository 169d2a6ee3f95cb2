// A request's body on its way in: held up to a limit so that it can be judged whole, and past it judged piece by piece.

import type { Refusal } from '../pipeline/types.ts';
import type { AgentStream } from './agent.ts';
import type { BodySink } from './h1/chunked.ts';
import type { HoldBudget } from './hold-budget.ts';
import type { Allowance } from './quotas.ts';

/** What a pump tells its owner. */
export interface BodyConsumer {
  onPiece(piece: Buffer): void;
  onEnd(rawTrailers: readonly string[]): void;
  /** It is more than the agent may use up; nothing more comes. */
  onRefused(refusal: Refusal): void;
}

/** `refused`: more came than the agent may use up. */
export type HeldBody = 'whole' | 'large' | 'refused';

/** Holds the names of more refs than a refusal lists. */
const BEGINNING_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);

export class RequestBody implements BodySink {
  private pieces: Buffer[] = [];
  private size = 0;
  private rawTrailers: readonly string[] = [];
  isEnded = false;
  private isLarge = false;
  private isEager = false;
  /** Of the whole body, by what the agent may use up. */
  refusal: Refusal | null = null;
  private settle: ((size: HeldBody) => void) | null = null;
  private consumer: BodyConsumer | null = null;
  /** Its beginning, where somebody asked for it (`keepBeginning`). */
  beginning: Buffer | null = null;
  private readonly stream: AgentStream;
  private readonly holdBytes: number;
  private readonly budget: HoldBudget;
  private readonly allowance: Allowance;
  private takenBytes = 0;
  /** Runs while a pause would end the holding. */
  private quiet: NodeJS.Timeout | null = null;

  constructor(stream: AgentStream, holdBytes: number, budget: HoldBudget, allowance: Allowance) {
    this.stream = stream;
    this.allowance = allowance;
    this.holdBytes = holdBytes;
    this.budget = budget;
  }

  /** Reads until the end or until the limit is passed; then nothing more is read until `pump`. */
  hold(): Promise<HeldBody> {
    return new Promise((resolve) => {
      this.settle = resolve;
      this.stream.readBody(this);
    });
  }

  /** Reads until something has come, or nothing for `waitMs`: a client may wait for an answer before it says anything. */
  async begin(waitMs: number): Promise<HeldBody> {
    const held = this.hold();
    // From here on every piece is too many to wait for another.
    this.isEager = true;
    const timer = setTimeout(() => this.settle?.('large'), waitMs);
    try {
      return await held;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads like `hold`, but also stops when nothing has come for `waitMs`: a client may wait for an answer in the middle. */
  async holdUntilQuiet(waitMs: number): Promise<HeldBody> {
    this.quiet = setTimeout(() => {
      this.isLarge = true;
      this.stream.pauseBody();
      this.settle?.('large');
    }, waitMs);
    try {
      return await this.hold();
    } finally {
      clearTimeout(this.quiet);
      this.quiet = null;
    }
  }

  /** From now on its beginning is remembered: what the answer to a push is made of. */
  keepBeginning(): void {
    this.beginning = NOTHING;
  }

  onBody(chunk: Buffer): void {
    this.quiet?.refresh();
    if (this.refusal !== null) return;
    if (this.beginning !== null && this.beginning.length < BEGINNING_BYTES) {
      this.beginning = Buffer.concat([this.beginning, chunk.subarray(0, BEGINNING_BYTES - this.beginning.length)]);
    }
    this.refusal = this.allowance.takeBody(chunk.length);
    if (this.refusal !== null) {
      this.stream.pauseBody();
      this.consumer?.onRefused(this.refusal);
      this.settle?.('refused');
      return;
    }
    if (this.consumer !== null) {
      this.consumer.onPiece(chunk);
      return;
    }
    this.pieces.push(chunk);
    this.size += chunk.length;
    this.takenBytes += chunk.length;
    const isRoom = this.budget.take(chunk.length);
    if ((isRoom && this.size <= this.holdBytes && !this.isEager) || this.isLarge) return;
    this.isLarge = true;
    this.stream.pauseBody();
    this.settle?.('large');
  }

  onBodyEnd(rawTrailers: readonly string[]): void {
    if (this.refusal !== null) return;
    this.isEnded = true;
    this.rawTrailers = rawTrailers;
    if (this.consumer !== null) this.consumer.onEnd(rawTrailers);
    else this.settle?.('whole');
  }

  /** The whole body, once `hold` said so. */
  whole(): { readonly bytes: Buffer; readonly rawTrailers: readonly string[] } {
    const bytes = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces, this.size);
    return { bytes, rawTrailers: this.rawTrailers };
  }

  /** Nothing of it is needed any more. */
  release(): void {
    this.budget.give(this.takenBytes);
    this.takenBytes = 0;
  }

  /** What was held, oldest first; it is the caller's from now on. */
  takeHeld(): readonly Buffer[] {
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }

  /** Gives everything that is still held and then everything that comes to `consumer`; without `hold` before it, from the beginning. */
  pump(consumer: BodyConsumer): void {
    this.consumer = consumer;
    for (const piece of this.takeHeld()) consumer.onPiece(piece);
    if (this.isEnded) consumer.onEnd(this.rawTrailers);
    else if (this.settle === null) this.stream.readBody(this);
    else this.stream.resumeBody();
  }
}
