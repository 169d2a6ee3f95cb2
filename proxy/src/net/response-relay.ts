// The way back of one exchange: what the upstream answers, searched for injected values, to the agent, with back-pressure.
import type { ResponseGuard } from '../pipeline/types.ts';
import type { AgentStream, ResponseBody } from './agent.ts';
import { withoutHttp3 } from './alt-svc.ts';
import { withoutFields } from './h1/fields.ts';
import type { ResponseHead } from './h1/response-head.ts';
import { createResponseDecoder, type DecodedSink, type ResponseDecoder } from './response-decoder.ts';

export interface RelayOwner {
  /** All of the response but its end is queued. */
  onRelayed(rawTrailers: readonly string[]): void;
  /** The response is encoded in a way that keeps us from searching it. */
  onUnsearchable(reason: string): void;
}

/** What is counted of a response. */
export interface ResponseCount {
  status: number;
  /** Body bytes as the upstream sent them. */
  bytesIn: number;
}

/** Where the response comes from. */
export interface ResponseSource {
  pause(): void;
  resume(): void;
}

/** Content of one read is written in pieces of about this size: a little may decode to much. In bytes. */
const FLUSHED_BYTES = 64 * 1024;

export class ResponseRelay implements DecodedSink {
  /** The agent has been given a status. */
  isBegun = false;
  private readonly agent: AgentStream;
  readonly guard: ResponseGuard | null;
  private readonly source: ResponseSource;
  private readonly owner: RelayOwner;
  private readonly count: ResponseCount;
  private decoder: ResponseDecoder | null = null;
  private rawTrailers: readonly string[] = [];
  private isOver = false;
  /** Decoded since the last flush. */
  private queuedBytes = 0;

  constructor(
    agent: AgentStream,
    guard: ResponseGuard | null,
    count: ResponseCount,
    owner: RelayOwner & ResponseSource,
  ) {
    this.agent = agent;
    this.guard = guard;
    this.count = count;
    this.source = owner;
    this.owner = owner;
  }

  interim(head: ResponseHead): void {
    this.agent.queueInterim(head.status, this.scrubbedReason(head), withoutHttp3(this.scrubbed(head.rawHeaders)));
  }

  begin(head: ResponseHead): void {
    let rawHeaders = withoutHttp3(this.scrubbed(head.rawHeaders));
    let body: ResponseBody = head.body === 'none' || head.body === 'length' ? head.body : 'stream';
    const isEncoded = head.contentEncoding !== '' && head.contentEncoding !== 'identity';
    if (this.guard !== null && isEncoded && head.body !== 'none') {
      this.decoder = createResponseDecoder(head.contentEncoding, this);
      if (this.decoder === null) {
        this.owner.onUnsearchable('the response is encoded in a way that cannot be searched for credentials');
        return;
      }
      rawHeaders = withoutFields(rawHeaders, ['content-encoding']);
      body = 'stream';
    }
    this.isBegun = true;
    this.count.status = head.status;
    this.agent.queueResponse(head.status, this.scrubbedReason(head), rawHeaders, body);
  }

  push(chunk: Buffer): void {
    this.count.bytesIn += chunk.length;
    if (this.decoder === null) this.queueScrubbed(chunk);
    else if (!this.decoder.push(chunk)) this.source.pause();
  }

  end(rawTrailers: readonly string[]): void {
    this.rawTrailers = rawTrailers;
    if (this.decoder === null) this.finish();
    else this.decoder.end();
  }

  /** Everything of one read is queued: out with it. */
  flush(): void {
    this.queuedBytes = 0;
    if (!this.agent.flush()) this.source.pause();
  }

  onAgentDrain(): void {
    // More of the source is welcome once what it sent is decoded.
    if (this.decoder !== null && !this.decoder.resume()) return;
    if (this.isOver) return;
    this.source.resume();
    this.flush();
  }

  stop(): void {
    this.isOver = true;
    this.decoder?.close();
  }

  onDecoded(chunk: Buffer): boolean {
    if (this.isOver) return false;
    this.queueScrubbed(chunk);
    this.queuedBytes += chunk.length;
    if (this.queuedBytes < FLUSHED_BYTES) return true;
    this.queuedBytes = 0;
    return this.agent.flush();
  }

  onDecodedEnd(): void {
    if (!this.isOver) this.finish();
  }

  onUndecodable(): void {
    if (!this.isOver) this.owner.onUnsearchable('the response cannot be decoded');
  }

  /** Field lines as the agent may see them. */
  scrubbed(rawHeaders: readonly string[]): readonly string[] {
    return this.guard === null ? rawHeaders : this.guard.headers(rawHeaders);
  }

  scrubbedReason(head: ResponseHead): string {
    return this.guard === null ? head.reason : this.guard.headers([head.reason])[0]!;
  }

  private queueScrubbed(chunk: Buffer): void {
    const clean = this.guard === null ? chunk : this.guard.push(chunk);
    if (clean.length > 0) this.agent.queueBody(clean);
  }

  private finish(): void {
    if (this.guard !== null) {
      const rest = this.guard.end();
      if (rest.length > 0) this.agent.queueBody(rest);
    }
    this.owner.onRelayed(this.scrubbed(this.rawTrailers));
  }
}
