// How problems speak: quoting what a person wrote without repeating a secret, and finding the word they meant.

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

/** The candidate that was probably meant, or null. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase().replaceAll('-', '_');
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase().replaceAll('-', '_'));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "x"?`, or the list to choose from. */
export function suggestion(word: string, candidates: readonly string[], listed: string): string {
  const near = nearest(word, candidates);
  if (near !== null) return `did you mean ${shown(near)}?`;
  return candidates.length === 0 ? listed : `${listed}: ${candidates.join(', ')}`;
}

/** Insertions, deletions, replacements and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 40) return 41;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2]! + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
