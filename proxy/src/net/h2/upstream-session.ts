// One HTTP/2 connection to an upstream, shared by many requests at a time.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ProxyLimits } from '../../contract.ts';
import { parseFieldLines } from '../h1/field-lines.ts';
import { fieldValue } from '../h1/fields.ts';
import { Malformed } from '../h1/malformed.ts';
import type { RequestBodyKind, ResponseHandler, UpstreamStream } from '../upstream.ts';
import { appendFields, asHeaders } from './fields.ts';
import { readResponseFields } from './response-fields.ts';

export interface SessionOwner {
  onClosed(session: UpstreamSession): void;
}

/** Until the upstream has said how many (RFC 9113, 6.5.2 recommends no less). */
const STREAMS = 100;
/** node:http2 counts memory in these; in bytes. */
const MEGABYTE = 1_000_000;
const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;

export class UpstreamSession {
  readonly key: string;
  /** When its last stream ended, in ms of performance.now(). */
  idleSince = performance.now();
  private readonly session: ClientHttp2Session;
  private readonly limits: ProxyLimits;
  private open = 0;
  private isLeaving = false;
  private hasServed = false;

  constructor(socket: TLSSocket, key: string, owner: SessionOwner, limits: ProxyLimits) {
    this.key = key;
    this.limits = limits;
    const { headBytes, headFields, http2 } = limits;
    this.session = connect('https://upstream', {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: http2.upstreamStreamWindowBytes, maxHeaderListSize: headBytes },
      maxSessionMemory: Math.max(1, Math.round(http2.upstreamMemoryBytes / MEGABYTE)),
      maxSettings: http2.settings,
      maxHeaderListPairs: 4 * headFields,
    });
    this.session.on('connect', () => this.session.setLocalWindowSize(http2.upstreamWindowBytes));
    this.session.on('goaway', () => {
      this.isLeaving = true;
    });
    // Its streams are told by their own `close`.
    this.session.on('error', () => {});
    this.session.on('close', () => {
      this.isLeaving = true;
      owner.onClosed(this);
    });
  }

  /** It can take another request. */
  get isUsable(): boolean {
    const { session } = this;
    if (this.isLeaving || session.closed || session.destroyed) return false;
    return this.open < Math.min(STREAMS, session.remoteSettings?.maxConcurrentStreams ?? STREAMS);
  }

  get isIdle(): boolean {
    return this.open === 0;
  }

  newStream(): H2UpstreamStream {
    this.open++;
    const isReused = this.hasServed;
    this.hasServed = true;
    return new H2UpstreamStream(this.session, this.limits, isReused, () => {
      this.open--;
      this.idleSince = performance.now();
    });
  }

  abandon(): void {
    this.isLeaving = true;
    this.session.destroy();
  }
}

export class H2UpstreamStream implements UpstreamStream {
  readonly isReused: boolean;
  hasAnswered = false;
  wasRefused = false;
  private readonly session: ClientHttp2Session;
  private readonly limits: ProxyLimits;
  private readonly onOver: () => void;
  private stream: ClientHttp2Stream | null = null;
  private handler: ResponseHandler | null = null;
  private method = '';
  private pieces: Buffer[] = [];
  private requestTrailers: readonly string[] = [];
  private responseTrailers: readonly string[] = [];
  private interims = 0;
  private isComplete = false;
  private isGone = false;

  constructor(session: ClientHttp2Session, limits: ProxyLimits, isReused: boolean, onOver: () => void) {
    this.session = session;
    this.limits = limits;
    this.isReused = isReused;
    this.onOver = onOver;
  }

  begin(handler: ResponseHandler): void {
    this.handler = handler;
  }

  giveBack(): void {
    this.leave();
  }

  queueRequest(method: string, target: string, rawHeaders: readonly string[], body: RequestBodyKind): void {
    this.method = method;
    const authority = fieldValue(rawHeaders, 'host') ?? '';
    const pseudo = [':method', method, ':scheme', 'https', ':authority', authority, ':path', target];
    const fields = appendFields(pseudo, rawHeaders, 'host');
    const options = { endStream: body === 'none', waitForTrailers: body === 'stream' };
    const stream = this.session.request(fields, options);
    this.stream = stream;
    stream.on('headers', (_headers, _flags, raw: readonly string[]) => this.guarded((to) => this.onInterim(to, raw)));
    stream.on('response', (_headers, flags, raw: readonly string[]) =>
      this.guarded((to) => this.onResponse(to, raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0)),
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
    if (stream !== null && !stream.destroyed && !stream.writableEnded) stream.end();
  }

  pause(): void {
    this.stream?.pause();
  }

  resume(): void {
    this.stream?.resume();
  }

  abandon(): void {
    this.handler = null;
    this.stream?.close(this.isComplete ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    this.leave();
  }

  private onInterim(to: ResponseHandler, raw: readonly string[]): void {
    this.hasAnswered = true;
    const head = readResponseFields(raw, this.method, false);
    if (head instanceof Malformed) this.lose(head);
    else if (++this.interims > this.limits.interims) this.lose(new Malformed('interim', 'too many interim responses'));
    else {
      to.onInterim(head);
      to.onUpstreamRead();
    }
  }

  private onResponse(to: ResponseHandler, raw: readonly string[], isEnd: boolean): void {
    this.hasAnswered = true;
    let size = 0;
    for (const text of raw) size += text.length + 2;
    if (size > this.limits.headBytes) {
      this.lose(new Malformed('head-too-large', 'the head is too large'));
      return;
    }
    const head = readResponseFields(raw, this.method, isEnd);
    if (head instanceof Malformed) {
      this.lose(head);
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
    if (stream === null || stream.rstCode !== NGHTTP2_NO_ERROR || !this.hasAnswered) return;
    this.isComplete = true;
    this.handler = null;
    to.onBodyEnd(this.responseTrailers);
    to.onUpstreamRead();
    // The answer is complete and the request is not: it is of no use any more.
    if (!stream.writableEnded) stream.close(NGHTTP2_NO_ERROR);
  }

  private sendTrailers(stream: ClientHttp2Stream): void {
    stream.sendTrailers(asHeaders(appendFields([], this.requestTrailers)));
  }

  private onClose(): void {
    const code = this.stream?.rstCode ?? NGHTTP2_NO_ERROR;
    this.leave();
    const { handler } = this;
    if (handler === null) return;
    this.handler = null;
    this.wasRefused = code === NGHTTP2_REFUSED_STREAM && !this.hasAnswered;
    const isBroken = code === NGHTTP2_PROTOCOL_ERROR && this.hasAnswered;
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
    this.onOver();
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
