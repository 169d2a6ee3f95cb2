// The payloads of permessage-deflate (RFC 7692, 7.2): read, and written anew. Synchronous: nothing leaves before it was read.
import { createDeflateRaw, createInflateRaw, constants as zlib } from 'node:zlib';
import type { Unjudged } from '../../dlp/types.ts';
import { SyncZlib } from '../../sync-zlib.ts';
import type { DeflateSide } from './extension.ts';

/** Input taken at a time: bounds what one step can inflate to (a thousand times as much). In bytes. */
const STEP_BYTES = 4096;
/** Ends every compressed message, and is not sent (7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Zlib's own raw format begins at 9, whose farthest reference (250 bytes) fits a window of 2^8 too. */
const LEAST_BITS = 9;

/** False = the rest is of no interest. */
type OnContent = (bytes: Buffer) => boolean;

export class MessageInflater {
  private readonly side: DeflateSide;
  private stream: SyncZlib | null = null;
  /** The last block said that it is the last one: of this message nothing but padding may follow. */
  private isEnded = false;
  private paddingBytes = 0;

  constructor(side: DeflateSide) {
    this.side = side;
  }

  /** What a piece of a message's payload adds to its content. */
  push(piece: Buffer, onContent: OnContent): Unjudged | null {
    let isWanted = true;
    const pass = (bytes: Buffer): boolean => {
      isWanted = onContent(bytes);
      return isWanted;
    };
    for (let at = 0; at < piece.length && isWanted; at += STEP_BYTES) {
      const unjudged = this.step(piece.subarray(at, at + STEP_BYTES), pass);
      if (unjudged !== null) return unjudged;
    }
    return null;
  }

  /** The message is complete. */
  end(): Unjudged | null {
    let hasContent = false;
    const unjudged = this.isEnded
      ? null
      : this.step(TAIL, () => {
          hasContent = true;
          return true;
        });
    if (this.isEnded || !this.side.keepsWindow) this.close();
    // A complete message ends at the end of a block: there the tail is an empty one.
    return unjudged ?? (hasContent ? undecodable('a message that ends inside a block') : null);
  }

  close(): void {
    this.stream?.close();
    this.stream = null;
    this.isEnded = false;
    this.paddingBytes = 0;
  }

  private step(input: Buffer, onContent: OnContent): Unjudged | null {
    if (this.isEnded) return this.padding(input);
    // The largest window reads what was written for a smaller one.
    this.stream ??= new SyncZlib(createInflateRaw());
    const { stream } = this;
    if (stream.isMissing) return { kind: 'over_budget', detail: 'this Node.js cannot decode in steps' };
    let output: Buffer;
    try {
      output = stream.step(input, zlib.Z_SYNC_FLUSH);
    } catch {
      // Whatever zlib says of it, it is no deflate stream: a step is too small to be too large.
      return undecodable('not a deflate stream');
    }
    const taken = stream.takenBytes;
    if (output.length > 0 && !onContent(output)) return null;
    if (taken === input.length) return null;
    this.isEnded = true;
    return input === TAIL ? null : this.padding(input.subarray(taken));
  }

  /** 7.2.3.4: behind a last block stands the begin of an empty one. Anything else some readers see and others do not. */
  private padding(input: Buffer): Unjudged | null {
    this.paddingBytes += input.length;
    return this.paddingBytes === 0 || (this.paddingBytes === 1 && input.every((byte) => byte === 0))
      ? null
      : undecodable('data after the last block');
  }
}

const undecodable = (detail: string): Unjudged => ({ kind: 'undecodable', detail });

export class MessageDeflater {
  private readonly side: DeflateSide;
  private stream: SyncZlib | null = null;

  constructor(side: DeflateSide) {
    this.side = side;
  }

  /** A message's payload, or a piece of it. The first message refers to nothing before it, so any window is right for it. */
  push(content: Buffer, isFinal: boolean): Buffer {
    const windowBits = Math.max(LEAST_BITS, this.side.windowBits);
    this.stream ??= new SyncZlib(createDeflateRaw({ windowBits }));
    const output = this.stream.step(content, zlib.Z_SYNC_FLUSH);
    if (!isFinal) return output;
    if (!this.side.keepsWindow) this.close();
    // Nothing new to flush: one empty block stands for it (7.2.3.6).
    return output.length === 0 ? Buffer.from([0]) : output.subarray(0, output.length - TAIL.length);
  }

  close(): void {
    this.stream?.close();
    this.stream = null;
  }
}
