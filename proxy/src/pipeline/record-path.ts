// What a record and a message show of an agent's text: names of query parameters without their values, nothing that was matched, bounded.
import type { Scanner } from '../dlp/types.ts';
import { splitTarget } from './target.ts';
import type { RequestView } from './types.ts';

/** Longest path in a record, in characters. */
const LONGEST = 2048;

type Redactor = Pick<Scanner, 'redactText' | 'scanJoined'>;

/** `text` without matches; without anything at all when its pieces make up a secret only together. */
export function redactPieces(scanner: Redactor, text: string): string {
  const split = scanner.scanJoined('', text.split(/[./?&=]/));
  return split.length === 0 ? scanner.redactText(text) : `[${split[0]!.detector}]`;
}

/** `scanner`: null when the target is known to hold no match. */
export function recordPathOf(
  { target, rawHeaders }: Pick<RequestView, 'target' | 'rawHeaders'>,
  scanner: Redactor | null,
): string {
  const { path, query } = splitTarget(target);
  // The beginning of a secret whose rest stands in a value or a field is as telling as all of it.
  const values = [...(query ?? []).map(({ value }) => value ?? ''), ...rawHeaders.filter((_, i) => i % 2 === 1)];
  const split = scanner?.scanJoined('', [...path.split('/'), ...values])[0];
  if (split !== undefined) return `/[${split.detector}]`;
  const names = query?.map(({ name, value }) => name + (value === null ? '' : '=')).join('&');
  const text = names === undefined ? path : `${path}?${names}`;
  const clean = scanner === null ? text : redactPieces(scanner, text);
  const shown = clean.startsWith('/') ? clean : `/${clean}`;
  // Bounded last: a cut before the search would leave the beginning of a secret.
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 3)}...` : shown;
}
