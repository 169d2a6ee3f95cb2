// One request on a shared HTTP/2 connection to an upstream.
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { ProxyLimits } from '../../contract.ts';
import { parseFieldLines } from '../h1/field-lines.ts';
import { fieldValue, withoutFields } from '../h1/fields.ts';
import { Malformed } from '../h1/malformed.ts';
import type { RequestBodyKind, ResponseHandler, UpstreamStream } from '../upstream.ts';
import { appendFields, asHeaders } from './fields.ts';
import { CANCEL, FLAG_END_STREAM, HTTP_1_1_REQUIRED, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM } from './node-http2.ts';
import { readResponseFields } from './response-fields.ts';
import { openedHead, webSocketFields } from './websocket-fields.ts';

const NOTHING = Buffer.alloc(0);
/** The upstream says that it has done nothing (RFC 9113, 8.7), or wants to be asked in another way. */
const UNSEEN: ReadonlySet<number> = new Set([REFUSED_STREAM, HTTP_1_1_REQUIRED]);

/** What a stream knows of its connection. */
export interface StreamOwner {
  readonly session: ClientHttp2Session;
  readonly limits: ProxyLimits;
  /** The last stream that the upstream will have looked at (GOAWAY). */
  readonly lastProcessed: number;
  onStreamOver(): void;
  /** The upstream wants to be asked in HTTP/1.1 (RFC 9113, 7: HTTP_1_1_REQUIRED). */
  onHttp1Required(): void;
}

export class H2UpstreamStream implements UpstreamStream {
  readonly isReused: boolean;
  hasAnswered = false;
  wasRefused = false;
  private readonly owner: StreamOwner;
  private readonly isWebSocket: boolean;
  private stream: ClientHttp2Stream | null = null;
  private handler: ResponseHandler | null = null;
  private method = '';
  private webSocketKey = '';
  private pieces: Buffer[] = [];
  private requestTrailers: readonly string[] = [];
  private responseTrailers: readonly string[] = [];
  private interims = 0;
  /** END_STREAM came. */
  private hasEnded = false;
  private isComplete = false;
  private isGone = false;

  constructor(owner: StreamOwner, isReused: boolean, isWebSocket: boolean) {
    this.owner = owner;
    this.isReused = isReused;
    this.isWebSocket = isWebSocket;
  }

  begin(handler: ResponseHandler): void {
    this.handler = handler;
  }

  giveBack(): void {
    this.leave();
  }

  queueRequest(method: string, target: string, rawHeaders: readonly string[], body: RequestBodyKind): void {
    this.method = method;
    const { session } = this.owner;
    if (session.closed || session.destroyed) {
      // It ended while this request was on its way here, and has not seen it.
      process.nextTick(() => this.onClose());
      return;
    }
    // A length that may change on the way is none.
    const framed = body === 'stream' ? withoutFields(rawHeaders, ['content-length']) : rawHeaders;
    const authority = fieldValue(rawHeaders, 'host') ?? '';
    const pseudo = [':method', method, ':scheme', 'https', ':authority', authority, ':path', target];
    this.webSocketKey = fieldValue(rawHeaders, 'sec-websocket-key') ?? '';
    const fields = this.isWebSocket ? webSocketFields(target, rawHeaders) : appendFields(pseudo, framed, 'host');
    const options = { endStream: body === 'none' && !this.isWebSocket, waitForTrailers: body === 'stream' };
    const stream = session.request(fields, options);
    this.stream = stream;
    this.watchEnd(stream);
    stream.on('headers', (_headers, _flags, raw: readonly string[]) => this.guarded((to) => this.onInterim(to, raw)));
    stream.on('response', (_headers, flags, raw: readonly string[]) =>
      this.guarded((to) => this.onResponse(to, raw, (flags & FLAG_END_STREAM) !== 0)),
    );
    stream.on('trailers', (_headers, _flags, raw: readonly string[]) => {
      this.responseTrailers = raw;
    });
    stream.on('wantTrailers', () => this.sendTrailers(stream));
    stream.on('drain', () => this.guarded((to) => to.onUpstreamDrain()));
    // `close` follows and knows the code.
    stream.on('error', () => {});
    stream.on('close', () => this.onClose());
  }

  queueBody(piece: Buffer): void {
    if (piece.length > 0) this.pieces.push(piece);
  }

  flush(): boolean {
    const { stream, pieces } = this;
    this.pieces = [];
    if (stream === null || stream.destroyed || stream.writableEnded) return true;
    if (pieces.length === 0) return !stream.writableNeedDrain;
    return stream.write(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  }

  endRequest(trailers: Buffer): void {
    // Field lines that were serialised for HTTP/1: judged, so they can be read.
    const lines = trailers.length === 0 ? [] : parseFieldLines(trailers.toString('latin1'), false);
    if (lines instanceof Malformed) throw new Error('judged trailers cannot be read');
    this.requestTrailers = lines;
    this.flush();
    const { stream } = this;
    // The end of a handshake is not that of its stream.
    if (stream !== null && !stream.destroyed && !stream.writableEnded && !this.isWebSocket) stream.end();
  }

  pause(): void {
    this.stream?.pause();
  }

  resume(): void {
    this.stream?.resume();
  }

  abandon(): void {
    this.handler = null;
    this.stream?.close(this.isComplete ? NO_ERROR : CANCEL);
    this.leave();
  }

  /** Of a stream that was reset with NO_ERROR `end` comes as of one that has ended: only what is pushed when tells them apart. */
  private watchEnd(stream: ClientHttp2Stream): void {
    const push = stream.push.bind(stream);
    stream.push = (chunk: Buffer | null) => {
      if (chunk === null) this.hasEnded ||= !stream.closed;
      return push(chunk);
    };
  }

  private onInterim(to: ResponseHandler, raw: readonly string[]): void {
    this.hasAnswered = true;
    const head = readResponseFields(raw, this.method, false);
    if (head instanceof Malformed) this.lose(head);
    else if (++this.interims > this.owner.limits.interims)
      this.lose(new Malformed('interim', 'too many interim responses'));
    else {
      to.onInterim(head);
      to.onUpstreamRead();
    }
  }

  private onResponse(to: ResponseHandler, raw: readonly string[], isEnd: boolean): void {
    this.hasAnswered = true;
    let size = 0;
    for (const text of raw) size += text.length + 2;
    if (size > this.owner.limits.headBytes) {
      this.lose(new Malformed('head-too-large', 'the head is too large'));
      return;
    }
    const head = readResponseFields(raw, this.method, isEnd);
    if (head instanceof Malformed) {
      this.lose(head);
      return;
    }
    if (this.isWebSocket && head.status >= 200 && head.status < 300 && this.stream !== null) {
      this.handler = null;
      to.onUpgraded(openedHead(head, this.webSocketKey), this.stream, NOTHING);
      return;
    }
    to.onResponse(head);
    to.onUpstreamRead();
    // Not before: Node tells of a response a tick after it has read it, and of the body's bytes as soon as somebody listens.
    if (this.handler !== null && this.stream !== null) this.readBody(this.stream);
  }

  private readBody(stream: ClientHttp2Stream): void {
    stream.on('data', (chunk: Buffer) =>
      this.guarded((to) => {
        to.onBody(chunk);
        to.onUpstreamRead();
      }),
    );
    stream.on('end', () => this.guarded((to) => this.onEnd(to)));
  }

  private onEnd(to: ResponseHandler): void {
    const { stream } = this;
    // Of a stream that was reset `end` comes as well.
    if (stream === null || !this.hasEnded || stream.rstCode !== NO_ERROR || !this.hasAnswered) return;
    this.isComplete = true;
    this.handler = null;
    to.onBodyEnd(this.responseTrailers);
    to.onUpstreamRead();
    // The answer is complete and the request is not: it is of no use any more.
    if (!stream.writableEnded) stream.close(NO_ERROR);
  }

  private sendTrailers(stream: ClientHttp2Stream): void {
    stream.sendTrailers(asHeaders(appendFields([], this.requestTrailers)));
  }

  private onClose(): void {
    const code = this.stream?.rstCode ?? NO_ERROR;
    const isUnseen = (this.stream?.id ?? Number.POSITIVE_INFINITY) > this.owner.lastProcessed || this.stream === null;
    this.leave();
    if (code === HTTP_1_1_REQUIRED) this.owner.onHttp1Required();
    const { handler } = this;
    if (handler === null) return;
    this.handler = null;
    this.wasRefused = !this.hasAnswered && (isUnseen || UNSEEN.has(code));
    const isBroken = code === PROTOCOL_ERROR && this.hasAnswered;
    try {
      handler.onUpstreamLost(isBroken ? new Malformed('h2-stream', 'it breaks the rules of HTTP/2') : null);
    } catch (error) {
      handler.onFailure(error);
    }
  }

  private lose(problem: Malformed): void {
    const { handler } = this;
    this.abandon();
    handler?.onUpstreamLost(problem);
  }

  private leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.owner.onStreamOver();
  }

  private guarded(step: (handler: ResponseHandler) => void): void {
    const { handler } = this;
    if (handler === null) return;
    try {
      step(handler);
    } catch (error) {
      this.abandon();
      handler.onFailure(error);
    }
  }
}
