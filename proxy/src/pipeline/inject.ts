// Puts the real credential where the route wants it: the only place where one enters a message. Everything else stays byte-exact.
import { isOwnHeader, isOwnParameter, isSwapValue, type Places, type Signing, swapInHeader } from './places.ts';
import { type Resigned, resign } from './sign/resign.ts';
import { joinTarget, type QueryPart, splitTarget } from './target.ts';
import type { Admitted, Injected, Sending } from './types.ts';

/** Throws NotSigned on a route whose requests the agent has to sign. `sending`: null = nothing is sent, only told. */
export function injectCredentials(places: Places, admitted: Admitted, sending: Sending | null): Injected {
  const used: Used = new Map();
  if (places.signing !== null) for (const secret of places.signing.secrets) note(used, secret, places.label);
  const target = injectTarget(places, admitted.target, used);
  const rawHeaders = injectHeaders(places, admitted.rawHeaders, used);
  const { signing } = places;
  const signed =
    signing === null || sending === null ? null : signAnew(signing, { ...admitted, target, rawHeaders }, sending);
  return {
    target: signed?.target ?? target,
    rawHeaders: signed?.rawHeaders ?? rawHeaders,
    chunks: signed?.chunks ?? null,
    injected: [...used.keys()],
    injectedInto: [...used.values()].map((labels) => [...labels].join(', ')),
  };
}

function signAnew({ keys, rule }: Signing, { target, rawHeaders }: Admitted, sending: Sending): Resigned {
  const { method, host, body, now } = sending;
  return resign({ method, target, host, rawHeaders }, keys, rule, body, now);
}

/** Labels of the places that each secret went to. */
type Used = Map<string, Set<string>>;

function note(used: Used, secret: string, label: string): void {
  used.set(secret, (used.get(secret) ?? new Set()).add(label));
}

function injectHeaders(places: Places, rawHeaders: readonly string[], used: Used): readonly string[] {
  // What is signed is placed last, by what signs it.
  const header = places.signing === null ? places.header : null;
  if (header === null && places.swap === null) return rawHeaders;
  const sent: string[] = [];
  let isPlaced = header === null;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lower = name.toLowerCase();
    if (header !== null && isOwnHeader(places, name)) {
      // The agent's own field goes, ours takes the place of the first one.
      if (!isPlaced) sent.push(name, places.credential);
      isPlaced = true;
      continue;
    }
    const value = rawHeaders[i + 1]!;
    const swapped = places.swap === null ? null : swapInHeader(places.swap, lower, value, places.swap.value);
    if (swapped !== null) note(used, places.swap!.secret, `header ${lower} (placeholder)`);
    sent.push(name, swapped ?? value);
  }
  if (!isPlaced) sent.push(properName(header!), places.credential);
  if (header !== null) note(used, places.secret, places.label);
  return sent;
}

/** `x-api-key` -> `X-Api-Key`: how a field looks that no agent has spelled. */
function properName(lower: string): string {
  return lower.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

function injectTarget(places: Places, target: string, used: Used): string {
  const { swap } = places;
  if (places.query === null && (swap === null || !swap.inQuery)) return target;
  const { path, query } = splitTarget(target);
  const sent: QueryPart[] = [];
  let isPlaced = places.query === null;
  for (const part of query ?? []) {
    if (places.query !== null && isOwnParameter(places, part.name)) {
      if (!isPlaced) sent.push({ name: part.name, value: places.credential });
      isPlaced = true;
    } else if (swap !== null && part.value !== null && isSwapValue(swap, part.value)) {
      // The value is latin1 bytes; encodeURIComponent wants text.
      sent.push({ name: part.name, value: encodeURIComponent(Buffer.from(swap.value, 'latin1').toString('utf8')) });
      note(used, swap.secret, 'query (placeholder)');
    } else sent.push(part);
  }
  if (!isPlaced) {
    const name = encodeURIComponent(Buffer.from(places.query!, 'latin1').toString('utf8'));
    // `/x?` has one empty part: ours takes its place.
    if (sent.length === 1 && sent[0]!.name === '' && sent[0]!.value === null) sent.pop();
    sent.push({ name, value: places.credential });
  }
  if (places.query !== null) note(used, places.secret, places.label);
  return joinTarget({ path, query: sent });
}
