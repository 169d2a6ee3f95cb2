// Credentials of the agent's own in the places where a route puts ours. They are taken off and leave nowhere, but they are a finding: an agent
// should have placeholders only.
import type { Match, Scanner } from '../dlp/types.ts';
import type { Head } from './head-scan.ts';
import { isOwnHeader, isOwnParameter } from './places.ts';

/** Values that were found to be none, remembered because a client sends the same with request after request; the longest in characters. */
const REMEMBERED = 256;
const LONGEST = 4096;

export type ForeignCredentials = (head: Head) => readonly Match[];

export function createForeignCredentials(scanner: Scanner): ForeignCredentials {
  const harmless = new Set<string>();

  function judge(where: string, value: string): readonly Match[] {
    if (value === '' || harmless.has(value)) return [];
    const matches = scanner.scanText(where, value).filter(({ kind }) => kind !== 'placeholder');
    if (matches.length === 0 && value.length <= LONGEST) {
      if (harmless.size >= REMEMBERED) harmless.clear();
      harmless.add(value);
    }
    return matches;
  }

  return ({ view, target, places }) => {
    if (places.header === null && places.query === null && places.signing === null) return [];
    const found: Match[] = [];
    const { rawHeaders } = view;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (isOwnHeader(places, name))
        found.push(...judge(`header ${name.toLowerCase()} (replaced)`, rawHeaders[i + 1]!));
    }
    if (places.query !== null || places.signing !== null) {
      for (const { name, value } of target.query ?? []) {
        if (value !== null && isOwnParameter(places, name)) found.push(...judge('query credential (replaced)', value));
      }
    }
    return found;
  };
}
