// `expires`: a time, or how long after the start. And back into words.

import type { Report } from './report.ts';
import { shown } from './words.ts';

export type Until = { readonly at: string } | { readonly afterMs: number };

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_DAYS = 365;

/** The schema has seen to its form. */
export function readExpires(written: string | undefined, report: Report): Until | null {
  if (written === undefined) return null;
  const duration = /^([1-9][0-9]*)([smhd])$/.exec(written);
  if (duration !== null) {
    const afterMs = Number(duration[1]) * UNITS[duration[2]!]!;
    if (afterMs <= LONGEST_DAYS * UNITS.d!) return { afterMs };
    report.problem({
      what: `${report.name()} ${written} is too long`,
      why: `the most is ${LONGEST_DAYS} days, and a session ends sooner`,
      fix: 'write less, or remove the line',
    });
    return null;
  }
  const at = Date.parse(written);
  // What a calendar does not have would be another day.
  const isReal =
    !Number.isNaN(at) && new Date(`${written.slice(0, 10)}T00:00:00Z`).toISOString().startsWith(written.slice(0, 10));
  if (isReal) return { at: new Date(at).toISOString() };
  report.problem({
    what: `${report.name()} ${shown(written)} is no time`,
    why: 'no calendar has it',
    fix: 'write it like 2h, or 2031-05-01T18:00:00Z',
  });
  return null;
}

/** As it would be written. */
export function writtenExpires(until: Until): string {
  if ('at' in until) return until.at;
  const [unit = 's', size = 1000] = Object.entries(UNITS).findLast(([, ms]) => until.afterMs % ms === 0) ?? [];
  return `${until.afterMs / size}${unit}`;
}
