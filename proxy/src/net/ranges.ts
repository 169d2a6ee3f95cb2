// Answers in parts: an agent that asks for a few bytes at a time must not get an injected value past the search in pieces. So more is asked for on both
// sides, enough for any value that reaches into the part; the answer is searched, and cut to what the agent asked for. Pure.
import { fieldValue, withField, withoutFields } from './h1/fields.ts';

/** What the agent asked for; bytes are counted from 0, null = open. */
export type AskedRange =
  | { readonly kind: 'from'; readonly first: number; readonly last: number | null }
  | { readonly kind: 'last'; readonly count: number };

export interface Widened {
  readonly rawHeaders: readonly string[];
  /** null = the whole is asked for. */
  readonly asked: AskedRange | null;
}

/** The largest place that is reckoned with, far below where numbers get inexact. */
const DIGITS = 15;
const UNITS = /^\s*bytes\s*=/i;
const ONE = new RegExp(
  String.raw`^\s*bytes\s*=\s*(?:(\d{1,${DIGITS}})-(\d{1,${DIGITS}})?|-(\d{1,${DIGITS}}))\s*$`,
  'i',
);
const CONTENT = new RegExp(String.raw`^\s*bytes (\d{1,${DIGITS}})-(\d{1,${DIGITS}})/(\*|\d{1,${DIGITS}})\s*$`, 'i');

/**
 * null = nothing is asked for in parts. A request for several parts, or one that is not understood, becomes one for the whole: a server may always
 * answer so (RFC 9110, 14.2). Units other than bytes are the service's own matter.
 */
export function widenRange(rawHeaders: readonly string[], reachBytes: number): Widened | null {
  const value = fieldValue(rawHeaders, 'range');
  if (value === null || !UNITS.test(value)) return null;
  const isOnce = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'range').length === 1;
  const [, first, last, count] = (isOnce ? ONE.exec(value) : null) ?? [];
  if (count !== undefined) {
    const asked = { kind: 'last', count: Number(count) } as const;
    return { asked, rawHeaders: withField(rawHeaders, 'Range', `bytes=-${asked.count + reachBytes}`) };
  }
  if (first === undefined || (last !== undefined && Number(last) < Number(first))) {
    return { asked: null, rawHeaders: withoutFields(rawHeaders, ['range', 'if-range']) };
  }
  const asked = { kind: 'from', first: Number(first), last: last === undefined ? null : Number(last) } as const;
  const end = asked.last === null ? '' : String(asked.last + reachBytes);
  const range = `bytes=${Math.max(0, asked.first - reachBytes)}-${end}`;
  return { asked, rawHeaders: withField(rawHeaders, 'Range', range) };
}

/** Of a body: bytes that are left out before, and bytes that then pass. */
export interface Cut {
  readonly skip: number;
  readonly keep: number;
}

export type Narrowed =
  | { readonly do: 'pass' }
  | { readonly do: 'cut'; readonly cut: Cut; readonly contentRange: string }
  /** What was asked for lies behind the end. */
  | { readonly do: 'none'; readonly contentRange: string }
  /** It says not which part it is. */
  | { readonly do: 'refuse' };

const PARTIAL = 206;

/** What of the answer to a widened request the agent gets. */
export function narrow(asked: AskedRange, status: number, rawHeaders: readonly string[]): Narrowed {
  if (status !== PARTIAL) return { do: 'pass' };
  const [, from, to, total] = CONTENT.exec(fieldValue(rawHeaders, 'content-range') ?? '') ?? [];
  if (from === undefined || Number(to) < Number(from)) return { do: 'refuse' };
  const [begin, end] = [Number(from), Number(to)];
  const size = total === '*' ? end + 1 : Number(total);
  const first = Math.max(begin, asked.kind === 'last' ? size - asked.count : asked.first);
  const last = Math.min(end, asked.kind === 'last' ? size - 1 : (asked.last ?? end));
  if (first > last) return { do: 'none', contentRange: `bytes */${total}` };
  return {
    do: 'cut',
    cut: { skip: first - begin, keep: last - first + 1 },
    contentRange: `bytes ${first}-${last}/${total}`,
  };
}

/** Applies a cut to a body as it comes. */
export class Cutter {
  private skip: number;
  private keep: number;

  constructor({ skip, keep }: Cut) {
    this.skip = skip;
    this.keep = keep;
  }

  take(bytes: Buffer): Buffer {
    const start = Math.min(this.skip, bytes.length);
    const end = Math.min(bytes.length, start + this.keep);
    this.skip -= start;
    this.keep -= end - start;
    return bytes.subarray(start, end);
  }
}
