// A message that waits until it is whole: as it came, and what it says. All of it counts against what may be held.
import type { HoldBudget } from '../hold-budget.ts';

export interface HeldFrame {
  readonly isFinal: boolean;
  readonly pieces: Buffer[];
}

/** What keeping an empty frame costs, in bytes. */
const FRAME_BYTES = 128;

export class HeldMessage {
  frames: HeldFrame[] = [];
  content: Buffer[] = [];
  isTooLarge = false;
  private readonly limitBytes: number;
  private readonly budget: HoldBudget;
  private heldBytes = 0;

  constructor(limitBytes: number, budget: HoldBudget) {
    // The first frame costs nothing.
    this.limitBytes = limitBytes + FRAME_BYTES;
    this.budget = budget;
  }

  get payload(): readonly Buffer[] {
    return this.frames.flatMap(({ pieces }) => pieces);
  }

  addFrame(isFinal: boolean): void {
    this.frames.push({ isFinal, pieces: [] });
    this.count(FRAME_BYTES);
  }

  /** `isCompressed`: it is not the content itself, which is counted by itself. */
  addPayload(piece: Buffer, isCompressed: boolean): void {
    this.frames.at(-1)!.pieces.push(piece);
    if (isCompressed) this.count(piece.length);
  }

  addContent(bytes: Buffer): void {
    this.content.push(bytes);
    this.count(bytes.length);
  }

  /** All of the content in one piece. */
  whole(): Buffer {
    return this.content.length === 1 ? this.content[0]! : Buffer.concat(this.content);
  }

  /** Nothing of it is held any more. */
  release(): void {
    this.budget.give(this.heldBytes);
    this.heldBytes = 0;
    this.frames = [];
    this.content = [];
  }

  private count(bytes: number): void {
    this.heldBytes += bytes;
    const isRoom = this.budget.take(bytes);
    if (!isRoom || this.heldBytes > this.limitBytes) this.isTooLarge = true;
  }
}
