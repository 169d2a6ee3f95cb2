// Puts the real credential where the route wants it: the only place where one enters a message. Everything else stays byte-exact.
import { bodyMetaOf } from './body-scan.ts';
import { isOwnHeader, isOwnParameter, isSwapValue, type Places, type Signing, swapInHeader } from './places.ts';
import { type Resigned, resign, type SignableBody } from './sign/resign.ts';
import { joinTarget, type QueryPart, splitTarget } from './target.ts';
import type { Admitted, Injected, Sending } from './types.ts';

const NOTHING_MADE: readonly string[] = [];

/** Throws NotSigned on a route whose requests the agent has to sign. `sending`: null = nothing is sent, only told. */
export function injectCredentials(places: Places, admitted: Admitted, sending: Sending | null): Injected {
  const used: Used = new Map();
  if (places.signing !== null) for (const secret of places.signing.secrets) note(used, secret, places.label);
  const target = injectTarget(places, admitted.target, used);
  const rawHeaders = injectHeaders(places, admitted.rawHeaders, used);
  const body = sending?.body.kind === 'whole' ? injectBody(places, admitted, sending.body.bytes, used) : null;
  const { signing } = places;
  const signed = signing === null || sending === null ? null : signAnew(signing, { target, rawHeaders }, sending, body);
  return {
    target: signed?.target ?? target,
    rawHeaders: signed?.rawHeaders ?? rawHeaders,
    body,
    chunks: signed?.chunks ?? null,
    injected: [...used.keys()],
    made: signed === null ? NOTHING_MADE : [signed.signature],
    injectedInto: [...used.values()].map((labels) => [...labels].join(', ')),
  };
}

/** `body`: where a credential went into it. */
function signAnew(
  { keys, rule }: Signing,
  { target, rawHeaders }: Pick<Admitted, 'target' | 'rawHeaders'>,
  sending: Sending,
  body: Buffer | null,
): Resigned {
  const { method, host, now } = sending;
  const covered: SignableBody = body === null ? sending.body : { kind: 'whole', bytes: body, isChanged: true };
  return resign({ method, target, host, rawHeaders }, keys, rule, covered, now);
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
  if (places.query === null && (swap === null || !(swap.inQuery || swap.inPath))) return target;
  const { path: asked, query } = splitTarget(target);
  const path = injectPath(swap, asked, used);
  const sent: QueryPart[] = [];
  let isPlaced = places.query === null;
  for (const part of query ?? []) {
    if (places.query !== null && isOwnParameter(places, part.name)) {
      if (!isPlaced) sent.push({ name: part.name, value: places.credential });
      isPlaced = true;
    } else if (swap?.inQuery && part.value !== null && isSwapValue(swap, part.value)) {
      sent.push({ name: part.name, value: asComponent(swap.value) });
      note(used, swap.secret, 'query (placeholder)');
    } else sent.push(part);
  }
  if (!isPlaced) {
    const name = asComponent(places.query!);
    // `/x?` has one empty part: ours takes its place.
    if (sent.length === 1 && sent[0]!.name === '' && sent[0]!.value === null) sent.pop();
    sent.push({ name, value: places.credential });
  }
  if (places.query !== null) note(used, places.secret, places.label);
  return joinTarget({ path, query: sent });
}

function injectPath(swap: Places['swap'], path: string, used: Used): string {
  if (swap === null || !swap.inPath || !path.includes(swap.neutral)) return path;
  note(used, swap.secret, 'path (placeholder)');
  return path.replaceAll(swap.neutral, () => asComponent(swap.value));
}

/** null where nothing is to be swapped. */
function injectBody({ swap }: Places, { rawHeaders }: Admitted, bytes: Uint8Array, used: Used): Buffer | null {
  if (swap === null || !swap.inBody) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (!text.includes(swap.neutral)) return null;
  note(used, swap.secret, 'body (placeholder)');
  const value = escapedFor(bodyMetaOf({ rawHeaders }).contentType, swap.value);
  return Buffer.from(
    text.replaceAll(swap.neutral, () => value),
    'latin1',
  );
}

/** `value`: latin1. */
function escapedFor(contentType: string, value: string): string {
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return asComponent(value);
  return /[/+]json\b/i.test(contentType) ? JSON.stringify(value).slice(1, -1) : value;
}

/** The value is latin1 bytes; encodeURIComponent wants text. */
const asComponent = (value: string): string => encodeURIComponent(Buffer.from(value, 'latin1').toString('utf8'));
