// What a route allows, and how a credential gets into its requests.

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
  /** What it allows waits for a person: every request, or the first of each method until the session ends. Left out = nobody is asked. */
  readonly confirm?: 'each' | 'session';
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
    }
  | HmacAuth;

/**
 * A keyed hash of the request, made on the way out. Texts hold `{part}`: `message` those of HMAC_PARTS, values those of HMAC_SENT. Only a value
 * has `{signature}`, and one at least does.
 */
export interface HmacAuth {
  readonly type: 'hmac';
  readonly secret: string;
  /** Secret that says whose signature it is, sent as it is; null = none. */
  readonly accessKey: string | null;
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  /** Of the signature. */
  readonly encoding: 'hex' | 'base64' | 'base64url';
  /** How the secret is read as a key. */
  readonly secretEncoding: 'utf8' | 'hex' | 'base64';
  /** What is signed. */
  readonly message: string;
  /** Lower-case fields, and parameters, with their values: the agent's own of these names are removed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** Of a moment or a number used once: what is signed has to be sent, too. */
export const HMAC_TIMES = ['timestamp', 'timestamp_ms', 'timestamp_iso'] as const;
/** What a message may hold. path: with query, as sent; body_sha256: hex. */
export const HMAC_PARTS = [
  ...(['method', 'path', 'query', 'host', 'body', 'body_sha256', 'nonce', 'access_key'] as const),
  ...HMAC_TIMES,
] as const;
/** What fields and parameters may hold. */
export const HMAC_SENT = ['signature', 'body_sha256', 'nonce', 'access_key', ...HMAC_TIMES] as const;

/** Names of the secrets that it sends, or signs with. */
export function secretsOfAuth(auth: Auth): readonly string[] {
  if (auth.type === 'hmac') return [auth.secret, ...(auth.accessKey === null ? [] : [auth.accessKey])];
  if (auth.type !== 'sigv4') return [auth.secret];
  return [auth.accessKey, auth.secret, ...(auth.sessionToken === null ? [] : [auth.sessionToken])];
}

/**
 * The agent's placeholder is swapped where it stands, on this route alone. header: also inside Basic; query: a whole value; path: anywhere in it;
 * body: anywhere in one that is not compressed and may be held whole, escaped as JSON and forms ask for; ws: in one of the first text messages of a WebSocket, once.
 */
export interface PlaceholderSwap {
  readonly secret: string;
  readonly in: readonly ('header' | 'query' | 'path' | 'body' | 'ws')[];
}

/**
 * Answers that hold tokens (a token endpoint that the agent calls itself): read whole, and every token in them replaced by a placeholder before the
 * agent gets it. The pair is a secret from then on, in every thread and as long as the process lives.
 */
export interface TokenAnswers {
  /** Fields of JSON or a form that are tokens. `a.b` is a path from the top, a name alone is that field anywhere; `*` = any characters but dots. */
  readonly fields: readonly string[];
}

/** What a model costs, in US dollars a million tokens. */
export interface ModelPrice {
  /** Glob of the names that requests give. */
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** The answers say what they cost; the numbers do not count. */
  readonly reported?: true;
}

/** What may be spent at model APIs while the session lives, by what their answers say that they used; null = unbounded. */
export interface Spend {
  readonly tokens: number | null;
  /** In any 60 seconds. */
  readonly tokensPerMinute: number | null;
  readonly costUsd: number | null;
  /** The first that covers a model counts. With `costUsd` a model that none covers is refused. */
  readonly prices: readonly ModelPrice[];
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
  /** Left out = none. Counts requests to routes whose error shape is that of a model API, and to those that have it in a quota of their own. */
  readonly spend?: Spend;
}

/** When something ends; `name`: where it stands in the spec. */
export type Expiry =
  /** RFC 3339. */
  | { readonly name: string; readonly at: string }
  /** Since the proxy started. */
  | { readonly name: string; readonly afterMs: number };

/** Globs of the fields that an operation may ask for at its top; an empty list allows none of that kind. */
export interface GraphqlRule {
  readonly query: readonly string[];
  readonly mutation: readonly string[];
  readonly subscription: readonly string[];
}

/** What `git push` may do. */
export interface PushRule {
  /** Globs of full names: `refs/heads/agent/**`; empty = nothing is pushed. */
  readonly refs: readonly string[];
  /** Branches may be set to what does not come after what is there, and tags may be moved. */
  readonly force: boolean;
  readonly delete: boolean;
}

/** Among the secrets: what cookies are sealed with (value), and how a sealed one begins (placeholder). No spec can name a secret so. */
export const HELD_COOKIES = 'held cookies';

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
  /** null = none. */
  readonly placeholder: PlaceholderSwap | readonly PlaceholderSwap[] | null;
  /** Left out = its answers pass as they are. */
  readonly tokens?: TokenAnswers;
  /** Ids of the routes with `tokens` whose placeholders are swapped in this route's header fields; left out = none, and its own anyway. */
  readonly tokensFrom?: readonly string[];
  /** Names of secrets: the certificate (chain) and key that the upstream sees in the TLS handshake; left out = none. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  readonly dlp: {
    readonly onMatch: OnMatch;
    /** Detector ids, fingerprints, or `DETECTOR:FINGERPRINT`, that are not findings on this route. Never the exact kinds. */
    readonly except: readonly string[];
    /** What happens on a find of a detector, where not what `onMatch` says; left out = none. */
    readonly actions?: Readonly<Record<string, OnMatch>>;
  };
  /** Which operations its requests may hold, all of which must then be GraphQL; left out = they may be anything. */
  readonly graphql?: GraphqlRule;
  /** What pushes of git may do, which are judged before they leave; left out = anything. */
  readonly push?: PushRule;
  /** `hold`: the agent gets cookies sealed, and what it sends of them is opened here; the key is the secret HELD_COOKIES. Left out = they pass. */
  readonly cookies?: 'hold';
  /** Upstream addresses may be private, loopback or link-local. */
  readonly allowPrivate: boolean;
  /**
   * false: of a body whose length is not known, what was judged leaves as soon as nothing more comes for a moment, for clients that wait for an answer
   * in the middle. Left out = a body is judged whole, up to `holdBytes`, before its first byte leaves.
   */
  readonly holdRequest?: false;
  readonly errorShape: ErrorShape;
  readonly quota: Quota | null;
  /** After the first of them it is refused, and what is under way on it ends. Left out = it does not end. */
  readonly expires?: readonly Expiry[];
}

/** The placeholders that are swapped on a route. */
export function placeholdersOf({ placeholder }: Pick<Route, 'placeholder'>): readonly PlaceholderSwap[] {
  if (placeholder === null) return [];
  return 'secret' in placeholder ? [placeholder] : placeholder;
}
