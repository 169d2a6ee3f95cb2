// Puts the real credential where the route wants it: the only place where one enters a message. Everything else stays byte-exact.
import { HELD_COOKIES } from '../contract.ts';
import { bodyMetaOf } from './body-scan.ts';
import { LEAST_GUARDED } from './cookie-guard.ts';
import { putCookies } from './held-cookies.ts';
import { isNowhere, isOwnHeader, isOwnParameter, type Places, type Swap, swapInHeader, swapOfQuery } from './places.ts';
import type { SignableBody, SignedHead, Signing } from './sign/signing.ts';
import { joinTarget, type QueryPart, splitTarget } from './target.ts';
import type { Admitted, Injected, Sending } from './types.ts';

const NOTHING_MADE: readonly string[] = [];
/** Of a route without a credential. */
const NOTHING = { body: null, chunks: null, injected: [], made: NOTHING_MADE, injectedInto: [] } as const;

/** Throws NotSigned on a route whose requests the agent has to sign. `sending`: null = nothing is sent, only told. */
export function injectCredentials(places: Places, admitted: Admitted, sending: Sending | null): Injected {
  if (isNowhere(places)) return { ...NOTHING, target: admitted.target, rawHeaders: admitted.rawHeaders };
  const used: Used = new Map();
  for (const secret of places.identity) note(used, secret, 'TLS client certificate');
  if (places.signing !== null) for (const { name, label } of places.signing.secrets) note(used, name, label);
  const target = injectTarget(places, admitted.target, used);
  const rawHeaders = injectHeaders(places, admitted.rawHeaders, used);
  const body = sending === null ? null : injectBody(places, admitted, sending, used);
  const { signing } = places;
  const signed = signing === null || sending === null ? null : signAnew(signing, { target, rawHeaders }, sending, body);
  return {
    target: signed?.target ?? target,
    rawHeaders: signed?.rawHeaders ?? rawHeaders,
    body,
    chunks: signed?.chunks ?? null,
    injected: [...used.keys()],
    made: signed?.made ?? NOTHING_MADE,
    injectedInto: [...used.values()].map((labels) => [...labels].join(', ')),
  };
}

/** The same, with the cookies that were opened: before everything else, for a signature may cover them. */
export function injectWithCookies(places: Places, admitted: Admitted, sending: Sending | null): Injected {
  const opened = admitted.cookies?.opened ?? [];
  if (opened.length === 0) return injectCredentials(places, admitted, sending);
  const rawHeaders = putCookies(admitted.rawHeaders, opened);
  const { injected, made, injectedInto, ...rest } = injectCredentials(places, { ...admitted, rawHeaders }, sending);
  const values = opened.map(({ value }) => value).filter(({ length }) => length >= LEAST_GUARDED);
  return {
    ...rest,
    injected: [...injected, HELD_COOKIES],
    made: [...made, ...values],
    injectedInto: [...injectedInto, 'header cookie (held)'],
  };
}

/** `body`: where a credential went into it. */
function signAnew(
  signing: Signing,
  { target, rawHeaders }: Pick<Admitted, 'target' | 'rawHeaders'>,
  sending: Sending,
  body: Buffer | null,
): SignedHead {
  const { method, host } = sending;
  const covered: SignableBody = body === null ? sending.body : { kind: 'whole', bytes: body, isChanged: true };
  return signing.sign({ method, target, host, rawHeaders }, covered, sending);
}

/** Labels of the places that each secret went to. */
type Used = Map<string, Set<string>>;

function note(used: Used, secret: string, label: string): void {
  used.set(secret, (used.get(secret) ?? new Set()).add(label));
}

function injectHeaders(places: Places, rawHeaders: readonly string[], used: Used): readonly string[] {
  // What is signed is placed last, by what signs it.
  const header = places.signing === null ? places.header : null;
  if (header === null && places.swaps.length === 0) return rawHeaders;
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
    const swapped = swapInHeader(places, lower, value, (swap) => {
      note(used, swap.secret, `header ${lower} (placeholder)`);
      return swap.value;
    });
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
  const { swaps } = places;
  if (places.query === null && !swaps.some(({ inQuery, inPath }) => inQuery || inPath)) return target;
  const { path: asked, query } = splitTarget(target);
  const path = injectPath(swaps, asked, used);
  const sent: QueryPart[] = [];
  let isPlaced = places.query === null;
  for (const part of query ?? []) {
    if (places.query !== null && isOwnParameter(places, part.name)) {
      if (!isPlaced) sent.push({ name: part.name, value: places.credential });
      isPlaced = true;
      continue;
    }
    const swap = part.value === null ? null : swapOfQuery(places, part.value);
    if (swap === null) sent.push(part);
    else {
      sent.push({ name: part.name, value: asComponent(swap.value) });
      note(used, swap.secret, 'query (placeholder)');
    }
  }
  if (!isPlaced) {
    const name = asComponent(places.query!);
    // `/x?` has one empty part: ours takes its place.
    if (sent.length === 1 && sent[0]!.name === '' && sent[0]!.value === null) sent.pop();
    sent.push({ name, value: places.credential });
  }
  if (places.query !== null) note(used, places.secret, places.label);
  return joinTarget({ path, query: query === null && sent.length === 0 ? null : sent });
}

function injectPath(swaps: readonly Swap[], path: string, used: Used): string {
  let sent = path;
  for (const swap of swaps) {
    if (!swap.inPath || !sent.includes(swap.neutral)) continue;
    note(used, swap.secret, 'path (placeholder)');
    sent = sent.replaceAll(swap.neutral, () => asComponent(swap.value));
  }
  return sent;
}

/** null where nothing is to be swapped. */
function injectBody({ swaps }: Places, { rawHeaders }: Admitted, sending: Sending, used: Used): Buffer | null {
  if (swaps.length === 0) return null;
  const inBody = swaps.filter(({ inBody }) => inBody);
  const { body } = sending;
  if (inBody.length === 0 || body.kind !== 'whole') return null;
  const { bytes } = body;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  let sent = text;
  for (const swap of inBody) {
    if (!text.includes(swap.neutral)) continue;
    note(used, swap.secret, 'body (placeholder)');
    const value = escapedFor(bodyMetaOf({ rawHeaders }).contentType, swap.value);
    sent = sent.replaceAll(swap.neutral, () => value);
  }
  return sent === text ? null : Buffer.from(sent, 'latin1');
}

/** `value`: latin1. */
function escapedFor(contentType: string, value: string): string {
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return asComponent(value);
  return /[/+]json\b/i.test(contentType) ? JSON.stringify(value).slice(1, -1) : value;
}

/** The value is latin1 bytes; encodeURIComponent wants text. */
const asComponent = (value: string): string => encodeURIComponent(Buffer.from(value, 'latin1').toString('utf8'));
