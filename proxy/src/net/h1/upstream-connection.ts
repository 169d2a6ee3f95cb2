// One HTTP/1.1 connection to an upstream: sends a request at a time, reads the response, goes back to the pool.
import type { Socket } from 'node:net';
import type { ProxyLimits } from '../../contract.ts';
import { isAboutOurs } from '../dial-tls.ts';
import type { RequestBodyKind, ResponseHandler, UpstreamStream } from '../upstream.ts';
import { BodyReader } from './body-reader.ts';
import { type BodySink, CHUNK_END, chunkStart } from './chunked.ts';
import { HeadFinder } from './head-finder.ts';
import { frameFields } from './head-text.ts';
import { Malformed } from './malformed.ts';
import { Output } from './output.ts';
import { parseResponseHead } from './response-head.ts';

export interface ConnectionOwner {
  /** The response is complete and the connection can carry the next request. */
  onReusable(connection: UpstreamConnection): void;
  onClosed(connection: UpstreamConnection): void;
}

const EMPTY = Buffer.alloc(0);

export class UpstreamConnection implements BodySink, UpstreamStream {
  readonly key: string;
  isReused = false;
  /** When it became idle, in ms of performance.now(). */
  idleSince = 0;
  /** As the upstream announced; null when it did not. */
  keepAliveSeconds: number | null = null;
  hasAnswered = false;
  /** HTTP/1.1 has no way to say so. */
  readonly wasRefused = false;
  readonly socket: Socket;
  private readonly output: Output;
  private readonly owner: ConnectionOwner;
  private readonly limits: ProxyLimits;
  private readonly finder: HeadFinder;
  private handler: ResponseHandler | null = null;
  private method = '';
  private state: 'idle' | 'head' | 'body' = 'idle';
  private input: Buffer = EMPTY;
  private reader: BodyReader | null = null;
  /** Trailers of the response, once it is complete. */
  private endedWith: readonly string[] | null = null;
  private isChunked = false;
  private isRequestSent = false;
  private isKeptAlive = false;
  private interims = 0;
  /** What the upstream's TLS said of our certificate. */
  private alert: Malformed | null = null;

  constructor(socket: Socket, key: string, owner: ConnectionOwner, limits: ProxyLimits) {
    this.socket = socket;
    this.output = new Output(socket);
    this.key = key;
    this.owner = owner;
    this.limits = limits;
    this.finder = new HeadFinder(limits.headBytes);
    socket.setNoDelay(true);
    socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('error', this.onError);
    socket.on('close', this.onClose);
    socket.on('drain', this.onDrain);
    // It may come paused, out of the reading of an upstream proxy's answer.
    socket.resume();
  }

  get isUsable(): boolean {
    return !this.socket.destroyed && this.socket.writable && !this.socket.readableEnded;
  }

  /** The next request on this connection is `handler`'s. */
  begin(handler: ResponseHandler): void {
    this.handler = handler;
    this.state = 'head';
    this.hasAnswered = false;
    this.isRequestSent = false;
    this.interims = 0;
  }

  giveBack(): void {
    this.owner.onReusable(this);
  }

  queueRequest(method: string, target: string, rawHeaders: readonly string[], body: RequestBodyKind): void {
    this.method = method;
    this.isChunked = body === 'stream';
    const fields = frameFields(rawHeaders, body, false);
    let text = `${method} ${target} HTTP/1.1\r\n`;
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
    this.output.queue(`${text}\r\n`);
  }

  queueBody(piece: Buffer): void {
    if (piece.length === 0) return;
    if (this.isChunked) this.output.queue(chunkStart(piece.length));
    this.output.queue(piece);
    if (this.isChunked) this.output.queue(CHUNK_END);
  }

  flush(): boolean {
    return this.output.flush();
  }

  endRequest(trailers: Buffer): void {
    if (this.isChunked) {
      this.output.queue('0\r\n');
      if (trailers.length > 0) this.output.queue(trailers);
      this.output.queue('\r\n');
    }
    this.isRequestSent = true;
    this.output.flush();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  abandon(): void {
    this.handler = null;
    this.socket.destroy();
  }

  private readonly onData = (chunk: Buffer): void => {
    const { handler } = this;
    try {
      this.read(chunk);
    } catch (error) {
      this.abandon();
      handler?.onFailure(error);
    }
  };

  private read(chunk: Buffer): void {
    if (this.handler === null) {
      // Nobody asked: a second response to the last request, or a push. What follows could not be told apart.
      this.socket.destroy();
      return;
    }
    this.hasAnswered = true;
    const handler = this.handler;
    let input = this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk]);
    const size = input.length;
    this.input = EMPTY;
    while (input.length > 0 && this.handler === handler && this.endedWith === null) {
      const taken = this.take(input);
      if (taken instanceof Malformed) {
        this.lose(taken);
        return;
      }
      if (taken === 0) break;
      input = taken === input.length ? EMPTY : input.subarray(taken);
    }
    if (this.endedWith !== null) this.finish(input.length === 0);
    else if (this.handler === handler) this.input = input;
    // Bytes that complete nothing (a head, drop by drop) are no progress, and do not put off the idle limit.
    if (input.length < size) handler.onUpstreamRead();
  }

  /** How many bytes were understood; 0 = more are needed. */
  private take(input: Buffer): number | Malformed {
    if (this.state === 'head') return this.takeHead(input);
    if (this.reader === null) return 0;
    const taken = this.reader.feed(input);
    if (taken === 0 && input.length > this.limits.headBytes)
      return new Malformed('chunk-line', 'a chunk line too long');
    return taken;
  }

  private takeHead(input: Buffer): number | Malformed {
    // Whoever speaks something else may never send an empty line.
    if (!beginsLikeHttp(input)) {
      return new Malformed('status-line', 'the status line is not HTTP/1.x');
    }
    const end = this.finder.find(input);
    if (end instanceof Malformed) return end;
    if (end === null) return 0;
    const head = parseResponseHead(input.toString('latin1', 0, end + 2), this.method);
    if (head instanceof Malformed) return head;
    const handler = this.handler!;
    if (head.status === 101) {
      this.detach();
      handler.onUpgraded(head, this.socket, input.subarray(end + 4));
      return input.length;
    }
    if (head.status < 200) {
      if (++this.interims > this.limits.interims) return new Malformed('interim', 'too many interim responses');
      handler.onInterim(head);
      return end + 4;
    }
    this.isKeptAlive = head.keepAlive;
    this.keepAliveSeconds = head.keepAliveSeconds;
    handler.onResponse(head);
    // The exchange may have given up on seeing the head.
    if (this.handler === null) return end + 4;
    this.state = 'body';
    if (head.body === 'none' || (head.body === 'length' && head.contentLength === 0)) this.onBodyEnd([]);
    else
      this.reader = new BodyReader(head.body, head.contentLength, this, {
        trailerBytes: this.limits.trailerBytes,
        isTolerant: true,
      });
    return end + 4;
  }

  onBody(chunk: Buffer): void {
    this.handler?.onBody(chunk);
  }

  onBodyEnd(rawTrailers: readonly string[]): void {
    this.endedWith = rawTrailers;
  }

  /** The response is complete. Back to the pool first, so that a pipelined request behind it finds the connection. */
  private finish(isClean: boolean): void {
    const handler = this.handler;
    const rawTrailers = this.endedWith ?? [];
    this.handler = null;
    this.endedWith = null;
    this.state = 'idle';
    this.reader = null;
    // Bytes behind the response are nobody's: the next request must not take them for its answer.
    if (isClean && this.isKeptAlive && this.isRequestSent && this.isUsable) {
      this.isReused = true;
      this.socket.resume();
      this.owner.onReusable(this);
    } else this.socket.destroy();
    handler?.onBodyEnd(rawTrailers);
  }

  private readonly onEnd = (): void => {
    const { handler } = this;
    if (handler === null || this.reader?.kind !== 'close') {
      this.lose(this.alert);
      return;
    }
    try {
      this.isKeptAlive = false;
      this.finish(true);
      handler.onUpstreamRead();
    } catch (error) {
      handler.onFailure(error);
    }
  };

  private readonly onError = ({ code = '' }: NodeJS.ErrnoException): void => {
    // `close` follows; what matters is that the response is not complete.
    if (isAboutOurs(code))
      this.alert = new Malformed(
        'client-certificate',
        `the upstream wants a client certificate that it trusts (${code})`,
      );
  };

  private readonly onClose = (): void => {
    this.lose(this.alert);
    this.owner.onClosed(this);
  };

  private readonly onDrain = (): void => {
    const { handler } = this;
    try {
      handler?.onUpstreamDrain();
    } catch (error) {
      handler?.onFailure(error);
    }
  };

  private lose(problem: Malformed | null): void {
    const { handler } = this;
    this.abandon();
    try {
      handler?.onUpstreamLost(problem);
    } catch (error) {
      handler?.onFailure(error);
    }
  }

  /** The socket belongs to somebody else from here on. */
  private detach(): void {
    this.handler = null;
    this.socket.off('data', this.onData);
    this.socket.off('end', this.onEnd);
    this.socket.off('error', this.onError);
    this.socket.off('close', this.onClose);
    this.socket.off('drain', this.onDrain);
    this.owner.onClosed(this);
  }
}

const VERSION = Buffer.from('HTTP/1.');

/** As far as it has come. */
function beginsLikeHttp(input: Buffer): boolean {
  const size = Math.min(input.length, VERSION.length);
  return input.compare(VERSION, 0, size, 0, size) === 0;
}
