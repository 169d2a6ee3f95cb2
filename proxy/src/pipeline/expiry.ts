// Until when a route may be used (`expires` of an entry, or of a secret that it adds). Pure but for the clock that it is given.
import type { Expiry, Route } from '../contract.ts';
import type { Refusal } from './types.ts';

export interface ExpiryClock {
  wallMs(): number;
  /** Since the proxy started, whatever happens to the wall clock. */
  elapsedMs(): number;
}

export interface Expiries {
  /** Until what ends first; null = nothing ends. */
  leftMs(route: Route): number | null;
  /** null = it may be used. */
  refusal(route: Route): Refusal | null;
}

/** A clock that starts now, or when `startedMs` was on the clock that all threads share. */
export function expiryClock(startedMs: number = sharedMs()): ExpiryClock {
  return { wallMs: () => Date.now(), elapsedMs: () => sharedMs() - startedMs };
}

/** In ms; the same in all threads. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export function createExpiries(clock: ExpiryClock): Expiries {
  const left = (expiry: Expiry): number =>
    'at' in expiry ? Date.parse(expiry.at) - clock.wallMs() : expiry.afterMs - clock.elapsedMs();
  return {
    leftMs: ({ expires }) => (expires === undefined ? null : Math.min(...expires.map(left))),
    refusal(route) {
      // A time that cannot be read is over.
      const over = route.expires?.find((expiry) => !(left(expiry) > 0));
      if (over === undefined) return null;
      const until = 'at' in over ? `until ${over.at}` : `for ${durationText(over.afterMs)}`;
      return {
        ...{ stage: 'policy', rule: 'expired', errorShape: route.errorShape, findings: [] },
        reason: `${over.name} allows it ${until}, which is over (${route.id})`,
        fix: `start a new session, or set ${over.name} in the spec to a later time`,
      };
    },
  };
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

function durationText(ms: number): string {
  const unit = UNITS.find(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms / 1000}s` : `${ms / unit[1]}${unit[0]}`;
}
