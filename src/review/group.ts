// Groups audit records by what there is to fix: host, port, rule and detectors. Name look-ups join the row of their host.
import type { AuditRecord, RecordedUsage, Stage, Verdict } from '../../proxy/src/contract.ts';
import { pathShape, type Shape } from './path-shape.ts';

export interface Group {
  readonly verdict: Verdict;
  readonly stage: Stage;
  readonly rule: string;
  /** Id of the allow entry that the request fell under, `allow.2`; null where there was none, or none is told. */
  readonly entry: string | null;
  readonly host: string;
  /** 0 where only the name was asked for. */
  readonly port: number;
  /** `http` when the records came in the absolute form or on port 80. */
  readonly scheme: 'https' | 'http';
  /** Sorted, each once. */
  readonly detectors: readonly string[];
  /** Where the findings were, each once: `header x-note`, `body $.a > base64`. */
  readonly places: readonly string[];
  /** Most frequent first. */
  readonly shapes: readonly Shape[];
  /** Requests. */
  readonly count: number;
  /** Name look-ups that belong to this row. */
  readonly lookups: number;
  /** ISO 8601, UTC. */
  readonly firstTs: string;
  readonly lastTs: string;
  /** Of the last record: what the client was told. */
  readonly lastId: string;
  readonly reason: string;
  /** Names of the credentials that were injected, each once. */
  readonly injected: readonly string[];
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** At a model API; null where nothing bounds that. */
  readonly usage: RecordedUsage | null;
}

/** More names than this below one parent are shown as one row. */
const NAMES_A_PARENT = 2;

/** Refusals first, then by count. */
export function groupRecords(records: readonly AuditRecord[]): Group[] {
  const requests = records.filter(({ via }) => via !== 'dns');
  const lookups = records.filter(({ via }) => via === 'dns');
  const groups = [...bucketsOf(requests, requestKey).values()].map((bucket) => groupOf(bucket, bucket[0]!.host));
  const { joined, alone } = joinLookups(groups, lookups);
  return [...joined, ...groupAlone(alone)].sort(
    (a, b) => rank(a) - rank(b) || b.count + b.lookups - (a.count + a.lookups) || a.host.localeCompare(b.host),
  );
}

/** Was the agent refused something? */
export function isRefusal({ verdict }: { readonly verdict: Verdict }): boolean {
  return verdict === 'block' || verdict === 'hold';
}

/** Did the agent get what it asked for? */
export function isPassed(group: { readonly verdict: Verdict; readonly stage: Stage }): boolean {
  return !isRefusal(group) && group.stage !== 'upstream';
}

/** The detectors of one record, sorted, each once. */
export function detectorsOf(record: AuditRecord): string[] {
  return [...new Set(record.findings.map(({ detector }) => detector))].sort();
}

function requestKey(record: AuditRecord): string {
  const { verdict, stage, rule, host, port } = record;
  return JSON.stringify([verdict, stage, rule, entryOf(record), host, port, detectorsOf(record)]);
}

/** Policy names the entry as its rule; later stages name what they found, and the entry at the end of their reason. */
function entryOf({ stage, rule, reason }: AuditRecord): string | null {
  const told = /\(([a-z][a-z0-9.-]*)\)$/.exec(reason)?.[1] ?? null;
  if (stage === 'policy') return told === rule ? rule : null;
  return told;
}

function bucketsOf(
  records: readonly AuditRecord[],
  keyOf: (record: AuditRecord) => string,
): Map<string, [AuditRecord, ...AuditRecord[]]> {
  const buckets = new Map<string, [AuditRecord, ...AuditRecord[]]>();
  for (const record of records) {
    const key = keyOf(record);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [record]);
    else bucket.push(record);
  }
  return buckets;
}

function groupOf(bucket: readonly [AuditRecord, ...AuditRecord[]], host: string): Group {
  const last = bucket.reduce((latest, record) => (record.ts >= latest.ts ? record : latest));
  const first = bucket.reduce((earliest, record) => (record.ts < earliest.ts ? record : earliest));
  const isLookup = last.via === 'dns';
  return {
    verdict: last.verdict,
    stage: last.stage,
    rule: last.rule,
    entry: entryOf(last),
    host,
    port: isLookup ? 0 : last.port,
    scheme: last.via === 'absolute' || last.port === 80 ? 'http' : 'https',
    detectors: detectorsOf(last),
    places: [...new Set(bucket.flatMap(({ findings }) => findings.map(({ where }) => where)))],
    shapes: isLookup ? [] : shapesOf(bucket),
    count: isLookup ? 0 : bucket.length,
    lookups: isLookup ? bucket.length : 0,
    firstTs: first.ts,
    lastTs: last.ts,
    lastId: last.id,
    reason: last.reason,
    injected: [...new Set(bucket.flatMap(({ injected }) => injected))],
    bytesOut: bucket.reduce((sum, record) => sum + record.bytes_out, 0),
    bytesIn: bucket.reduce((sum, record) => sum + record.bytes_in, 0),
    usage: usageOf(bucket),
  };
}

function usageOf(bucket: readonly AuditRecord[]): RecordedUsage | null {
  const all = bucket.flatMap(({ usage }) => usage ?? []);
  if (all.length === 0) return null;
  const sum = (part: (usage: RecordedUsage) => number) => all.reduce((total, usage) => total + part(usage), 0);
  return {
    input_tokens: sum(({ input_tokens }) => input_tokens),
    output_tokens: sum(({ output_tokens }) => output_tokens),
    cost_usd: all.every(({ cost_usd }) => cost_usd === null) ? null : sum(({ cost_usd }) => cost_usd ?? 0),
    estimated: all.some(({ estimated }) => estimated),
  };
}

function shapesOf(bucket: readonly AuditRecord[]): Shape[] {
  const shapes = new Map<string, Shape>();
  for (const { method, path } of bucket) {
    const shape = pathShape(path);
    const key = `${method} ${shape}`;
    shapes.set(key, { method, path: shape, count: (shapes.get(key)?.count ?? 0) + 1 });
  }
  return [...shapes.values()].sort((a, b) => b.count - a.count);
}

/**
 * A look-up without findings joins the first row of its host: refused ones a refusal, others any row. What is left was asked
 * for and never called, or carried something.
 */
function joinLookups(groups: readonly Group[], lookups: readonly AuditRecord[]) {
  const counts = new Map<Group, number>();
  const alone: AuditRecord[] = [];
  for (const record of lookups) {
    const rows = groups.filter(({ host }) => host === record.host);
    const row = rows.find((group) => isRefusal(group) === isRefusal(record)) ?? rows[0];
    if (row === undefined || record.findings.length > 0) alone.push(record);
    else counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  return { joined: groups.map((group) => ({ ...group, lookups: counts.get(group) ?? 0 })), alone };
}

/** Look-ups of many names below one parent (a way to carry data in labels) are one row, `*.parent`. */
function groupAlone(lookups: readonly AuditRecord[]): Group[] {
  const names = new Map<string, Set<string>>();
  for (const { host } of lookups) {
    const parent = parentOf(host);
    names.set(parent, (names.get(parent) ?? new Set()).add(host));
  }
  const shownHost = (host: string) => {
    const parent = parentOf(host);
    return host !== parent && (names.get(parent)?.size ?? 0) > NAMES_A_PARENT ? `*.${parent}` : host;
  };
  const keyOf = (record: AuditRecord) =>
    JSON.stringify([record.verdict, record.stage, record.rule, shownHost(record.host), detectorsOf(record)]);
  return [...bucketsOf(lookups, keyOf).values()].map((bucket) => groupOf(bucket, shownHost(bucket[0].host)));
}

/** The last two labels. */
function parentOf(host: string): string {
  return host.split('.').slice(-2).join('.');
}

function rank({ verdict }: Group): number {
  return ['block', 'hold', 'redact', 'observe', 'allow'].indexOf(verdict);
}
