// Decodes a compressed body piece by piece and synchronously, so that no byte of it has to leave before its content was judged.
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  constants as zlib,
} from 'node:zlib';
import { SyncZlib } from '../sync-zlib.ts';
import type { Coding } from './body.ts';
import type { Unjudged } from './types.ts';
import { isTooLarge } from './views/compressed.ts';

/** Input taken at a time: bounds what one step can inflate to. */
const STEP_BYTES = 4096;
/** Output of one step beyond which the stream is a bomb. */
const STEP_OUTPUT_BYTES = 32 * 1024 * 1024;

interface Kind {
  readonly open: () => unknown;
  readonly flush: number;
  readonly finish: number;
}

const options = { maxOutputLength: STEP_OUTPUT_BYTES };
const flate = { flush: zlib.Z_SYNC_FLUSH, finish: zlib.Z_FINISH };

const KINDS: Readonly<Record<Coding, Kind>> = {
  gzip: { open: () => createGunzip(options), ...flate },
  deflate: { open: () => createInflate(options), ...flate },
  'deflate-raw': { open: () => createInflateRaw(options), ...flate },
  br: {
    open: () => createBrotliDecompress(options),
    flush: zlib.BROTLI_OPERATION_FLUSH,
    finish: zlib.BROTLI_OPERATION_FINISH,
  },
  zstd: { open: () => createZstdDecompress(options), flush: zlib.ZSTD_e_flush, finish: zlib.ZSTD_e_end },
};

export class StepDecoder {
  /** As named; once something was decoded, as it is. */
  coding: Coding;
  #kind: Kind;
  #stream: SyncZlib | null = null;
  #failed: Unjudged | null = null;

  constructor(coding: Coding) {
    this.coding = coding;
    this.#kind = KINDS[coding];
  }

  /** What `chunk` adds to the content; `onBytes` is called for each part, so that no more than a step's output is held. */
  push(chunk: Buffer, onBytes: (bytes: Buffer) => Unjudged | null): Unjudged | null {
    for (let at = 0; at < chunk.length; at += STEP_BYTES) {
      const unjudged = this.#step(chunk.subarray(at, at + STEP_BYTES), onBytes);
      if (unjudged !== null) return unjudged;
    }
    return null;
  }

  /** Null when the stream is complete. */
  end(): Unjudged | null {
    if (this.#failed !== null) return this.#failed;
    if (this.#stream === null) return null;
    const last = this.#process(Buffer.alloc(0), this.#kind.finish);
    this.close();
    return typeof last === 'string' ? this.#fail(last) : null;
  }

  close(): void {
    this.#stream?.close();
    this.#stream = null;
  }

  #step(input: Buffer, onBytes: (bytes: Buffer) => Unjudged | null): Unjudged | null {
    if (this.#failed !== null) return this.#failed;
    if (this.#stream === null) this.#open(input);
    // A Zstandard frame ends before the input does when another follows.
    for (let rest = input; rest.length > 0; ) {
      const output = this.#process(rest, this.#kind.flush);
      if (typeof output === 'string') return this.#fail(output);
      if (output.length > 0) {
        const unjudged = onBytes(output);
        if (unjudged !== null) return unjudged;
      }
      const taken = this.#stream?.takenBytes ?? 0;
      if (taken === 0) return this.#fail('data after the end of the stream');
      rest = rest.subarray(taken);
    }
    return null;
  }

  #open(head: Buffer): void {
    // "deflate" means zlib, and raw deflate to some senders.
    const isZlib = (head[0]! & 0x0f) === 8 && (head.length < 2 || ((head[0]! << 8) | head[1]!) % 31 === 0);
    if (this.coding === 'deflate' && !isZlib) this.coding = 'deflate-raw';
    this.#kind = KINDS[this.coding];
    this.#stream = new SyncZlib(this.#kind.open());
  }

  /** Output, or what is wrong with the stream. */
  #process(input: Buffer, flush: number): Buffer | string {
    const stream = this.#stream;
    if (stream === null || stream.isMissing) return 'this Node.js cannot decode in steps';
    try {
      return stream.step(input, flush);
    } catch (cause) {
      if (isTooLarge(cause)) return 'a step decodes to too many bytes';
      return `not a complete ${this.coding} stream`;
    }
  }

  #fail(detail: string): Unjudged {
    const isBudget = detail.startsWith('a step') || detail.startsWith('this Node');
    this.#failed = { kind: isBudget ? 'over_budget' : 'undecodable', detail };
    this.close();
    return this.#failed;
  }
}
