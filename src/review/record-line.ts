// One line of an audit log -> a record, or nothing: what stands in a file is checked before it is believed.
import { createHash } from 'node:crypto';
import type { AuditRecord, Finding, RecordedUsage, Stage, Verdict, Via } from '../../proxy/src/contract.ts';

const VERDICTS: readonly string[] = ['allow', 'block', 'redact', 'hold', 'observe'] satisfies Verdict[];

/** Null when the line is not a record of version 1. Unknown keys are dropped, missing ones get their empty value. */
export function parseRecord(line: string): AuditRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Told apart from a record by the caller, who counts damaged lines.
    return null;
  }
  if (!isObject(value) || value.v !== 1) return null;
  const ts = text(value.ts);
  const verdict = text(value.verdict);
  if (Number.isNaN(Date.parse(ts)) || !VERDICTS.includes(verdict)) return null;
  return {
    v: 1,
    ts,
    id: text(value.id),
    session: text(value.session),
    via: text(value.via) as Via, // shown, never decided on beyond equality
    host: text(value.host),
    port: number(value.port),
    method: text(value.method),
    path: text(value.path),
    status: number(value.status),
    verdict: verdict as Verdict, // one of VERDICTS, checked above
    stage: text(value.stage) as Stage, // shown, never decided on beyond equality
    rule: text(value.rule),
    reason: text(value.reason),
    findings: list(value.findings).filter(isObject).map(findingOf),
    injected: list(value.injected).filter((name) => typeof name === 'string'),
    ...(Array.isArray(value.kept) ? { kept: list(value.kept).filter((name) => typeof name === 'string') } : {}),
    bytes_out: number(value.bytes_out),
    bytes_in: number(value.bytes_in),
    ...(isObject(value.usage) ? { usage: usageOf(value.usage) } : {}),
    ms: number(value.ms),
    prev: text(value.prev),
  };
}

/** What the next line's `prev` must be: SHA-256 of the line without its newline, the first 32 hex digits. */
export function chainHash(line: string | Uint8Array): string {
  return createHash('sha256').update(line).digest('hex').slice(0, 32);
}

function findingOf(value: Record<string, unknown>): Finding {
  return {
    detector: text(value.detector),
    where: text(value.where),
    length: number(value.length),
    fingerprint: text(value.fingerprint),
  };
}

function usageOf({ input_tokens, output_tokens, cost_usd, estimated }: Record<string, unknown>): RecordedUsage {
  return {
    input_tokens: number(input_tokens),
    output_tokens: number(output_tokens),
    cost_usd: typeof cost_usd === 'number' ? number(cost_usd) : null,
    estimated: estimated === true,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
