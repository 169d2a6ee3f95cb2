// Turns a hit of the search into what the boundary promises, and says what stands in its place.
import type { Hit } from './findings.ts';
import type { Match } from './types.ts';

/** `path` names the place inside a body, '' for none. */
export function matchOf(hit: Hit, where: string, path: string): Match {
  const { chain, ...match } = hit;
  const place = path === '' ? where : `${where} ${path}`;
  return { ...match, where: chain === '' ? place : `${place} > ${chain}` };
}

/** The stable replacement of a match; see types.ts. */
export const replacement = (match: Pick<Match, 'detector' | 'fingerprint'>): string =>
  `bottle-redacted-${match.detector}-${match.fingerprint.slice(0, 8)}`;
