// What the probe's observations mean: data in, verdicts out. Pure.
import type { ProbeTargets } from '../contract.ts';

export interface CheckVerdict {
  readonly ok: boolean;
  readonly detail: string;
}

type Topology = ProbeTargets['topology'];

const ok = (detail: string): CheckVerdict => ({ ok: true, detail });
const breach = (detail: string): CheckVerdict => ({ ok: false, detail });

export type TcpOutcome =
  /** Accepted by the relay's own listener. */
  | { readonly kind: 'captured' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'silent' };

export function judgeTcp(target: string, outcome: TcpOutcome): CheckVerdict {
  switch (outcome.kind) {
    case 'captured':
      return ok('captured by our relay');
    case 'connected':
      return breach(`something outside accepted a connection at ${target}`);
    case 'failed':
      return ok(`not reached (${outcome.code})`);
    case 'silent':
      return ok('not reached (no answer)');
    default:
      return outcome satisfies never;
  }
}

export function judgeProxy(target: string, outcome: TcpOutcome): CheckVerdict {
  return outcome.kind === 'connected' ? ok('answers') : breach(`the sidecar's proxy at ${target} does not answer`);
}

export type DnsOutcome =
  | { readonly kind: 'captured' }
  | { readonly kind: 'answered'; readonly code: number; readonly address: string | null }
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'silent' };

export function judgeDnsServer(server: string, outcome: DnsOutcome): CheckVerdict {
  switch (outcome.kind) {
    case 'captured':
      return ok('captured by our relay');
    case 'answered':
      return breach(`a DNS server answered at ${server} (code ${outcome.code})`);
    case 'failed':
      return ok(`not reached (${outcome.code})`);
    case 'silent':
      return ok('not reached (no answer)');
    default:
      return outcome satisfies never;
  }
}

export type NameOutcome =
  | { readonly kind: 'resolved'; readonly addresses: readonly string[] }
  | { readonly kind: 'failed'; readonly code: string };

/** A made-up name: our DNS answers its own address to everything, all others deny that such a name exists. */
export function judgeName(outcome: NameOutcome, ours: string): CheckVerdict {
  switch (outcome.kind) {
    case 'resolved': {
      const foreign = outcome.addresses.filter((address) => address !== ours);
      return foreign.length === 0
        ? ok(`resolves to ${ours}`)
        : breach(`a made-up name resolves to ${foreign.join(', ')}, not to ${ours}: another resolver answered`);
    }
    case 'failed':
      return outcome.code === 'ENOTFOUND' || outcome.code === 'ENODATA'
        ? breach(`another resolver than ours denied a made-up name (${outcome.code})`)
        : ok(`no resolver answers (${outcome.code})`);
    default:
      return outcome satisfies never;
  }
}

export interface InterfaceFacts {
  /** Names in /proc/net/dev. */
  readonly present: readonly string[];
  /** Names of those that are up and have an address. */
  readonly addressed: readonly string[];
}

// The kernel puts these into every namespace when its tunnel modules are loaded; down, and without NET_ADMIN they stay down.
const FALLBACK_TUNNELS = /^(tunl0|sit0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6tnl0|ip6gre0|ip6gretap0)$/;

export function judgeInterfaces(topology: Topology, facts: InterfaceFacts): CheckVerdict {
  const real = facts.present.filter((name) => !FALLBACK_TUNNELS.test(name) || facts.addressed.includes(name));
  const others = real.filter((name) => name !== 'lo');
  const allowed = topology === 'sealed' ? 0 : 1;
  const found = real.length === 0 ? 'none' : real.join(', ');
  return others.length <= allowed ? ok(found) : breach(`more interfaces than expected: ${found}`);
}

export interface RouteFact {
  readonly device: string;
  /** `0.0.0.0` = default. */
  readonly destination: string;
  readonly gateway: string;
}

/** Routes of the main table. With `internal` an engine may leave a default route to a dead next hop: the targets prove it dead. */
export function judgeRoutes(topology: Topology, routes: readonly RouteFact[]): CheckVerdict {
  const outward = routes.filter((route) => route.device !== 'lo');
  const text = outward.map((route) => `${route.destination} via ${route.gateway} dev ${route.device}`).join('; ');
  if (topology === 'sealed' && outward.length > 0) return breach(`routes lead out: ${text}`);
  return ok(text === '' ? 'none leads out' : text);
}

/** IPv6 addresses in the namespace. */
export function judgeIPv6(addresses: readonly string[]): CheckVerdict {
  const others = addresses.filter((address) => address !== '::1');
  if (others.length > 0) return breach(`IPv6 addresses besides ::1: ${others.join(', ')}`);
  return ok(addresses.length === 0 ? 'off' : 'only ::1');
}

export interface CapabilityFacts {
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly bounding: bigint;
}

const NET_RAW = 1n << 13n;

export function judgeCapabilities(facts: CapabilityFacts): CheckVerdict {
  if (facts.effective !== 0n || facts.permitted !== 0n) {
    return breach(`capabilities are held: effective ${hex(facts.effective)}, permitted ${hex(facts.permitted)}`);
  }
  if ((facts.bounding & NET_RAW) !== 0n) return breach('NET_RAW could be gained: it is in the bounding set');
  return ok(`none; bounding set ${hex(facts.bounding)}`);
}

export type RawSocketOutcome =
  | { readonly kind: 'refused' }
  | { readonly kind: 'not-refused'; readonly detail: string }
  /** There is no program to try it with. */
  | { readonly kind: 'untried' };

export function judgeRawSocket(outcome: RawSocketOutcome): CheckVerdict {
  switch (outcome.kind) {
    case 'refused':
      return ok('not permitted');
    case 'not-refused':
      return breach(`a raw socket was not refused: ${outcome.detail}`);
    case 'untried':
      return ok('not tried (no busybox); see capabilities');
    default:
      return outcome satisfies never;
  }
}

function hex(set: bigint): string {
  return `0x${set.toString(16)}`;
}
