// `limits`, of all egress and of one entry -> what the proxy counts, and the bounds of its connections; and back into words.

import { DEFAULT_LIMITS, type Http2Limits, type ProxyLimits, type Quota } from '../../proxy/src/contract.ts';
import type { Report } from './report.ts';
import type { FilledSpec, SpecEntry } from './schema.ts';
import { readSpend, writtenSpend } from './spend.ts';

type SpecLimits = NonNullable<FilledSpec['egress']['limits']>;
type SpecQuota = NonNullable<SpecEntry['limits']>;
type Limits = Partial<Omit<ProxyLimits, 'http2'>>;

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
const K = 1024;
const M = 1024 ** 2;
const G = 1024 ** 3;

interface Range {
  readonly least: number;
  readonly most: number;
  readonly why: string;
  readonly fix: string;
}

const range = (least: number, most: number, fix: string, why: string): Range => ({ least, most, why, fix });
const window = (usual: string): Range =>
  range(65_535, 2 ** 31 - 1, `write 64k to 2047m; ${usual} is usual`, 'HTTP/2 has no other windows (RFC 9113, 6.9)');
const memory = (usual: string): Range =>
  range(
    M,
    4 * G,
    `write 1m to 4g; ${usual} is usual`,
    'a connection takes some kilobytes, a process not more than it has',
  );

type Field<T> = { readonly [K in keyof T]-?: T[K] extends number | undefined ? K : never }[keyof T];

/** Word of the spec, field of the proxy, and what the word counts: a number, seconds, or bytes in a range. */
type Row<Spec, Field> = readonly [keyof Spec & string, Field, 'count' | 'seconds' | Range];

const ROWS: readonly Row<SpecLimits, Field<Limits> & string>[] = [
  // Fewer bytes are no head that a client sends; more would be searched again and again as they come.
  ['head_bytes', 'headBytes', range(K, M, 'write 1k to 1m; 64k is usual', 'usual clients send some kilobytes')],
  ['head_fields', 'headFields', 'count'],
  ['trailer_bytes', 'trailerBytes', range(K, M, 'write 1k to 1m; 16k is usual', 'trailers are a few lines')],
  ['interim_answers', 'interims', 'count'],
  [
    'hold_bytes',
    'holdBytes',
    range(K, G, 'write 1k to 1g; 4m is usual', 'a body is kept in memory until it is judged'),
  ],
  ['held_bytes', 'heldBytes', range(M, 64 * G, 'write 1m to 64g; 128m is usual', 'it is for all requests at a time')],
  [
    'decoded_bytes',
    'decodedBytes',
    range(M, 64 * G, 'write 1m to 64g; 256m is usual', 'it bounds the work on one body'),
  ],
  ['connections', 'connections', 'count'],
  ['idle_upstreams', 'idleUpstreams', 'count'],
  ['head_seconds', 'headTimeoutMs', 'seconds'],
  ['connect_seconds', 'connectTimeoutMs', 'seconds'],
  ['idle_seconds', 'idleTimeoutMs', 'seconds'],
  ['hold_seconds', 'holdTimeoutMs', 'seconds'],
];

const HTTP2_ROWS: readonly Row<NonNullable<SpecLimits['http2']>, keyof Http2Limits>[] = [
  ['streams', 'streams', 'count'],
  ['reset_burst', 'resetBurst', 'count'],
  ['resets_per_second', 'resetsPerSecond', 'count'],
  ['refused_streams', 'refusedStreams', 'count'],
  ['settings', 'settings', 'count'],
  ['stream_window', 'streamWindowBytes', window('512k')],
  ['window', 'windowBytes', window('4m')],
  ['memory', 'memoryBytes', memory('16m')],
  ['upstream_stream_window', 'upstreamStreamWindowBytes', window('1m')],
  ['upstream_window', 'upstreamWindowBytes', window('16m')],
  ['upstream_memory', 'upstreamMemoryBytes', memory('64m')],
];

/** null when nothing is bounded. `prices`: those of all egress, for an entry that has none of its own. */
export function readQuota(
  written: SpecQuota | undefined,
  name: string,
  report: Report,
  prices: SpecQuota['prices'] = undefined,
): Quota | null {
  const { request_bytes, requests_per_minute, total_bytes } = written ?? {};
  const spend = readSpend(written ?? {}, prices, report);
  if (request_bytes === undefined && requests_per_minute === undefined && total_bytes === undefined && spend === null) {
    return null;
  }
  return {
    name,
    requestBytes: readSize(request_bytes, report.below('request_bytes')) ?? null,
    requestsPerMinute: requests_per_minute ?? null,
    totalBytes: readSize(total_bytes, report.below('total_bytes')) ?? null,
    ...(spend === null ? {} : { spend }),
  };
}

/** Those that are written. */
export function readLimits(
  egress: Pick<FilledSpec['egress'], 'limits' | 'workers'>,
  report: Report,
): Partial<ProxyLimits> {
  const { limits: written = {}, workers } = egress;
  const { http2 } = written;
  return {
    ...(readRows(ROWS, written, report) as Limits),
    ...(http2 === undefined
      ? {}
      : { http2: { ...DEFAULT_LIMITS.http2, ...readRows(HTTP2_ROWS, http2, report.below('http2')) } }),
    ...(workers === undefined ? {} : { workers }),
  };
}

function readRows<Spec extends object>(rows: readonly Row<Spec, string>[], written: Spec, report: Report): object {
  const read: Record<string, number> = {};
  for (const [word, field, kind] of rows) {
    const value = written[word] as number | string | undefined;
    if (value === undefined) continue;
    const bound = kind === 'count' || kind === 'seconds' ? (value as number) : readSize(value, report.below(word));
    if (bound === undefined) continue;
    read[field] = kind === 'seconds' ? bound * 1000 : bound;
    if (typeof kind === 'string' || (bound >= kind.least && bound <= kind.most)) continue;
    const { why, fix } = kind;
    report.problem({ what: `${report.name([word])} is ${bound}`, why, fix }, [word]);
  }
  return read;
}

/** As it would be written. What is not set is not: no number means no bound, and the proxy's own ones may change. */
export function writtenLimits(
  quota: Quota | null,
  limits: Partial<ProxyLimits> = {},
): Readonly<Record<string, unknown>> {
  const http2 = limits.http2 === undefined ? {} : writtenRows(HTTP2_ROWS, limits.http2, DEFAULT_LIMITS.http2);
  const written = {
    ...(quota?.requestBytes == null ? {} : { request_bytes: quota.requestBytes }),
    ...(quota?.requestsPerMinute == null ? {} : { requests_per_minute: quota.requestsPerMinute }),
    ...(quota?.totalBytes == null ? {} : { total_bytes: quota.totalBytes }),
    ...(quota?.spend === undefined ? {} : writtenSpend(quota.spend)),
    ...writtenRows(ROWS, limits as Readonly<Record<string, number>>),
    ...(Object.keys(http2).length === 0 ? {} : { http2 }),
  };
  return written;
}

function writtenRows<Spec>(
  rows: readonly Row<Spec, string>[],
  limits: object,
  usual: object = {},
): Readonly<Record<string, number>> {
  const values = limits as Readonly<Record<string, number | undefined>>;
  const left = usual as Readonly<Record<string, number | undefined>>;
  const set = rows.flatMap(([word, field, kind]): [string, number][] => {
    const value = values[field];
    if (value === undefined || value === left[field]) return [];
    return [[word, kind === 'seconds' ? value / 1000 : value]];
  });
  return Object.fromEntries(set);
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
