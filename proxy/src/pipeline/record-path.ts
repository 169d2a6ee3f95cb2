// A target as a record shows it: names of query parameters without their values, nothing that was matched, bounded.
import type { Scanner } from '../dlp/types.ts';
import { splitTarget } from './target.ts';

/** Longest path in a record, in characters. */
const LONGEST = 2048;

/** `scanner`: null when the target is known to hold no match. */
export function recordPathOf(target: string, scanner: Pick<Scanner, 'redactText'> | null): string {
  const { path, query } = splitTarget(target);
  const clean = (text: string): string => (scanner === null || text === '' ? text : scanner.redactText(text));
  let shown = clean(path);
  if (query !== null) {
    shown += `?${query.map(({ name, value }) => clean(name) + (value === null ? '' : '=')).join('&')}`;
  }
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 3)}...` : shown;
}
