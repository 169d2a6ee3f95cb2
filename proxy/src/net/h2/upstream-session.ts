// One HTTP/2 connection to an upstream, shared by many requests at a time.
import type { ClientHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ProxyLimits } from '../../contract.ts';
import { nodeHttp2 } from './node-http2.ts';
import { H2UpstreamStream, type StreamOwner } from './upstream-stream.ts';

export interface SessionOwner {
  onClosed(session: UpstreamSession): void;
  /** The upstream wants to be asked in HTTP/1.1 (RFC 9113, 7: HTTP_1_1_REQUIRED). */
  onHttp1Required(session: UpstreamSession): void;
}

/** Until the upstream has said how many (RFC 9113, 6.5.2 recommends no less). */
const STREAMS = 100;
/** node:http2 counts memory in these; in bytes. */
const MEGABYTE = 1_000_000;

export class UpstreamSession implements StreamOwner {
  readonly key: string;
  /** When its last stream ended, in ms of performance.now(). */
  idleSince = performance.now();
  readonly session: ClientHttp2Session;
  readonly limits: ProxyLimits;
  lastProcessed = Number.POSITIVE_INFINITY;
  private readonly owner: SessionOwner;
  private readonly settled = Promise.withResolvers<void>();
  private open = 0;
  private isLeaving = false;
  private hasServed = false;

  constructor(socket: TLSSocket, key: string, owner: SessionOwner, limits: ProxyLimits) {
    this.key = key;
    this.owner = owner;
    this.limits = limits;
    const { headBytes, headFields, http2 } = limits;
    this.session = nodeHttp2().connect('https://upstream', {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: http2.upstreamStreamWindowBytes, maxHeaderListSize: headBytes },
      maxSessionMemory: Math.max(1, Math.round(http2.upstreamMemoryBytes / MEGABYTE)),
      maxSettings: http2.settings,
      maxHeaderListPairs: 4 * headFields,
    });
    this.session.on('connect', () => this.session.setLocalWindowSize(http2.upstreamWindowBytes));
    this.session.on('remoteSettings', () => this.settled.resolve());
    // A second one may name a smaller number (RFC 9113, 6.8). With an error code Node ends all streams, and this comes first.
    this.session.on('goaway', (_code, lastStreamId) => {
      this.isLeaving = true;
      this.lastProcessed = lastStreamId;
    });
    // Its streams are told by their own `close`.
    this.session.on('error', () => {});
    this.session.on('close', () => {
      this.isLeaving = true;
      this.settled.resolve();
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

  /** Waits for the upstream's settings: does it take WebSockets (RFC 8441, 3)? */
  async takesWebSockets(): Promise<boolean> {
    const timer = setTimeout(() => this.settled.resolve(), this.limits.connectTimeoutMs);
    await this.settled.promise;
    clearTimeout(timer);
    return this.isUsable && this.session.remoteSettings?.enableConnectProtocol === true;
  }

  newStream(isWebSocket: boolean): H2UpstreamStream {
    this.open++;
    const isReused = this.hasServed;
    this.hasServed = true;
    return new H2UpstreamStream(this, isReused, isWebSocket);
  }

  abandon(): void {
    this.isLeaving = true;
    this.session.destroy();
  }

  onStreamOver(): void {
    this.open--;
    this.idleSince = performance.now();
  }

  onHttp1Required(): void {
    this.isLeaving = true;
    this.owner.onHttp1Required(this);
  }
}
