// What an agent has sent on a connection and nobody has taken yet: heads and bodies come off its front.
import type { ProxyLimits } from '../../contract.ts';
import { BodyReader } from './body-reader.ts';
import type { BodySink } from './chunked.ts';
import { HeadFinder } from './head-finder.ts';
import { Malformed } from './malformed.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';

const EMPTY = Buffer.alloc(0);
/** An unread rest of a body up to this size is read and thrown away to keep the connection. In bytes. */
const DISCARD_BYTES = 256 * 1024;

export class RequestInput {
  private bytes: Buffer = EMPTY;
  private readonly limits: ProxyLimits;
  private readonly finder: HeadFinder;
  /** Of the current request's body, as long as some of it is to come. */
  private reader: BodyReader | null = null;

  constructor(limits: ProxyLimits) {
    this.limits = limits;
    this.finder = new HeadFinder(limits.headBytes);
  }

  push(chunk: Buffer): void {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** A head was begun and is not complete. */
  get isInsideHead(): boolean {
    return this.finder.isWaiting;
  }

  /** Some of the request's body is to come. */
  get hasBody(): boolean {
    return this.reader !== null;
  }

  /** Little enough is to come to read and throw it away. */
  get isNearlyRead(): boolean {
    return this.reader?.kind === 'length' && this.reader.remaining <= DISCARD_BYTES;
  }

  /** One empty line before a request is tolerated (RFC 9112, 2.2): old clients end a body with it. */
  skipEmptyLine(): void {
    const { bytes } = this;
    if (!this.isInsideHead && bytes.length >= 2 && bytes[0] === 13 && bytes[1] === 10) this.bytes = bytes.subarray(2);
  }

  /** null = it has not come to its end yet. */
  takeHead(): RequestHead | Malformed | null {
    const { bytes } = this;
    const end = this.finder.find(bytes);
    if (end instanceof Malformed || end === null) return end;
    this.drop(end + 4);
    return parseRequestHead(bytes.toString('latin1', 0, end + 2), this.limits.headFields);
  }

  /** The body of `head` comes next, and goes to `sink`. */
  expectBody(head: RequestHead, sink: BodySink): void {
    const hasBody = head.body === 'chunked' || head.contentLength > 0;
    const options = { trailerBytes: this.limits.trailerBytes, isTolerant: false };
    this.reader = hasBody && head.body !== 'none' ? new BodyReader(head.body, head.contentLength, sink, options) : null;
  }

  /** False = more has to come first. */
  takeBody(): boolean | Malformed {
    const { bytes, reader } = this;
    if (bytes.length === 0 || reader === null) return false;
    const taken = reader.feed(bytes);
    if (taken instanceof Malformed) {
      this.reader = null;
      this.bytes = EMPTY;
      return taken;
    }
    this.drop(taken);
    return taken > 0;
  }

  /** It has ended, or is of no interest any more. */
  endBody(): void {
    this.reader = null;
  }

  takeRest(): Buffer {
    const { bytes } = this;
    this.bytes = EMPTY;
    return bytes;
  }

  private drop(size: number): void {
    this.bytes = size === this.bytes.length ? EMPTY : this.bytes.subarray(size);
  }
}
