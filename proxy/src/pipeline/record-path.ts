// What a record and a message show of an agent's text: names of query parameters without their values, nothing that was matched, bounded.
import type { Scanner } from '../dlp/types.ts';
import { splitTarget } from './target.ts';

/** Longest path in a record, in characters. */
const LONGEST = 2048;

type Redactor = Pick<Scanner, 'redactText' | 'scanJoined'>;

/** `text` without matches; without anything at all when its pieces make up a secret only together. */
export function redactPieces(scanner: Redactor, text: string): string {
  const split = scanner.scanJoined('', text.split(/[./?&=]/));
  return split.length === 0 ? scanner.redactText(text) : `[${split[0]!.detector}]`;
}

/** `scanner`: null when the target is known to hold no match. */
export function recordPathOf(target: string, scanner: Redactor | null): string {
  const { path, query } = splitTarget(target);
  const names = query?.map(({ name, value }) => name + (value === null ? '' : '=')).join('&');
  const text = names === undefined ? path : `${path}?${names}`;
  const clean = scanner === null ? text : redactPieces(scanner, text);
  const shown = clean.startsWith('/') ? clean : `/${clean}`;
  // Bounded last: a cut before the search would leave the beginning of a secret.
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 3)}...` : shown;
}
