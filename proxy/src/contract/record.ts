// The audit record, and what a refused client reads.

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

export interface RecordedUsage {
  /** Those from and for a cache included. */
  readonly input_tokens: number;
  readonly output_tokens: number;
  /** By the prices of the spec, in US dollars; null = it has none. */
  readonly cost_usd: number | null;
  /** Some of it was not said by the service, and is taken from bytes. */
  readonly estimated: boolean;
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
  /** Names of the tokens of the answer for which the agent got placeholders; left out = none. */
  readonly kept?: readonly string[];
  /** Body bytes from the agent to the upstream; of a tunnel that is not inspected, all bytes. */
  readonly bytes_out: number;
  /** Body bytes from the upstream to the agent. */
  readonly bytes_in: number;
  /** What a model API said that the answer used; only where the spec bounds that. */
  readonly usage?: RecordedUsage;
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
