// Inflates one deflate stream after the other in the same memory, step by step: an object of a git pack is a few hundred bytes, and a decoder
// of its own would cost five times what reading it does.
import { createInflate, createInflateRaw, constants as zlib } from 'node:zlib';
import { SyncZlib } from '../../sync-zlib.ts';

/** Input taken at a time: what one step gives is at most a thousand times as long. */
const STEP_BYTES = 16 * 1024;
const CHUNK_BYTES = 64 * 1024;

export interface Inflation {
  readonly output: Buffer;
  /** Bytes of the input that belong to the stream. */
  readonly taken: number;
  readonly isDone: boolean;
}

export class Inflater {
  readonly #open: () => unknown;
  #stream: SyncZlib | null = null;
  #isUsed = false;

  constructor(kind: 'zlib' | 'raw') {
    this.#open = () =>
      kind === 'zlib' ? createInflate({ chunkSize: CHUNK_BYTES }) : createInflateRaw({ chunkSize: CHUNK_BYTES });
  }

  /** The next step of the current stream; null when it is none. Where it ends with the input, the next step says that it is done. */
  step(input: Buffer): Inflation | null {
    this.#stream ??= new SyncZlib(this.#open());
    if (this.#stream.isMissing) return null;
    this.#isUsed = true;
    const piece = input.length > STEP_BYTES ? input.subarray(0, STEP_BYTES) : input;
    try {
      const output = this.#stream.step(piece, zlib.Z_SYNC_FLUSH);
      const taken = this.#stream.takenBytes;
      return { output, taken, isDone: taken < piece.length };
    } catch {
      // What zlib throws says that this is no stream of its kind, and leaves a decoder that is of no use.
      this.close();
      return null;
    }
  }

  /** What follows is another stream. */
  next(): void {
    if (this.#isUsed) this.#stream?.reset();
    this.#isUsed = false;
  }

  close(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#isUsed = false;
  }
}
