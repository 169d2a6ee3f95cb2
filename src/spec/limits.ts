// `limits`, of all egress and of one entry -> what the proxy counts, and the bounds of its connections.

import type { ProxyLimits, Quota } from '../../proxy/src/contract.ts';
import type { Report } from './report.ts';
import type { FilledSpec, SpecEntry } from './schema.ts';

type SpecLimits = NonNullable<FilledSpec['egress']['limits']>;
type SpecQuota = NonNullable<SpecEntry['limits']>;

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
/** A head of fewer bytes is none that a client sends. */
const LEAST_HEAD_BYTES = 1024;
/** Larger ones would be searched again and again as they come. */
const MOST_HEAD_BYTES = 1024 ** 2;

/** null when nothing is bounded. */
export function readQuota(written: SpecQuota | undefined, name: string, report: Report): Quota | null {
  const { request_bytes, requests_per_minute, total_bytes } = written ?? {};
  if (request_bytes === undefined && requests_per_minute === undefined && total_bytes === undefined) return null;
  return {
    name,
    requestBytes: readSize(request_bytes, report.below('request_bytes')) ?? null,
    requestsPerMinute: requests_per_minute ?? null,
    totalBytes: readSize(total_bytes, report.below('total_bytes')) ?? null,
  };
}

export function readLimits(written: SpecLimits | undefined, report: Report): Partial<ProxyLimits> {
  if (written === undefined) return {};
  const headBytes = readSize(written.head_bytes, report.below('head_bytes'));
  if (headBytes !== undefined && (headBytes < LEAST_HEAD_BYTES || headBytes > MOST_HEAD_BYTES)) {
    report.problem(
      {
        what: `${report.name(['head_bytes'])} is ${headBytes}`,
        why: 'usual clients send some kilobytes',
        fix: 'write 1k to 1m; 64k is usual',
      },
      ['head_bytes'],
    );
  }
  const { connections, head_seconds, connect_seconds, idle_seconds, hold_seconds } = written;
  return {
    ...(headBytes === undefined ? {} : { headBytes }),
    ...(connections === undefined ? {} : { connections }),
    ...(head_seconds === undefined ? {} : { headTimeoutMs: head_seconds * 1000 }),
    ...(connect_seconds === undefined ? {} : { connectTimeoutMs: connect_seconds * 1000 }),
    ...(idle_seconds === undefined ? {} : { idleTimeoutMs: idle_seconds * 1000 }),
    ...(hold_seconds === undefined ? {} : { holdTimeoutMs: hold_seconds * 1000 }),
  };
}

/** The schema has seen to its form. */
function readSize(written: number | string | undefined, report: Report): number | undefined {
  if (written === undefined || typeof written === 'number') return written;
  const [, number, unit = ''] = /^([0-9.]+)([kmgt]?)/i.exec(written) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? 1));
  if (Number.isSafeInteger(bytes)) return bytes;
  report.problem({
    what: `${report.name()} ${written} is too large`,
    why: 'it bounds nothing',
    fix: 'remove the line',
  });
  return undefined;
}
