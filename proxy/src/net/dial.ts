// Opens the connection to an upstream: checks the requested name, resolves, judges every address, pins the judged one, TLS.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProxyConfig, Route, Stage } from '../contract.ts';

export interface DialerOptions {
  readonly upstream: ProxyConfig['upstream'];
  /** Name look-up, TCP and TLS together, in ms. */
  readonly connectTimeoutMs: number;
}

export interface Dialer {
  /** TLS for `https` routes (handshake finished, certificate verified), plain TCP for `http`; throws DialRefused. */
  dial(route: Route, host: string, port: number): Promise<TLSSocket | Socket>;
  /** Forgets cached addresses and sessions; open sockets belong to the caller. */
  close(): void;
}

/** Why there is no connection; the fields go into refusal and record as they are. */
export class DialRefused extends Error {
  override readonly name = 'DialRefused';
  readonly stage: Extract<Stage, 'address' | 'upstream'>;
  /** `private-address`, `metadata-address`, `local-name`, `dns`, `connect`, `timeout`, `certificate`, `tls`. */
  readonly rule: string;
  readonly reason: string;
  readonly fix: string;

  constructor(refusal: Pick<DialRefused, 'stage' | 'rule' | 'reason' | 'fix'>, cause?: unknown) {
    super(`${refusal.reason}; ${refusal.fix}`, { cause });
    this.stage = refusal.stage;
    this.rule = refusal.rule;
    this.reason = refusal.reason;
    this.fix = refusal.fix;
  }
}

export function createDialer(_options: DialerOptions): Dialer {
  throw new Error('being written');
}
