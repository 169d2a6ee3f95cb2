// Why there is no connection to an upstream; the fields go into refusal and record as they are.
import type { Stage } from '../contract.ts';

export interface DialRefusal {
  readonly stage: Extract<Stage, 'address' | 'upstream'>;
  /**
   * address: `private-address`, `metadata-address`, `malformed-address`.
   * upstream: `lookup`, `connect`, `timeout`, `certificate`, `client-certificate`, `tls`; of the upstream proxy the same behind `proxy-`, and `proxy-auth`,
   * `proxy-refused`, `proxy-response`.
   */
  readonly rule: string;
  readonly reason: string;
  readonly fix: string;
}

export class DialRefused extends Error implements DialRefusal {
  override readonly name = 'DialRefused';
  readonly stage: DialRefusal['stage'];
  readonly rule: string;
  readonly reason: string;
  readonly fix: string;

  constructor(refusal: DialRefusal, cause?: unknown) {
    super(`${refusal.reason}; ${refusal.fix}`, { cause });
    this.stage = refusal.stage;
    this.rule = refusal.rule;
    this.reason = refusal.reason;
    this.fix = refusal.fix;
  }
}

/** Nobody waits for the connection any more. */
export function cancelled(): DialRefused {
  const reason = 'the client went away before the upstream was reached';
  return new DialRefused({ stage: 'upstream', rule: 'cancelled', reason, fix: 'ask again' });
}

/** One for every way in which time runs out while dialling. */
export function timedOut(place: string, doing: string, timeoutMs: number): DialRefused {
  return new DialRefused({
    stage: 'upstream',
    rule: 'timeout',
    reason: `${place} did not answer within ${timeoutMs} ms (${doing})`,
    fix: 'check that the upstream is up and reachable from this machine, then try again',
  });
}
