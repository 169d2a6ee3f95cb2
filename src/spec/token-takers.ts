// Which entries take the tokens that the answers of others hold: named by id or host, or those of the same host.

import { nearest } from '../report/nearest.ts';
import type { AllowEntry } from './bottle.ts';
import type { Placed } from './egress.ts';
import { hostCovers } from './host-pattern.ts';
import { shown } from './words.ts';

/** The same entries, those that take tokens with the ids of those that give them. */
export function withTokenTakers(placed: readonly Placed[]): readonly Placed[] {
  const from = new Map<Placed, string[]>();
  const all = placed.filter(({ entry }) => entry.scheme === 'https' || entry.scheme === 'http');
  for (const giver of placed) {
    const { tokens, id, host } = giver.entry;
    if (tokens === undefined) continue;
    const takers =
      tokens.for === null ? all.filter(({ entry }) => entry.host === host) : takersOf(giver, tokens.for, all);
    for (const taker of takers) {
      if (taker.entry.scheme === 'http' && !taker.entry.allowPrivate) {
        // That the giver itself must not be is said where it is read.
        if (taker !== giver) refusePlain(giver, taker);
      } else from.set(taker, [...(from.get(taker) ?? []), id]);
    }
  }
  return placed.map((one) => {
    const ids = from.get(one);
    return ids === undefined ? one : { ...one, entry: { ...one.entry, tokensFrom: [...new Set(ids)] } };
  });
}

function takersOf(giver: Placed, names: readonly string[], all: readonly Placed[]): readonly Placed[] {
  return names.flatMap((name, index) => {
    const found = all.filter(({ entry }) => isNamed(entry, name));
    if (found.length > 0) return found;
    const path = ['tokens', 'for', index];
    const near = nearest(name, [...new Set(all.flatMap(({ entry }) => [entry.id, entry.host]))]);
    giver.report.problem(
      {
        what: `${giver.report.name(path)} ${shown(name)} is no entry of egress.allow that is inspected`,
        why: 'its tokens would be of use nowhere',
        fix: near === undefined ? `add an entry for ${shown(name)}` : `did you mean ${shown(near)}?`,
      },
      path,
    );
    return [];
  });
}

/** http and https of one entry have one name. */
const isNamed = ({ id, host }: AllowEntry, name: string): boolean =>
  id === name || id.replace(/\.https?$/, '') === name || hostCovers(name.toLowerCase(), host);

function refusePlain(giver: Placed, taker: Placed): void {
  giver.report.problemAtKey(
    {
      what: `${giver.name} gives its tokens to ${taker.name}, which is http`,
      why: 'everybody on the way could read them',
      fix: 'name entries over https in `tokens: { for: [...] }`',
    },
    ['tokens'],
  );
}
