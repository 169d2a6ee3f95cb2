// Decisions without a network (`bottle why`).
import type { ProxyConfig } from './config.ts';
import type { Finding, Stage, Verdict } from './record.ts';

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
