// Connections to upstreams: idle ones of HTTP/1.1, last used first, and shared ones of HTTP/2; never across hosts or routes of different reach.

import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProxyLimits, Route } from '../contract.ts';
import { type Dialer, DialRefused } from './dial.ts';
import { type ConnectionOwner, UpstreamConnection } from './h1/upstream-connection.ts';
import { UpstreamSession } from './h2/upstream-session.ts';
import type { UpstreamStream } from './upstream.ts';

/** Idle connections are closed after this time, in ms. */
const IDLE_MS = 60_000;
/** Many servers close idle connections after 5 s: within this time a reused one is still there. In ms. */
const FRESH_MS = 4_000;
const SWEEP_MS = 5_000;

/** What an exchange wants of a connection. */
export interface Wish {
  /** The agent speaks HTTP/2. Others are best served by HTTP/1.1, which keeps their fields as they are spelled. */
  readonly isHttp2: boolean;
  /** A handshake of HTTP/1.1, unless the upstream does not take that. */
  readonly isWebSocket: boolean;
  /** The request cannot be repeated when the upstream is just closing the connection. */
  readonly mustBeFresh: boolean;
}

const HTTP1 = ['http/1.1'] as const;
const HTTP2 = ['h2'] as const;
const EITHER = ['h2', 'http/1.1'] as const;
/** Hosts whose protocol is remembered. */
const REMEMBERED = 4096;

export class UpstreamPool implements ConnectionOwner {
  private readonly dialer: Dialer;
  private readonly limits: ProxyLimits;
  private readonly idle = new Map<string, UpstreamConnection[]>();
  private readonly open = new Set<UpstreamConnection>();
  private readonly sessions = new Map<string, UpstreamSession[]>();
  /** What each key's upstream chose; `h2-only`: it does not take HTTP/1.1. */
  private readonly spoken = new Map<string, 'h2' | 'h2-only' | 'http/1.1'>();
  private readonly dialing = new Map<string, Promise<void>>();
  private idleCount = 0;
  private timer: NodeJS.Timeout | null = null;
  private isClosed = false;

  constructor(dialer: Dialer, limits: ProxyLimits) {
    this.dialer = dialer;
    this.limits = limits;
  }

  /** One that is there already. */
  take(route: Route, host: string, port: number, wish: Wish): UpstreamStream | null {
    const { isHttp2, isWebSocket, mustBeFresh } = wish;
    const key = this.keyOf(route, host, port);
    if (!isWebSocket && (isHttp2 || this.spoken.get(key) === 'h2-only')) {
      for (const session of this.sessions.get(key) ?? []) if (session.isUsable) return session.newStream(false);
    }
    const stack = this.idle.get(key);
    while (stack !== undefined && stack.length > 0) {
      const connection = stack[stack.length - 1]!;
      // The youngest one is on top: when it is too old for this request, all are.
      if (connection.isUsable && mustBeFresh && !isFresh(connection)) return null;
      stack.pop();
      this.idleCount--;
      if (connection.isUsable) return connection;
      connection.abandon();
    }
    return null;
  }

  /**
   * A new connection, or a place on one that others were waiting for; throws DialRefused. `gone`: nobody waits for it any more; what others may share
   * is dialled to its end.
   */
  async dial(route: Route, host: string, port: number, wish: Wish, gone: AbortSignal): Promise<UpstreamStream> {
    const key = this.keyOf(route, host, port);
    const spoken = this.spoken.get(key);
    const isHttp1 = spoken === 'http/1.1' || ((!wish.isHttp2 || wish.isWebSocket) && spoken !== 'h2-only');
    if (route.scheme === 'http' || isHttp1) {
      try {
        return await this.open1(route, host, port, key, gone);
      } catch (error) {
        if (!(error instanceof DialRefused) || error.rule !== 'alpn') throw error;
        this.remember(key, 'h2-only');
      }
    }
    if (wish.isWebSocket) return this.dialWebSocket(route, host, port, key);
    // Streams that begin together share the connection that the first of them dials.
    for (let pending = this.dialing.get(key); pending !== undefined; pending = this.dialing.get(key)) {
      await pending;
      const shared = this.take(route, host, port, wish);
      if (shared !== null) return shared;
      if (this.spoken.get(key) === 'http/1.1') return this.open1(route, host, port, key, gone);
    }
    const session = await this.dialShared(route, host, port, key);
    return session instanceof UpstreamConnection ? session : session.newStream(false);
  }

  /** On HTTP/2 (RFC 8441), because the upstream speaks nothing else. */
  private async dialWebSocket(route: Route, host: string, port: number, key: string): Promise<UpstreamStream> {
    await this.dialing.get(key);
    const shared = this.sessions.get(key)?.find((one) => one.isUsable);
    const session = shared ?? (await this.dialShared(route, host, port, key));
    if (session instanceof UpstreamConnection) return session;
    if (await session.takesWebSockets()) return session.newStream(true);
    throw new DialRefused({
      stage: 'upstream',
      rule: 'no-websocket',
      reason: `${host}:${port} speaks HTTP/2 alone, and takes no WebSockets on it (RFC 8441)`,
      fix: 'use what the upstream offers besides WebSockets',
    });
  }

  /** Others wait for this connection meanwhile. */
  private async dialShared(
    route: Route,
    host: string,
    port: number,
    key: string,
  ): Promise<UpstreamSession | UpstreamConnection> {
    const dialed = Promise.withResolvers<void>();
    this.dialing.set(key, dialed.promise);
    try {
      return await this.openEither(route, host, port, key);
    } finally {
      this.dialing.delete(key);
      dialed.resolve();
    }
  }

  private async openEither(
    route: Route,
    host: string,
    port: number,
    key: string,
  ): Promise<UpstreamSession | UpstreamConnection> {
    const isOnly = this.spoken.get(key) === 'h2-only';
    const socket = await this.connect(route, host, port, isOnly ? HTTP2 : EITHER);
    if (!('alpnProtocol' in socket) || socket.alpnProtocol !== 'h2') {
      this.remember(key, 'http/1.1');
      return this.keep(socket, key);
    }
    if (!isOnly) this.remember(key, 'h2');
    const session = new UpstreamSession(
      socket as TLSSocket,
      key,
      {
        onClosed: (one) => this.onSessionClosed(one),
        onHttp1Required: (one) => this.remember(one.key, 'http/1.1'),
      },
      this.limits,
    );
    const sessions = this.sessions.get(key);
    if (sessions === undefined) this.sessions.set(key, [session]);
    else sessions.push(session);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return session;
  }

  private async open1(
    route: Route,
    host: string,
    port: number,
    key: string,
    gone: AbortSignal,
  ): Promise<UpstreamConnection> {
    return this.keep(await this.connect(route, host, port, HTTP1, gone), key);
  }

  private async connect(route: Route, host: string, port: number, protocols: readonly string[], gone?: AbortSignal) {
    const socket = await this.dialer.dial(route, host, port, protocols, gone);
    if (!this.isClosed && !socket.destroyed) return socket;
    socket.destroy();
    const reason = 'the connection to the upstream closed at once';
    throw new DialRefused({ stage: 'upstream', rule: 'connect', reason, fix: 'try again' });
  }

  private keep(socket: Socket, key: string): UpstreamConnection {
    const connection = new UpstreamConnection(socket, key, this, this.limits);
    this.open.add(connection);
    return connection;
  }

  private remember(key: string, protocol: 'h2' | 'h2-only' | 'http/1.1'): void {
    if (this.spoken.size >= REMEMBERED) this.spoken.clear();
    this.spoken.set(key, protocol);
  }

  private onSessionClosed(session: UpstreamSession): void {
    const sessions = this.sessions.get(session.key);
    const at = sessions?.indexOf(session) ?? -1;
    if (sessions === undefined || at < 0) return;
    sessions.splice(at, 1);
    if (sessions.length === 0) this.sessions.delete(session.key);
  }

  onReusable(connection: UpstreamConnection): void {
    if (this.isClosed || this.idleCount >= this.limits.idleUpstreams) {
      connection.abandon();
      return;
    }
    connection.idleSince = performance.now();
    const stack = this.idle.get(connection.key);
    if (stack === undefined) this.idle.set(connection.key, [connection]);
    else stack.push(connection);
    this.idleCount++;
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onClosed(connection: UpstreamConnection): void {
    this.open.delete(connection);
    const stack = this.idle.get(connection.key);
    const at = stack?.lastIndexOf(connection) ?? -1;
    if (stack === undefined || at < 0) return;
    stack.splice(at, 1);
    this.idleCount--;
    if (stack.length === 0) this.idle.delete(connection.key);
  }

  close(): void {
    this.isClosed = true;
    if (this.timer !== null) clearInterval(this.timer);
    for (const connection of this.open) connection.abandon();
    for (const session of [...this.sessions.values()].flat()) session.abandon();
  }

  /** Routes of one key may use each other's connections: same reach, and the same client certificate or none. */
  private keyOf(route: Route, host: string, port: number): string {
    const key = `${route.scheme}${route.allowPrivate ? '+' : ' '}${host} ${port}`;
    return route.clientCertificate === undefined ? key : `${key} ${this.dialer.identityOf(route)}`;
  }

  private sweep(): void {
    const before = performance.now() - IDLE_MS;
    for (const [key, stack] of this.idle) {
      for (const connection of [...stack]) if (connection.idleSince < before) connection.abandon();
      if (stack.length === 0) this.idle.delete(key);
    }
    for (const session of [...this.sessions.values()].flat()) {
      if (session.isIdle && session.idleSince < before) session.abandon();
    }
  }
}

/** Below half of what the upstream announced, or within what nearly every server keeps open. */
function isFresh(connection: UpstreamConnection): boolean {
  const announced = connection.keepAliveSeconds;
  const limitMs = announced === null ? FRESH_MS : announced * 500;
  return performance.now() - connection.idleSince < limitMs;
}
