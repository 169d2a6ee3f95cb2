// How problems speak: quoting what a person wrote without repeating a secret, and proposing what they may have meant.

import { nearest } from '../report/nearest.ts';
import { secretShapeOf } from './secret-shapes.ts';

const MAX_SHOWN = 60;

/** A value in quotes, shortened, without control characters; never one that looks like a secret. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : String(JSON.stringify(value));
  if (secretShapeOf(text) !== null) return '[hidden]';
  const short = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text;
  // JSON leaves C1 controls and line separators as they are.
  const clean = JSON.stringify(short).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');
  return typeof value === 'string' ? clean : clean.slice(1, -1).replaceAll('\\"', '"');
}

/** `did you mean "x"?`, or the list to choose from. */
export function suggestion(word: string, candidates: readonly string[], listed: string): string {
  // `gitlab` is nearer to `gitlab-read` than to `github`.
  const near = candidates.find((one) => word.length > 2 && one.startsWith(word)) ?? nearest(word, candidates);
  if (near !== undefined) return `did you mean ${shown(near)}?`;
  return candidates.length === 0 ? listed : `${listed}: ${candidates.join(', ')}`;
}
