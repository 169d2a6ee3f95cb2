// The fix for a decision of `bottle why`: the same as `bottle logs` gives for its record.
import type { AuditRecord, Decision } from '../../proxy/src/contract.ts';
import { type Fix, fixFor } from './fix.ts';
import { groupRecords, isRefusal } from './group.ts';

export interface AskedRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly scheme: 'https' | 'http';
}

/** Null when nothing was refused. */
export function fixForDecision(decision: Decision, request: AskedRequest): Fix | null {
  if (!isRefusal(decision)) return null;
  const record: AuditRecord = {
    v: 1,
    ts: new Date(0).toISOString(),
    id: '',
    session: '',
    via: request.scheme === 'http' ? 'absolute' : 'connect',
    host: request.host,
    port: request.port,
    method: request.method,
    path: new URL(request.url).pathname,
    status: 0,
    verdict: decision.verdict,
    stage: decision.stage,
    rule: decision.rule,
    reason: decision.reason,
    findings: decision.findings,
    injected: [],
    bytes_out: 0,
    bytes_in: 0,
    ms: 0,
    prev: '',
  };
  const [group] = groupRecords([record]);
  return group === undefined ? null : fixFor(group);
}
