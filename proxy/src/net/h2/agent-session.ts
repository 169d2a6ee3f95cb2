// One HTTP/2 connection of an agent: every stream becomes a request, read like those of HTTP/1.
import { randomBytes } from 'node:crypto';
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Timed } from '../deadlines.ts';
import { Malformed } from '../h1/malformed.ts';
import type { Origin } from '../h1/origin.ts';
import type { Services } from '../services.ts';
import { H2AgentStream } from './agent-stream.ts';
import { readRequestFields } from './request-fields.ts';

/** Bytes that an agent may send ahead of what was read: on one stream, and on the whole connection. */
const STREAM_WINDOW = 512 * 1024;
const CONNECTION_WINDOW = 4 * 1024 * 1024;
const STREAMS = 256;
/** Frames that wait to be sent and headers that are being read, in MB: an agent that reads nothing is cut off. */
const SESSION_MEMORY_MB = 16;
const WEBSOCKET_KEY_BYTES = 16;

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

  constructor(socket: Socket, services: Services, owner: SessionOwner) {
    this.services = services;
    this.owner = owner;
    this.deadline = services.deadlines.now + services.limits.headTimeoutMs;
    services.deadlines.add(this);
    this.session = performServerHandshake(socket, {
      settings: {
        enableConnectProtocol: true,
        initialWindowSize: STREAM_WINDOW,
        maxConcurrentStreams: STREAMS,
        maxHeaderListSize: services.limits.headBytes,
      },
      maxSessionMemory: SESSION_MEMORY_MB,
      // Numbers of these are refused in words: nghttp2 would reset the stream without any.
      maxHeaderListPairs: 4096,
    });
    this.session.setLocalWindowSize(CONNECTION_WINDOW);
    this.session.on('stream', (stream, _headers, flags, raw: readonly string[]) => {
      this.begin(stream, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, raw);
    });
    this.session.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_HTTP2_ERROR') {
        owner.onBroken(new Malformed('h2-connection', `the client broke the rules of HTTP/2 (${error.message})`));
      }
    });
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
    if (this.isBusy) this.touch();
    else this.drain();
  }

  private touch(): void {
    this.deadline = this.services.deadlines.now + this.services.limits.idleTimeoutMs;
  }

  private begin(stream: ServerHttp2Stream, isEnd: boolean, raw: readonly string[]): void {
    this.touch();
    const { services, owner } = this;
    const head = readRequestFields(raw, {
      scheme: owner.scheme,
      isEnd,
      webSocketKey: () => randomBytes(WEBSOCKET_KEY_BYTES).toString('base64'),
    });
    const side = new H2AgentStream(stream, services, head instanceof Malformed ? null : head);
    this.streams.add(side);
    stream.once('close', () => {
      this.streams.delete(side);
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
