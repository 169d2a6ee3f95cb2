// One stream of an agent's HTTP/2 connection: the agent's side of one exchange.
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { AgentListener, AgentStream, ResponseBody } from '../agent.ts';
import type { Timed } from '../deadlines.ts';
import type { BodySink } from '../h1/chunked.ts';
import { fieldValue } from '../h1/fields.ts';
import type { RequestHead } from '../h1/request-head.ts';
import type { Services } from '../services.ts';
import { appendFields, asHeaders } from './fields.ts';
import { INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR } from './node-http2.ts';

const SWITCHING_PROTOCOLS = 101;
const NOTHING = Buffer.alloc(0);

export class H2AgentStream implements AgentStream, Timed {
  deadline = 0;
  /** The whole connection ended because the client broke its rules. */
  isConnectionBroken = false;
  private readonly stream: ServerHttp2Stream;
  private readonly services: Services;
  private readonly head: RequestHead | null;
  private listener: AgentListener | null = null;
  private sink: BodySink | null = null;
  private isReading = false;
  private requestTrailers: readonly string[] = [];
  private trailers: readonly string[] = [];
  private pieces: Buffer[] = [];
  private isResponded = false;
  private hasTrailers = false;
  private isFinished = false;
  private isDetached = false;

  /** `head` is null when the request was malformed. */
  constructor(stream: ServerHttp2Stream, services: Services, head: RequestHead | null) {
    this.stream = stream;
    this.services = services;
    this.head = head;
    stream.on('trailers', (_headers, _flags, raw: readonly string[]) => {
      this.requestTrailers = raw;
    });
    stream.on('drain', () => this.guarded(() => this.listener?.onAgentDrain()));
    stream.on('wantTrailers', () => this.sendTrailers());
    // `close` follows; what it says is in the reset's code, unless the connection's error became that of each stream.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.isConnectionBroken = error.code === 'ERR_HTTP2_ERROR';
    });
    stream.on('close', () => this.guarded(() => this.onClose()));
    services.deadlines.add(this);
    this.touch();
  }

  /** Calls follow on `listener` from now on. */
  attach(listener: AgentListener): void {
    if (!this.isFinished) this.listener = listener;
  }

  // ---------------------------------------------------------------- reading

  readBody(sink: BodySink): void {
    this.sink = sink;
    if (this.isReading) return;
    this.isReading = true;
    this.stream.on('data', (chunk: Buffer) => {
      this.touch();
      this.guarded(() => this.sink?.onBody(chunk));
    });
    this.stream.on('end', () => {
      this.guarded(() => {
        const { sink: last } = this;
        this.sink = null;
        // Of a request that was reset `end` comes as well: what it lacks must not leave as if it were whole.
        if (!this.stream.aborted && this.stream.rstCode === NO_ERROR) last?.onBodyEnd(this.requestTrailers);
      });
    });
  }

  dropBody(): void {
    this.sink = null;
    this.stream.resume();
  }

  pauseBody(): void {
    this.stream.pause();
  }

  resumeBody(): void {
    this.stream.resume();
  }

  // ---------------------------------------------------------------- writing

  sendContinue(): void {
    if (this.canWrite) this.stream.additionalHeaders({ ':status': 100 });
  }

  queueInterim(status: number, _reason: string, rawHeaders: readonly string[]): void {
    if (!this.canWrite || this.isResponded) return;
    this.stream.additionalHeaders({ ':status': status, ...asHeaders(appendFields([], rawHeaders)) });
  }

  queueResponse(status: number, _reason: string, rawHeaders: readonly string[], body: ResponseBody): void {
    if (!this.canWrite || this.isResponded) return;
    this.isResponded = true;
    // RFC 8441, 5: what is 101 in HTTP/1.1 is 200 here, and the key of the handshake has no answer.
    const isOpened = this.head?.isWebSocket === true && status === SWITCHING_PROTOCOLS;
    const fields = appendFields(
      [':status', String(isOpened ? 200 : status)],
      rawHeaders,
      isOpened ? 'sec-websocket-accept' : '',
    );
    // An answer that is all head ends with it: gRPC's clients tell a status by that.
    const isEmpty = body === 'none' || (body === 'length' && fieldValue(rawHeaders, 'content-length') === '0');
    this.hasTrailers = body === 'stream';
    const options = { endStream: isEmpty && !isOpened, waitForTrailers: this.hasTrailers, sendDate: false };
    this.stream.respond(fields, options);
  }

  queueBody(chunk: Buffer): void {
    this.pieces.push(chunk);
  }

  flush(): boolean {
    const { pieces, stream } = this;
    if (!this.canWrite || stream.writableEnded) {
      this.pieces = [];
      return true;
    }
    if (pieces.length === 0) return !stream.writableNeedDrain;
    this.pieces = [];
    return stream.write(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
  }

  finish(rawTrailers: readonly string[]): void {
    this.trailers = rawTrailers;
    this.listener = null;
    this.isFinished = true;
    this.flush();
    if (!this.canWrite) return;
    if (!this.hasTrailers) this.stream.once('finish', () => this.leaveRest());
    this.stream.end();
    this.stream.resume();
  }

  /** RFC 9113, 8.1: a complete answer may come before the request's end, which nobody waits for then. */
  private leaveRest(): void {
    if (!this.stream.readableEnded && !this.stream.closed) this.stream.close(NO_ERROR);
  }

  reset(): void {
    this.listener = null;
    this.isFinished = true;
    this.sink = null;
    this.stream.close(INTERNAL_ERROR);
  }

  detach(): { readonly socket: Duplex; readonly rest: Buffer } {
    this.isDetached = true;
    this.listener = null;
    this.services.deadlines.delete(this);
    return { socket: this.stream, rest: NOTHING };
  }

  touch(): void {
    this.deadline = this.services.deadlines.now + this.services.limits.idleTimeoutMs;
  }

  // ---------------------------------------------------------------- ends

  onDeadline(): void {
    this.guarded(() => {
      if (this.listener !== null) this.listener.onAgentLost({ kind: 'idle' });
      else this.stream.close(INTERNAL_ERROR);
    });
  }

  private get canWrite(): boolean {
    return !this.stream.destroyed && !this.stream.closed && !this.isDetached;
  }

  private sendTrailers(): void {
    // Also without any: to close instead makes Go's client fail.
    this.stream.sendTrailers(asHeaders(appendFields([], this.trailers)));
    // A reset overtakes what waits to be sent: not before this turn's frames are out.
    setImmediate(() => this.leaveRest());
  }

  private onClose(): void {
    this.services.deadlines.delete(this);
    const { listener } = this;
    this.listener = null;
    this.sink = null;
    if (listener === null || this.isFinished) return;
    if (this.isConnectionBroken) {
      const reason = 'the client broke the rules of HTTP/2 on the connection';
      listener.onAgentLost({ kind: 'malformed', rule: 'h2-connection', reason });
      return;
    }
    const isBroken = this.stream.rstCode === PROTOCOL_ERROR;
    const reason = 'the client broke the rules of HTTP/2 on this stream (its length, or its trailers)';
    listener.onAgentLost(isBroken ? { kind: 'malformed', rule: 'h2-stream', reason } : { kind: 'closed' });
  }

  /** A bug costs this exchange and nothing else. */
  private guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      const { listener } = this;
      if (listener !== null) listener.onFailure(error);
      else this.services.reportBug(error);
      this.reset();
    }
  }
}
