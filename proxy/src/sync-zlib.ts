// One stream of node:zlib, driven a step at a time and synchronously.
//
// The public streams work on a thread and hand their output over later; `_processChunk`, which the synchronous functions of node:zlib are
// made of, does not. It is not documented, but stable for a decade (the tar reader of npm rests on it). Where it is missing `isMissing` says
// so, and whoever needs the step fails closed.

interface Inner {
  readonly bytesWritten: number;
  _handle: { close(): void } | null;
  _processChunk(chunk: Buffer, flush: number): Buffer | null;
  on(event: 'error', listener: () => void): unknown;
  removeAllListeners(event: 'error'): unknown;
  reset(): void;
  close(): void;
}

const NOTHING = Buffer.alloc(0);
const ignore = (): void => {};

export class SyncZlib {
  readonly #stream: Inner;

  /** `stream`: of node:zlib, unused so far, its own from now on. */
  constructor(stream: unknown) {
    // The cast names what the class has beyond its published type; `isMissing` checks that it is there.
    this.#stream = stream as Inner;
  }

  get isMissing(): boolean {
    return typeof this.#stream._processChunk !== 'function' || (this.#stream._handle ?? null) === null;
  }

  /** How much of the last step's input was used: less than all of it behind the end of a compressed stream. */
  get takenBytes(): number {
    return this.#stream.bytesWritten;
  }

  /** Throws what node:zlib throws. The output is the caller's. */
  step(input: Buffer, flush: number): Buffer {
    const stream = this.#stream;
    const handle = stream._handle!;
    // A synchronous step closes the handle behind it; the next one needs it.
    const { close } = handle;
    handle.close = ignore;
    try {
      const output = stream._processChunk(input, flush);
      // A copy: the next step writes into the same memory.
      return output === null || output.length === 0 ? NOTHING : Buffer.from(output);
    } finally {
      handle.close = close;
      stream._handle = handle;
      // Each step adds a listener and never removes it. The error was thrown as well, hence nothing is lost.
      stream.removeAllListeners('error');
      stream.on('error', ignore);
    }
  }

  /** For the next stream of the same kind, in the same memory. */
  reset(): void {
    this.#stream.reset();
  }

  close(): void {
    this.#stream.close();
  }
}
