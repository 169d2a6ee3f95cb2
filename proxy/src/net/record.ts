// Drafts of audit records for what happens on a connection.
import type { Finding, RecordedUsage, Stage, Verdict, Via } from '../contract.ts';
import type { RecordDraft } from '../pipeline/types.ts';

/** What is known when something begins. */
export class RecordStart {
  readonly id: string;
  readonly at = Date.now();
  readonly startedMs = performance.now();

  constructor(id: string) {
    this.id = id;
  }
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly stage: Stage;
  readonly rule: string;
  readonly reason: string;
}

export interface Subject {
  readonly via: Via;
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly path: string;
}

export interface Traffic {
  readonly status: number;
  readonly findings: readonly Finding[];
  readonly injected: readonly string[];
  /** As in the record. */
  readonly kept?: readonly string[];
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly usage?: RecordedUsage | null;
}

export const NO_TRAFFIC: Traffic = { status: 0, findings: [], injected: [], bytesOut: 0, bytesIn: 0 };

/** Most findings that a record names: an agent must not fill the disk with them. */
const MOST_FINDINGS = 64;

/** The first ones, and one for each further detector. */
function firstFindings(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= MOST_FINDINGS) return findings;
  const first = findings.slice(0, MOST_FINDINGS);
  const named = new Set(first.map(({ detector }) => detector));
  for (const finding of findings.slice(MOST_FINDINGS)) {
    if (named.has(finding.detector)) continue;
    named.add(finding.detector);
    first.push(finding);
  }
  return first;
}

export function draftRecord(
  session: string,
  start: RecordStart,
  subject: Subject,
  outcome: Outcome,
  traffic: Traffic,
): RecordDraft {
  return {
    ts: new Date(start.at).toISOString(),
    id: start.id,
    session,
    via: subject.via,
    host: subject.host,
    port: subject.port,
    method: subject.method,
    path: subject.path,
    status: traffic.status,
    verdict: outcome.verdict,
    stage: outcome.stage,
    rule: outcome.rule,
    reason: outcome.reason,
    findings: firstFindings(traffic.findings),
    injected: traffic.injected,
    ...(traffic.kept === undefined || traffic.kept.length === 0 ? {} : { kept: traffic.kept }),
    bytes_out: traffic.bytesOut,
    bytes_in: traffic.bytesIn,
    ...(traffic.usage == null ? {} : { usage: traffic.usage }),
    ms: Math.round((performance.now() - start.startedMs) * 10) / 10,
  };
}
