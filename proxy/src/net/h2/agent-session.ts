// One HTTP/2 connection of an agent: every stream becomes a request, read like those of HTTP/1.
import { randomBytes } from 'node:crypto';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Timed } from '../deadlines.ts';
import { Malformed } from '../h1/malformed.ts';
import type { Origin } from '../h1/origin.ts';
import type { Services } from '../services.ts';
import { H2AgentStream } from './agent-stream.ts';
import { CANCEL, FLAG_END_STREAM, nodeHttp2, PROTOCOL_ERROR } from './node-http2.ts';
import { readRequestFields } from './request-fields.ts';

/** node:http2 counts memory in these; in bytes. */
const MEGABYTE = 1_000_000;
const WEBSOCKET_KEY_BYTES = 16;
/** How often we look for streams that were refused below us, in ms. */
const LOOK_MS = 1_000;
/** Records of such streams at a time: an agent may skip numbers as it likes. */
const MOST_UNTOLD = 64;

export interface SessionOwner {
  readonly scheme: 'https' | 'http';
  readonly origin: Origin;
  /** The connection broke HTTP/2's rules: there is no stream to answer on. */
  onBroken(problem: Malformed): void;
}

export class AgentSession implements Timed {
  deadline: number;
  private readonly session: ServerHttp2Session;
  private readonly services: Services;
  private readonly owner: SessionOwner;
  private readonly streams = new Set<H2AgentStream>();
  /** Without a stream it ends then. In the time of `deadlines`. */
  private idleAt: number;
  /** Number of the last stream that has its record or will have it. */
  private lastTold = -1;
  private isBrokenTold = false;
  /** Number of the last stream that had begun when we looked. */
  private lastBegun = -1;

  constructor(socket: Socket, services: Services, owner: SessionOwner) {
    this.services = services;
    this.owner = owner;
    this.idleAt = services.deadlines.now + services.limits.headTimeoutMs;
    this.deadline = services.deadlines.now + LOOK_MS;
    services.deadlines.add(this);
    // Before the session's own listener: afterwards it no longer knows.
    socket.once('close', () => this.tellUpTo(this.lastBegunNow));
    const { headBytes, headFields, http2 } = services.limits;
    this.session = nodeHttp2().performServerHandshake(socket, {
      settings: {
        enableConnectProtocol: true,
        initialWindowSize: http2.streamWindowBytes,
        maxConcurrentStreams: http2.streams,
        maxHeaderListSize: headBytes,
      },
      maxSessionMemory: Math.max(1, Math.round(http2.memoryBytes / MEGABYTE)),
      maxSettings: http2.settings,
      maxSessionRejectedStreams: http2.refusedStreams,
      streamResetBurst: http2.resetBurst,
      streamResetRate: http2.resetsPerSecond,
      // More of them are refused in words: nghttp2 would reset the stream without any.
      maxHeaderListPairs: 4 * headFields,
    });
    this.session.setLocalWindowSize(http2.windowBytes);
    this.session.on('stream', (stream, _headers, flags, raw: readonly string[]) => {
      this.begin(stream, (flags & FLAG_END_STREAM) !== 0, raw);
    });
    this.session.on('error', (error: NodeJS.ErrnoException) => {
      // The streams that ran at the time have told it in their own records.
      if (isBrokenRule(error) && !this.isBrokenTold) {
        owner.onBroken(new Malformed('h2-connection', `the client broke the rules of HTTP/2 (${error.message})`));
      }
    });
    this.tellBeforeItsEnd();
    // TLS does not half-close in HTTP: the end of input means that the agent is gone, which node:http2 by itself would not notice.
    socket.once('end', () => this.session.destroy(undefined, CANCEL));
    this.session.on('close', () => services.deadlines.delete(this));
  }

  get isBusy(): boolean {
    return this.streams.size > 0;
  }

  /** Takes no more streams (GOAWAY); those that run may end. */
  drain(): void {
    if (!this.session.closed && !this.session.destroyed) this.session.close();
  }

  onDeadline(): void {
    const { now } = this.services.deadlines;
    this.deadline = now + LOOK_MS;
    // What had begun at the last look and still is no request never becomes one.
    this.tellUpTo(this.lastBegun);
    this.lastBegun = this.lastBegunNow;
    if (this.isBusy) this.touch();
    else if (now >= this.idleAt) this.drain();
  }

  /** A session that was destroyed, by us, by a reset or by a broken rule, no longer knows how many streams had begun; no event comes before. */
  private tellBeforeItsEnd(): void {
    const { session } = this;
    const destroy = session.destroy.bind(session);
    session.destroy = (error, ...code) => {
      // Who broke a rule has the record of that for its own.
      this.tellUpTo(this.lastBegunNow - (isBrokenRule(error) ? 2 : 0));
      destroy(error, ...code);
    };
  }

  private get lastBegunNow(): number {
    return this.session.state.lastProcStreamID ?? -1;
  }

  /** nghttp2 resets a stream that breaks its rules without a word to us: numbers that were passed over get their record here. */
  private tellUpTo(last: number): void {
    const first = this.lastTold + 2;
    if (last < first) return;
    this.lastTold = last;
    const reason = 'a request that breaks the rules of HTTP/2, is not complete, or is one too many at a time';
    const many = Math.min(MOST_UNTOLD, (last - first) / 2 + 1);
    for (let i = 0; i < many; i++) this.owner.onBroken(new Malformed('h2-stream', reason));
  }

  private touch(): void {
    this.idleAt = this.services.deadlines.now + this.services.limits.idleTimeoutMs;
  }

  private begin(stream: ServerHttp2Stream, isEnd: boolean, raw: readonly string[]): void {
    this.touch();
    const { services, owner } = this;
    const id = stream.id ?? 0;
    if (id <= this.lastTold) {
      // Its head came so late that it was given up.
      stream.on('error', () => {}).close(PROTOCOL_ERROR);
      return;
    }
    this.tellUpTo(id - 2);
    // Reset in the same breath: no exchange, so that a flood of these dials nobody. It is told with those that were passed over.
    if (stream.closed || stream.destroyed) return;
    this.lastTold = id;
    const head = readRequestFields(raw, {
      scheme: owner.scheme,
      mostFields: services.limits.headFields,
      isEnd,
      webSocketKey: () => randomBytes(WEBSOCKET_KEY_BYTES).toString('base64'),
    });
    const side = new H2AgentStream(stream, services, head instanceof Malformed ? null : head);
    this.streams.add(side);
    stream.once('close', () => {
      this.streams.delete(side);
      this.isBrokenTold ||= side.isConnectionBroken;
      this.touch();
    });
    try {
      if (head instanceof Malformed) {
        owner.origin.malformed(head, null, side);
        return;
      }
      const request = owner.origin.resolve(head);
      if (request instanceof Malformed) owner.origin.malformed(request, head, side);
      else side.attach(owner.origin.exchange(request, side));
    } catch (error) {
      services.reportBug(error);
      side.reset();
    }
  }
}

function isBrokenRule(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code === 'ERR_HTTP2_ERROR';
}
