// Writes one request to its upstream connection, with the framing that its body got on the way.
import { CHUNK_END, chunkStart } from './h1/chunked.ts';
import type { UpstreamConnection } from './h1/upstream-connection.ts';

export class RequestSender {
  /** Body bytes, without framing. */
  bytesOut = 0;
  private readonly upstream: UpstreamConnection;
  private readonly isChunked: boolean;

  constructor(upstream: UpstreamConnection, isChunked: boolean) {
    this.upstream = upstream;
    this.isChunked = isChunked;
  }

  queueHead(head: string): void {
    this.upstream.output.queue(head);
  }

  queueBody(piece: Buffer): void {
    if (piece.length === 0) return;
    this.bytesOut += piece.length;
    const { output } = this.upstream;
    if (this.isChunked) output.queue(chunkStart(piece.length));
    output.queue(piece);
    if (this.isChunked) output.queue(CHUNK_END);
  }

  /** False = the upstream is slow: wait for its drain. */
  flush(): boolean {
    return this.upstream.output.flush();
  }

  /** The request is complete; `trailers` are field lines. */
  end(trailers: Buffer): void {
    const { output } = this.upstream;
    if (this.isChunked) {
      output.queue('0\r\n');
      if (trailers.length > 0) output.queue(trailers);
      output.queue('\r\n');
    }
    this.upstream.endRequest();
    output.flush();
  }
}
