// What the processes in the agent's network namespace are given, and what they report.

/** Environment of the relay; all values are public. */
export interface RelayEnv {
  /** Path of the sidecar's unix socket. */
  readonly BOTTLE_SOCKET: string;
  /** Comma-separated TCP ports that are captured besides 80, 443, 3128 and 53. */
  readonly BOTTLE_PORTS: string;
  /** As ProbeEnv.BOTTLE_PROBE. */
  readonly BOTTLE_PROBE: string;
}

export interface ProbeEnv {
  /** JSON of ProbeTargets. */
  readonly BOTTLE_PROBE: string;
}

/** What the self-probe tries to reach. A target that answers is a breach. */
export interface ProbeTargets {
  readonly topology: 'sealed' | 'internal';
  /** `ADDR:PORT` TCP targets: host addresses, gateways, metadata, raw IPs. */
  readonly tcp: readonly string[];
  /** `ADDR:PORT` DNS servers that must not answer. */
  readonly dns: readonly string[];
  /** Address and port of the sidecar's explicit proxy, which must answer (internal); null in sealed. */
  readonly proxy: string | null;
}

export interface ProbeReport {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly check: string;
    readonly ok: boolean;
    readonly detail: string;
    readonly ms: number;
  }[];
}

export type RelayEvent =
  | { readonly event: 'ready'; readonly probe: ProbeReport; readonly startedMs: number }
  | { readonly event: 'fatal'; readonly what: string; readonly why: string; readonly fix: string };

/**
 * First bytes of every relay -> sidecar connection: one JSON line.
 * `tcp`: the captured connection's bytes follow, both ways. `dns`: length-prefixed (16 bit, big endian, as DNS over TCP) queries
 * and answers follow. `lifeline`: nothing follows from the relay; from the sidecar ONE_MORE_THREAD each time another of its threads
 * listens (the n-th on SOCKET.n); its end tells the other side to stop.
 */
export type RelayHello =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | { readonly kind: 'dns' }
  | { readonly kind: 'lifeline' };

export const ONE_MORE_THREAD = '\n';
