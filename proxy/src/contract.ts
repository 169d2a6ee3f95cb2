// The contract between the CLI and the proxy process: its configuration, its line protocol and its audit record.
//
// Only this file may be imported by src/. The proxy is always a process of its own:
//
//   node main.ts serve    stdin: one ProxyConfig line, then ControlMessage lines; end of stdin stops it.
//                         stdout: ProxyEvent lines. Runs in the sidecar, or as a child of `bottle proxy`.
//   node main.ts decide   stdin: one DecideRequest line. stdout: one Decision line. No network.
//   node main.ts index    stdin: one IndexRequest line. stdout: one SourceIndexed line. No network.
//   node main.ts scan     stdin: one ScanRequest line, then the bytes of the target `-`, if any. stdout: ScanEvent lines. No network.
//   node main.ts relay    in the agent's network namespace (sealed); environment: RelayEnv. stdout: RelayEvent lines.
//   node main.ts probe    in the agent's network namespace (internal); environment: ProbeEnv. stdout: one ProbeReport line.

export { DETECTOR_IDS, PROFILES, type Profile, type ProfileName } from './dlp/profiles.ts';

export const CONTRACT_VERSION = 1;

// ---------------------------------------------------------------- configuration

/** `hold`: a person decides; in a ping, and for a secret in pieces over several places, it blocks. */
export type OnMatch = 'block' | 'redact' | 'hold' | 'log';

/** Shape of a refusal's body: plain is ours, the others are what that API's clients show to a person. */
export type ErrorShape = 'plain' | 'anthropic' | 'openai' | 'google';

/** One allowance inside a route. Every given part must match; `null` means any. */
export interface RouteRule {
  /** Upper case; null = any. */
  readonly methods: readonly string[] | null;
  /** Path globs (`*` stops at `/`, `**` does not), matched on the normalised path; null = any. */
  readonly paths: readonly string[] | null;
  /** Query parameters that must be present with a value matching the glob; `{}` = none asked. */
  readonly query: Readonly<Record<string, string>>;
  /** Header fields (lower case) that must be present with a value matching the glob; `{}` = none asked. */
  readonly headers: Readonly<Record<string, string>>;
}

/** How the real credential gets into a request. The agent's own value in that place is removed first. */
export type Auth =
  | { readonly type: 'bearer'; readonly secret: string }
  | { readonly type: 'basic'; readonly secret: string; readonly username: string }
  /** `template` holds `{secret}`; the default template is `{secret}` alone. */
  | { readonly type: 'header'; readonly secret: string; readonly name: string; readonly template: string }
  | { readonly type: 'query'; readonly secret: string; readonly name: string }
  /** AWS Signature Version 4 and 4A: the agent signs with the placeholder of `accessKey`, and is signed anew for the same scope. */
  | {
      readonly type: 'sigv4';
      /** Secret that holds the access key id. */
      readonly accessKey: string;
      /** The secret access key. */
      readonly secret: string;
      /** Of temporary credentials; null = none. */
      readonly sessionToken: string | null;
      /** As in the credential scope; null = any. */
      readonly services: readonly string[] | null;
      readonly regions: readonly string[] | null;
    };

/** Names of the secrets that it sends, or signs with. */
export function secretsOfAuth(auth: Auth): readonly string[] {
  if (auth.type !== 'sigv4') return [auth.secret];
  return [auth.accessKey, auth.secret, ...(auth.sessionToken === null ? [] : [auth.sessionToken])];
}

/**
 * The agent's placeholder is swapped where it stands, on this route alone. header: also inside Basic; query: a whole value; path: anywhere in it;
 * body: anywhere in one that is not compressed and may be held whole, escaped as JSON and forms ask for.
 */
export interface PlaceholderSwap {
  readonly secret: string;
  readonly in: readonly ('header' | 'query' | 'path' | 'body')[];
}

/** Bounds on what the agent may use up; null = none. Beyond one of them a request is refused at stage `limit`, with the bound as the rule. */
export interface Quota {
  /** Where it stands in the spec: `egress.limits`, `allow.3.limits`. Routes with a quota of the same name share its counts. */
  readonly name: string;
  /** Body of one request. */
  readonly requestBytes: number | null;
  /** In any 60 seconds. */
  readonly requestsPerMinute: number | null;
  /** Heads and bodies of all requests that were let through, and WebSocket messages, while the session lives. */
  readonly totalBytes: number | null;
}

/** Globs of the fields that an operation may ask for at its top; an empty list allows none of that kind. */
export interface GraphqlRule {
  readonly query: readonly string[];
  readonly mutation: readonly string[];
  readonly subscription: readonly string[];
}

export interface Route {
  /** Name of the rule in refusals and records: `allow.3`, `use.anthropic.0`. */
  readonly id: string;
  /** Lower-case host name, IP literal, or `*.x` (any name below x, not x itself). */
  readonly host: string;
  readonly ports: readonly number[];
  /**
   * `https` is TLS to the upstream; `http` is plain and only for routes that ask for it. Requests never use the other two, which nobody
   * reads: `tls` is the agent's own TLS, whose server name must be the host; `tcp` is any bytes.
   */
  readonly scheme: 'https' | 'http' | 'tls' | 'tcp';
  /** At least one must match; an empty list matches nothing. */
  readonly rules: readonly RouteRule[];
  readonly auth: Auth | null;
  readonly placeholder: PlaceholderSwap | null;
  readonly dlp: {
    readonly onMatch: OnMatch;
    /** Detector ids, fingerprints, or `DETECTOR:FINGERPRINT`, that are not findings on this route. Never the exact kinds. */
    readonly except: readonly string[];
    /** What happens on a find of a detector, where not what `onMatch` says; left out = none. */
    readonly actions?: Readonly<Record<string, OnMatch>>;
  };
  /** Which operations its requests may hold, all of which must then be GraphQL; left out = they may be anything. */
  readonly graphql?: GraphqlRule;
  /** Upstream addresses may be private, loopback or link-local. */
  readonly allowPrivate: boolean;
  /**
   * false: of a body whose length is not known, what was judged leaves as soon as nothing more comes for a moment, for clients that wait for an answer
   * in the middle. Left out = a body is judged whole, up to `holdBytes`, before its first byte leaves.
   */
  readonly holdRequest?: false;
  readonly errorShape: ErrorShape;
  readonly quota: Quota | null;
}

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

/** Every bound of the proxy. All are refused or reset with a verdict of their own, never silently cut. */
export interface ProxyLimits {
  /** Largest request head, in bytes. */
  readonly headBytes: number;
  /** Fields of one request's head. */
  readonly headFields: number;
  /** Trailer lines of one message, in bytes. */
  readonly trailerBytes: number;
  /** Interim answers (1xx) of an upstream to one request. */
  readonly interims: number;
  /** A request body up to this size is judged whole before its first byte leaves; a larger one streams with a held-back tail. In bytes. */
  readonly holdBytes: number;
  /** All request bodies together that wait to be judged whole; past it they are judged as they come. In bytes. */
  readonly heldBytes: number;
  /** Most bytes that compressed content may decode to, per message; beyond it: `over_budget`. In bytes. */
  readonly decodedBytes: number;
  /** Time for a client to send a complete head, in ms. */
  readonly headTimeoutMs: number;
  /** Time to connect and finish TLS with the upstream, in ms. */
  readonly connectTimeoutMs: number;
  /** Time without a byte in either direction before an exchange is reset, in ms. */
  readonly idleTimeoutMs: number;
  /** Time for a person to decide on a held request, in ms; then it is refused. */
  readonly holdTimeoutMs: number;
  /** Connections open at the same time. */
  readonly connections: number;
  /** Idle connections to upstreams that are kept, in each thread. */
  readonly idleUpstreams: number;
  readonly http2: Http2Limits;
  /** Threads that serve when there is work for them; 0 = as many as there are cores. */
  readonly workers: number;
}

/** What one connection of HTTP/2 may take up. Beyond it streams are refused or reset, or the connection ends (GOAWAY). */
export interface Http2Limits {
  /** Streams of an agent that are open at the same time on one connection. */
  readonly streams: number;
  /** Streams that an agent may reset at once, and each second after that; then its connection ends. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Streams of an agent beyond those that may be open, before its connection ends. */
  readonly refusedStreams: number;
  /** Settings in one frame. */
  readonly settings: number;
  /** What an agent may send ahead of what was read, on one stream and on all of a connection; in bytes. */
  readonly streamWindowBytes: number;
  readonly windowBytes: number;
  /** Frames that wait to be sent to an agent, and heads that are being read. In bytes. */
  readonly memoryBytes: number;
  /** The same three of an upstream. */
  readonly upstreamStreamWindowBytes: number;
  readonly upstreamWindowBytes: number;
  readonly upstreamMemoryBytes: number;
}

const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  streams: 256,
  resetBurst: 1000,
  resetsPerSecond: 33,
  refusedStreams: 100,
  settings: 32,
  streamWindowBytes: 512 * 1024,
  windowBytes: 4 * 1024 * 1024,
  memoryBytes: 16 * 1024 * 1024,
  upstreamStreamWindowBytes: 1024 * 1024,
  upstreamWindowBytes: 16 * 1024 * 1024,
  upstreamMemoryBytes: 64 * 1024 * 1024,
};

export const DEFAULT_LIMITS: ProxyLimits = {
  headBytes: 64 * 1024,
  headFields: 1000,
  trailerBytes: 16 * 1024,
  interims: 32,
  holdBytes: 4 * 1024 * 1024,
  heldBytes: 128 * 1024 * 1024,
  decodedBytes: 256 * 1024 * 1024,
  headTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 30 * 60_000,
  holdTimeoutMs: 120_000,
  connections: 16_384,
  idleUpstreams: 1024,
  http2: DEFAULT_HTTP2_LIMITS,
  workers: 0,
};

// ---------------------------------------------------------------- line protocol of `serve`

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

// ---------------------------------------------------------------- relay and probe

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

// ---------------------------------------------------------------- decisions without a network (`bottle why`)

export interface DecideRequest {
  readonly config: ProxyConfig;
  readonly method: string;
  /** Absolute URL. */
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Request body as text; '' for none. */
  readonly body: string;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly stage: Stage;
  readonly rule: string;
  readonly reason: string;
  readonly fix: string;
  readonly findings: readonly Finding[];
  /** Names of the secrets that would be injected. */
  readonly injected: readonly string[];
  /** Where, for each of `injected`: `header authorization (bearer)`. */
  readonly injectedInto: readonly string[];
}

// ---------------------------------------------------------------- searching files (`bottle scan`)

export interface ScanRequest {
  readonly dlp: ProxyConfig['dlp'];
  /** Values to search for besides what the detectors know. */
  readonly secrets: readonly SecretValue[];
  /** Absolute paths of files and directories; `-` is what follows this line on stdin. */
  readonly targets: readonly string[];
  /** Also what a search of source text leaves out: `.git` and `node_modules`. */
  readonly everything: boolean;
  /** As ProxyLimits.decodedBytes, for each file. */
  readonly decodedBytes: number;
}

export interface ScanFinding extends Finding {
  /** As in `targets`, or below one of them. */
  readonly file: string;
  /** 1-based; null where the file has no lines of its own (HAR, compressed). */
  readonly line: number | null;
  /** 1-based, in bytes; null together with `line`. */
  readonly column: number | null;
}

/** What a detector is, for reports. */
export interface DetectorText {
  readonly id: string;
  readonly description: string;
  /** The document that describes the format. */
  readonly source: string;
}

/** `begin` first, `done` last, unless `fatal` ends it. */
export type ScanEvent =
  | { readonly event: 'begin'; readonly files: number; readonly detectors: readonly DetectorText[] }
  /** So many files and bytes are behind us. */
  | { readonly event: 'progress'; readonly files: number; readonly bytes: number }
  | { readonly event: 'finding'; readonly finding: ScanFinding }
  /** Some of this file was not searched. */
  | { readonly event: 'unread'; readonly file: string; readonly why: string }
  | { readonly event: 'done'; readonly files: number; readonly bytes: number; readonly skipped: number }
  | { readonly event: 'fatal'; readonly what: string; readonly why: string; readonly fix: string };

// ---------------------------------------------------------------- fingerprints of a workspace (`dlp.workspace`)

export interface IndexRequest {
  /** Absolute path. */
  readonly root: string;
  /** No further file is read after this time, in ms. */
  readonly budgetMs: number;
}

export interface SourceIndexed {
  /** Source files that were read, of so many that there are. */
  readonly files: number;
  readonly ofFiles: number;
  /** Base64 of four bytes a shingle. */
  readonly shingles: string;
}

// ---------------------------------------------------------------- audit record

export type Verdict = 'allow' | 'block' | 'redact' | 'hold' | 'observe';
export type Via = 'connect' | 'absolute' | 'socks' | 'transparent' | 'dns';

/** The step of the pipeline that gave the verdict. */
export type Stage = 'protocol' | 'policy' | 'dlp' | 'placeholder' | 'address' | 'limit' | 'upstream' | 'audit' | 'none';

export interface Finding {
  /** Detector id: `known-secret`, `placeholder`, `github-token`, … */
  readonly detector: string;
  /** Place and chain of views: `query k > base64`, `body $.messages[3].content`, `header x-note`. */
  readonly where: string;
  /** Length of the matched text in its view, in characters. */
  readonly length: number;
  /** HMAC-SHA-256 of the matched text, under a key that only the person who started it has, first 16 hex digits. */
  readonly fingerprint: string;
}

/** One JSON line an exchange, exactly one, on every path. Key order is as here. */
export interface AuditRecord {
  readonly v: 1;
  /** ISO 8601, UTC, milliseconds: when the exchange began. */
  readonly ts: string;
  /** Found again in the refusal that the client saw. 12 characters of base32, lower case. */
  readonly id: string;
  readonly session: string;
  readonly via: Via;
  readonly host: string;
  readonly port: number;
  /** `''` where there was none; for DNS the question's type (`A`, `TXT`). */
  readonly method: string;
  /** Without query values: `/a?x=&y=`. Matched secrets in it are replaced by `[detector]`. */
  readonly path: string;
  /** HTTP status that the client got; 0 where there was none. */
  readonly status: number;
  readonly verdict: Verdict;
  readonly stage: Stage;
  readonly rule: string;
  readonly reason: string;
  readonly findings: readonly Finding[];
  /** Names of the credentials that were injected. */
  readonly injected: readonly string[];
  /** Body bytes from the agent to the upstream; of a tunnel that is not inspected, all bytes. */
  readonly bytes_out: number;
  /** Body bytes from the upstream to the agent. */
  readonly bytes_in: number;
  readonly ms: number;
  /** SHA-256 (hex, first 32 digits) of the previous line without its newline; `''` on the first line of a file. */
  readonly prev: string;
}

/** What a refused client reads in JSON. */
export interface BlockBody {
  /** `bottle: REASON; FIX (ID)` */
  readonly error: string;
  readonly blocked: true;
  readonly stage: Stage;
  readonly rule: string;
  readonly reason: string;
  readonly fix: string;
  readonly id: string;
}

/** Header of every refusal: `STAGE RULE ID`. */
export const BLOCK_HEADER = 'x-bottle-block';
