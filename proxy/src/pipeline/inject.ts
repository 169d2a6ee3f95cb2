// Puts the real credential where the route wants it: the only place where one enters a message. Everything else stays byte-exact.
import { isOwnHeader, isOwnParameter, isSwapValue, type Places, swapInHeader } from './places.ts';
import { joinTarget, type QueryPart, splitTarget } from './target.ts';
import type { Admitted, Injected } from './types.ts';

export function injectCredentials(places: Places, admitted: Admitted): Injected {
  const used = new Map<string, string>();
  const target = injectTarget(places, admitted.target, used);
  const rawHeaders = injectHeaders(places, admitted.rawHeaders, used);
  return { target, rawHeaders, injected: secretsOf(places, used), injectedInto: [...used.keys()] };
}

function secretsOf(places: Places, used: ReadonlyMap<string, string>): readonly string[] {
  return places.swap === null ? [...used.values()] : [...new Set(used.values())];
}

function injectHeaders(places: Places, rawHeaders: readonly string[], used: Map<string, string>): readonly string[] {
  if (places.header === null && places.swap === null) return rawHeaders;
  const sent: string[] = [];
  let isPlaced = places.header === null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lower = name.toLowerCase();
    if (isOwnHeader(places, lower)) {
      // The agent's own field goes, ours takes the place of the first one.
      if (!isPlaced) sent.push(name, places.credential);
      isPlaced = true;
      continue;
    }
    const value = rawHeaders[i + 1]!;
    const swapped = places.swap === null ? null : swapInHeader(places.swap, lower, value, places.swap.value);
    if (swapped !== null) used.set(`header ${lower} (placeholder)`, places.swap!.secret);
    sent.push(name, swapped ?? value);
  }
  if (!isPlaced) sent.push(properName(places.header!), places.credential);
  if (places.header !== null) used.set(places.label, places.secret);
  return sent;
}

/** `x-api-key` -> `X-Api-Key`: how a field looks that no agent has spelled. */
function properName(lower: string): string {
  return lower.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

function injectTarget(places: Places, target: string, used: Map<string, string>): string {
  const { swap } = places;
  if (places.query === null && (swap === null || !swap.inQuery)) return target;
  const { path, query } = splitTarget(target);
  const sent: QueryPart[] = [];
  let isPlaced = places.query === null;
  for (const part of query ?? []) {
    if (isOwnParameter(places, part.name)) {
      if (!isPlaced) sent.push({ name: part.name, value: places.credential });
      isPlaced = true;
    } else if (swap !== null && part.value !== null && isSwapValue(swap, part.value)) {
      // The value is latin1 bytes; encodeURIComponent wants text.
      sent.push({ name: part.name, value: encodeURIComponent(Buffer.from(swap.value, 'latin1').toString('utf8')) });
      used.set('query (placeholder)', swap.secret);
    } else sent.push(part);
  }
  if (!isPlaced) {
    const name = encodeURIComponent(Buffer.from(places.query!, 'latin1').toString('utf8'));
    // `/x?` has one empty part: ours takes its place.
    if (sent.length === 1 && sent[0]!.name === '' && sent[0]!.value === null) sent.pop();
    sent.push({ name, value: places.credential });
  }
  if (places.query !== null) used.set(places.label, places.secret);
  return joinTarget({ path, query: sent });
}
