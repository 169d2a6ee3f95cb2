// The configuration of one proxy process.

import type { ProxyLimits } from './limits.ts';
import type { Quota, Route } from './route.ts';

export const CONTRACT_VERSION = 1;

/** When a rule's match is no finding. */
export interface RuleAllowlist {
  readonly condition: 'OR' | 'AND';
  /** What `regexes` look at: the secret, the whole match, or its line. */
  readonly regexTarget: 'secret' | 'match' | 'line';
  /** RE2 syntax. */
  readonly regexes: readonly string[];
  /** Lower case. */
  readonly stopwords: readonly string[];
  /** It asks for a path or a commit as well, which a message does not have. */
  readonly needsFile: boolean;
}

export interface ThirdPartyRule {
  readonly id: string;
  readonly description: string;
  /** RE2 syntax. */
  readonly regex: string;
  /** Group that holds the secret; 0 = the first that took part, or all of the match. */
  readonly secretGroup: number;
  /** Least Shannon entropy of the secret, in bits a character; 0 = any. */
  readonly entropy: number;
  /** Lower case; one must be there in any case. Empty = the rule is tried on every message. */
  readonly keywords: readonly string[];
  readonly allowlists: readonly RuleAllowlist[];
  /** Other rules that must match, too, so many lines or columns away at most; null = anywhere. */
  readonly required: readonly {
    readonly id: string;
    readonly withinLines: number | null;
    readonly withinColumns: number | null;
  }[];
  /** Only there for others to require. */
  readonly skipReport: boolean;
}

export interface SecretValue {
  readonly name: string;
  readonly value: string;
  /** What the agent sees instead. */
  readonly placeholder: string;
  /** After each `stale` of it the CLI sends a `renew`, with no values when there are none. Left out = only when there are. */
  readonly isRenewable?: true;
  /** Of a token that an upstream answered: id of the route. The configuration that the CLI writes has none of these. */
  readonly issuer?: string;
}

/** A proxy between us and the world. It resolves the names, so addresses behind it are not judged. */
export interface UpstreamProxy {
  /** TLS to the proxy itself, verified against the same roots as upstreams. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly credentials: { readonly username: string /** Name of a secret. */; readonly secret: string } | null;
  /** What is reached without it: `x.example` (and below), `.x.example` (below), addresses, CIDRs, `host:port`, `*`. */
  readonly noProxy: readonly string[];
}

export interface ProxyConfig {
  readonly contractVersion: typeof CONTRACT_VERSION;
  /** Session id, written to every record. */
  readonly session: string;
  readonly listen: {
    /** `ADDR:PORT` of the explicit proxy (CONNECT, absolute-form), port 0 = any free one; null = off. */
    readonly explicit: string | null;
    /** Unix socket on which relays arrive (sealed); null = off. */
    readonly relaySocket: string | null;
    /** Transparent ways in (internal): bind address and the ports that carry TLS / plain HTTP; null = off. */
    readonly transparent: {
      readonly address: string;
      readonly tlsPorts: readonly number[];
      readonly httpPorts: readonly number[];
    } | null;
    /** DNS server on UDP and TCP `ADDR:PORT` (internal); null = off. */
    readonly dns: string | null;
  };
  /** Address that our DNS answers to every A question (the relay's or the sidecar's own). */
  readonly dnsAnswer: string;
  readonly routes: readonly Route[];
  /** What becomes of a request that no rule allows: `hold` asks a person. Left out = block. What `deny` names is never asked about. */
  readonly onDeny?: 'block' | 'hold';
  /** Host patterns that always win over routes, with the name of the rule. */
  readonly deny: readonly { readonly id: string; readonly host: string }[];
  readonly secrets: readonly SecretValue[];
  readonly dlp: {
    /** Ids of active detectors; null = every detector that is on by default. */
    readonly detectors: readonly string[] | null;
    /** Shingles of the workspace's source (SourceIndexed), for the detector `workspace-source`; '' = not searched for. */
    readonly source: string;
    /** Fake secrets that were planted in the agent: seen on their way out they are the alarm. Left out = none. */
    readonly canaries?: readonly { readonly name: string; readonly value: string }[];
    /** Key of the fingerprints, 32 bytes in base64; left out = a random one for this process. */
    readonly fingerprintKey?: string;
    /** Rules of a person's own, in gitleaks' terms; left out = none. Run in a linear engine beside the event loop. */
    readonly rules?: readonly ThirdPartyRule[];
  };
  readonly upstream: {
    /** PEM text: the roots that upstream certificates are verified against. */
    readonly roots: string;
    /** `host:port` -> `ip:port`: where a name is dialled, and nothing else. Exempt from the check of the resolved address. */
    readonly map: Readonly<Record<string, string>>;
    /** Left out = none. What the map names is reached without it. */
    readonly proxy?: UpstreamProxy;
    /** CIDRs refused besides the built-in private ranges (the host's own addresses and networks). */
    readonly refuse: readonly string[];
  };
  /** Of all routes together. */
  readonly quota: Quota | null;
  /** Path of the audit log; opened for append by the proxy. */
  readonly auditPath: string;
  readonly limits: ProxyLimits;
}
