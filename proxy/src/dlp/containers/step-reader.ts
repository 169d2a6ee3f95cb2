// A reader that takes what it can of what has come, and keeps the rest for later.
import type { Members, Reader } from './members.ts';

const NOTHING = Buffer.alloc(0);

export abstract class StepReader implements Reader {
  takenBytes = 0;
  isDone = false;
  protected readonly members: Members;
  #waiting: Buffer = NOTHING;

  constructor(members: Members) {
    this.members = members;
  }

  push(chunk: Buffer): void {
    let input = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    this.#waiting = NOTHING;
    while (input.length > 0 && !this.isDone) {
      const taken = this.take(input);
      if (taken < 0) {
        this.#waiting = Buffer.from(input);
        return;
      }
      this.takenBytes += taken;
      this.members.at += taken;
      input = input.subarray(taken);
    }
  }

  abstract end(): void;

  /** How many bytes of `input` were dealt with; negative = more has to come first. */
  protected abstract take(input: Buffer): number;
}
