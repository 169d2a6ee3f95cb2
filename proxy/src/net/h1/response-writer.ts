// Writes the responses of one agent's connection, one after the other, each with the framing that it needs.
import type { ResponseBody } from '../agent.ts';
import { CHUNK_END, chunkedEnd, chunkStart } from './chunked.ts';
import { frameFields, headText } from './head-text.ts';
import type { Output } from './output.ts';

export class ResponseWriter {
  private readonly output: Output;
  private isHttp10 = false;
  private body: ResponseBody = 'none';

  constructor(output: Output) {
    this.output = output;
  }

  /** The next response answers a request of this version. */
  begin(isHttp10: boolean): void {
    this.isHttp10 = isHttp10;
  }

  /** Only the end of the connection would end this body. */
  endsWithConnection(body: ResponseBody): boolean {
    return body === 'stream' && this.isHttp10;
  }

  queueInterim(status: number, reason: string, rawHeaders: readonly string[]): void {
    this.output.queue(`${headText(status, reason, rawHeaders)}\r\n`);
  }

  queueHead(status: number, reason: string, rawHeaders: readonly string[], body: ResponseBody, closes: boolean): void {
    this.body = body;
    const text = headText(status, reason, frameFields(rawHeaders, body, this.isHttp10));
    this.output.queue(closes ? `${text}Connection: close\r\n\r\n` : `${text}\r\n`);
  }

  queueBody(chunk: Buffer): void {
    if (this.body === 'none') return;
    const isChunked = this.body === 'stream' && !this.isHttp10;
    if (isChunked) this.output.queue(chunkStart(chunk.length));
    this.output.queue(chunk);
    if (isChunked) this.output.queue(CHUNK_END);
  }

  queueEnd(rawTrailers: readonly string[]): void {
    if (this.body === 'stream' && !this.isHttp10) this.output.queue(chunkedEnd(rawTrailers));
  }
}
