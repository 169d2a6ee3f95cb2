// Takes one message's body out of the bytes of a connection: by its length, by its chunks, or up to the connection's end.
import { type BodySink, ChunkedDecoder, type ChunkedOptions } from './chunked.ts';
import type { Malformed } from './malformed.ts';

export type BodyKind = 'length' | 'chunked' | 'close';

export class BodyReader {
  readonly kind: BodyKind;
  /** Bytes that must still come (`length`). */
  remaining: number;
  isDone = false;
  private readonly sink: BodySink;
  private readonly decoder: ChunkedDecoder | null;

  constructor(kind: BodyKind, length: number, sink: BodySink, options: ChunkedOptions) {
    this.kind = kind;
    this.remaining = length;
    this.sink = sink;
    this.decoder = kind === 'chunked' ? new ChunkedDecoder(sink, options) : null;
  }

  /** How many bytes it took; 0 = more are needed. What is left must come again, with more behind it. */
  feed(input: Buffer): number | Malformed {
    switch (this.kind) {
      case 'length': {
        const size = Math.min(input.length, this.remaining);
        this.remaining -= size;
        this.isDone = this.remaining === 0;
        this.sink.onBody(size === input.length ? input : input.subarray(0, size));
        if (this.isDone) this.sink.onBodyEnd([]);
        return size;
      }
      case 'chunked': {
        const taken = this.decoder!.feed(input);
        this.isDone = this.decoder!.isDone;
        return taken;
      }
      case 'close':
        this.sink.onBody(input);
        return input.length;
      default:
        return this.kind satisfies never;
    }
  }
}
