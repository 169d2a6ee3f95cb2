// The line protocol of `serve`, after its configuration.
import type { Finding, Stage } from './record.ts';

/** CLI -> proxy, after the configuration line. */
export type ControlMessage =
  | { readonly do: 'stop' }
  /** New values of secrets that the configuration has. Requests that begin after `renewed` get them; the old ones stay known to the search. */
  | { readonly do: 'renew'; readonly values: readonly { readonly name: string; readonly value: string }[] }
  /** On a held request. An id that waits for nobody (any more) is ignored. `always`: the same is not asked again while the process lives. */
  | { readonly do: 'approve' | 'deny'; readonly id: string; readonly always?: boolean };

/** A request that waits for a person. Never the matched text. */
export interface HeldEvent {
  readonly event: 'held';
  /** For `approve` and `deny`: of this one wait, and known to nobody but the receiver of this event. */
  readonly id: string;
  /** Id of the audit record to come. */
  readonly record: string;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** As in the record. */
  readonly path: string;
  readonly stage: Stage;
  readonly rule: string;
  readonly reason: string;
  readonly findings: readonly Finding[];
  /** Name of the secret that its route adds; null = none. */
  readonly credential: string | null;
  readonly waitsMs: number;
  /** The spec asks for a person here, whatever is found. session: one approval covers what that rule allows, on this host and with this method. */
  readonly confirm?: 'each' | 'session';
}

export interface ReleasedEvent {
  readonly event: 'released';
  readonly id: string;
  readonly by: 'person' | 'timeout' | 'client';
}

/** A service answered 401 to a request that got this secret; at most one a second for each. */
export interface StaleEvent {
  readonly event: 'stale';
  readonly secret: string;
}

/** The answer to `renew`. */
export type RenewedEvent =
  | { readonly event: 'renewed'; readonly secrets: readonly string[] }
  /** All stays as it was. */
  | { readonly event: 'not-renewed'; readonly secrets: readonly string[]; readonly why: string };

/** Proxy -> CLI, the first line. */
export type FirstEvent =
  | {
      readonly event: 'ready';
      /** The session CA's certificate, PEM. The key never leaves the process. */
      readonly ca: string;
      /** Where the explicit proxy listens, `ADDR:PORT`; null when off. */
      readonly listening: string | null;
      /** Milliseconds from process start to serving. */
      readonly startedMs: number;
    }
  | { readonly event: 'fatal'; readonly what: string; readonly why: string; readonly fix: string };

/** Proxy -> CLI. */
export type ProxyEvent = FirstEvent | HeldEvent | ReleasedEvent | StaleEvent | RenewedEvent;
