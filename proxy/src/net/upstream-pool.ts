// Idle connections to upstreams, last used first; never shared between hosts or between routes of different reach.
import type { Route } from '../contract.ts';
import { type Dialer, DialRefused } from './dial.ts';
import { type ConnectionOwner, UpstreamConnection } from './h1/upstream-connection.ts';

/** Idle connections are closed after this time, in ms. */
const IDLE_MS = 60_000;
/** Many servers close idle connections after 5 s: within this time a reused one is still there. In ms. */
const FRESH_MS = 4_000;
const SWEEP_MS = 5_000;

export interface PoolLimits {
  readonly headBytes: number;
  /** Idle connections kept in all. */
  readonly idleConnections: number;
}

export class UpstreamPool implements ConnectionOwner {
  private readonly dialer: Dialer;
  private readonly limits: PoolLimits;
  private readonly idle = new Map<string, UpstreamConnection[]>();
  private readonly open = new Set<UpstreamConnection>();
  private idleCount = 0;
  private timer: NodeJS.Timeout | null = null;
  private isClosed = false;

  constructor(dialer: Dialer, limits: PoolLimits) {
    this.dialer = dialer;
    this.limits = limits;
  }

  /** An idle connection; `mustBeFresh` for requests that cannot be repeated when the upstream is just closing it. */
  take(route: Route, host: string, port: number, mustBeFresh: boolean): UpstreamConnection | null {
    const stack = this.idle.get(keyOf(route, host, port));
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

  /** A new connection; throws DialRefused. */
  async dial(route: Route, host: string, port: number): Promise<UpstreamConnection> {
    const socket = await this.dialer.dial(route, host, port);
    if (this.isClosed || socket.destroyed) {
      socket.destroy();
      const reason = 'the connection to the upstream closed at once';
      throw new DialRefused({ stage: 'upstream', rule: 'connect', reason, fix: 'try again' });
    }
    const connection = new UpstreamConnection(socket, keyOf(route, host, port), this, this.limits.headBytes);
    this.open.add(connection);
    return connection;
  }

  onReusable(connection: UpstreamConnection): void {
    if (this.isClosed || this.idleCount >= this.limits.idleConnections) {
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
  }

  private sweep(): void {
    const before = performance.now() - IDLE_MS;
    for (const [key, stack] of this.idle) {
      for (const connection of [...stack]) if (connection.idleSince < before) connection.abandon();
      if (stack.length === 0) this.idle.delete(key);
    }
  }
}

/** Below half of what the upstream announced, or within what nearly every server keeps open. */
function isFresh(connection: UpstreamConnection): boolean {
  const announced = connection.keepAliveSeconds;
  const limitMs = announced === null ? FRESH_MS : announced * 500;
  return performance.now() - connection.idleSince < limitMs;
}

function keyOf(route: Route, host: string, port: number): string {
  return `${route.scheme}${route.allowPrivate ? '+' : ' '}${host} ${port}`;
}
