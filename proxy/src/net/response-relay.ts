// The way back of one exchange: what the upstream answers, searched for injected values, to the agent, with back-pressure.
import { envelopesOf } from '../pipeline/envelopes.ts';
import type { ResponseGuard } from '../pipeline/types.ts';
import type { AgentStream, ResponseBody } from './agent.ts';
import { withoutHttp3 } from './alt-svc.ts';
import { EnvelopeOpener } from './envelope-opener.ts';
import { fieldValue, withField, withoutFields } from './h1/fields.ts';
import type { ResponseHead } from './h1/response-head.ts';
import { type AskedRange, Cutter, narrow } from './ranges.ts';
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

/** Sees the content of a response as it passes, and changes nothing. */
export interface ResponseTap {
  /** `isDecoded`: the content comes as `content`; otherwise what was received comes as it is. */
  begin(head: ResponseHead, isDecoded: boolean): void;
  push(chunk: Buffer): void;
  content(chunk: Buffer): void;
}

/** Where the response comes from. */
export interface ResponseSource {
  pause(): void;
  resume(): void;
}

/** Content of one read is written in pieces of about this size: a little may decode to much. In bytes. */
const FLUSHED_BYTES = 64 * 1024;
/** RFC 9110, 15.5.17. */
const NOT_SATISFIABLE = 416;
const TEXT = /^\s*(?:text\/|[a-z]+\/(?:[^;]*\+)?(?:json|xml|x-ndjson|x-www-form-urlencoded|javascript))/i;

/** Begins like gzip or zstd, which no text does. */
const isCompressed = (bytes: Buffer): boolean =>
  (bytes[0] === 0x1f && bytes[1] === 0x8b) || (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f);

/** The way back, as the exchange sees it. */
export interface Relay {
  /** The agent has been given a status. */
  readonly isBegun: boolean;
  readonly guard: ResponseGuard | null;
  interim(head: ResponseHead): void;
  begin(head: ResponseHead): void;
  push(chunk: Buffer): void;
  end(rawTrailers: readonly string[]): void;
  /** Everything of one read is there. */
  flush(): void;
  onAgentDrain(): void;
  stop(): void;
}

export class ResponseRelay implements DecodedSink, Relay {
  /** The agent has been given a status. */
  isBegun = false;
  private readonly agent: AgentStream;
  readonly guard: ResponseGuard | null;
  private readonly source: ResponseSource;
  private readonly owner: RelayOwner;
  private readonly count: ResponseCount;
  /** The part that was asked for, of which the upstream was asked for more; null = the answer passes whole. */
  private readonly asked: AskedRange | null;
  private readonly tap: ResponseTap | null;
  private decoder: ResponseDecoder | null = null;
  private opener: EnvelopeOpener | null = null;
  private cutter: Cutter | null = null;
  /** Says to be text: what looks compressed is not what it says. */
  private isText = false;
  private rawTrailers: readonly string[] = [];
  private isOver = false;
  /** Decoded since the last flush. */
  private queuedBytes = 0;

  constructor(
    agent: AgentStream,
    guard: ResponseGuard | null,
    count: ResponseCount,
    owner: RelayOwner & ResponseSource,
    asked: AskedRange | null = null,
    tap: ResponseTap | null = null,
  ) {
    this.tap = tap;
    this.agent = agent;
    this.asked = asked;
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
    if (this.guard !== null && body !== 'none') {
      const type = fieldValue(head.rawHeaders, 'content-type') ?? '';
      this.isText = this.decoder === null && TEXT.test(type);
      const encoding = envelopesOf((lowerName) => fieldValue(head.rawHeaders, lowerName)?.trim() ?? '')?.encoding ?? '';
      if (encoding !== '' && encoding !== 'identity') {
        this.opener = new EnvelopeOpener(encoding);
        body = 'stream';
      }
    }
    const part = this.asked === null ? null : narrow(this.asked, head.status, rawHeaders);
    if (part?.do === 'refuse' || (part !== null && part.do !== 'pass' && this.decoder !== null)) {
      this.owner.onUnsearchable('the response is a part that cannot be searched for credentials');
      return;
    }
    this.tap?.begin(head, this.decoder !== null);
    this.isBegun = true;
    let { status } = head;
    if (part !== null && part.do !== 'pass') {
      const cut = part.do === 'cut' ? part.cut : { skip: 0, keep: 0 };
      this.cutter = new Cutter(cut);
      if (part.do === 'none') {
        status = NOT_SATISFIABLE;
        body = 'length';
      }
      rawHeaders = withField(rawHeaders, 'Content-Range', part.contentRange);
      if (body === 'length') rawHeaders = withField(rawHeaders, 'Content-Length', String(cut.keep));
    }
    this.count.status = status;
    const reason = status === head.status ? this.scrubbedReason(head) : 'Range Not Satisfiable';
    this.agent.queueResponse(status, reason, rawHeaders, body);
  }

  push(chunk: Buffer): void {
    if (this.isText && this.count.bytesIn === 0 && chunk.length > 0 && isCompressed(chunk)) {
      this.isOver = true;
      this.owner.onUnsearchable('the response says that it is text, and is compressed');
      return;
    }
    this.count.bytesIn += chunk.length;
    if (this.decoder === null) {
      this.tap?.push(chunk);
      this.queueScrubbed(chunk);
    } else if (!this.decoder.push(chunk)) this.source.pause();
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
    this.tap?.content(chunk);
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
    const opened = this.opener === null ? chunk : this.opener.push(chunk);
    if (opened === null) {
      this.onUndecodable();
      return;
    }
    this.queue(this.guard === null ? opened : this.guard.push(opened));
  }

  private queue(clean: Buffer): void {
    const own = this.cutter === null ? clean : this.cutter.take(clean);
    if (own.length > 0) this.agent.queueBody(own);
  }

  private finish(): void {
    if (this.guard !== null) {
      if (this.opener !== null) this.queue(this.guard.push(this.opener.end()));
      this.queue(this.guard.end());
    }
    this.owner.onRelayed(this.scrubbed(this.rawTrailers));
  }
}
