// Where a route's credential goes: which fields of the agent are removed, and where its placeholder may stand.
import {
  HELD_COOKIES,
  type PlaceholderSwap,
  type ProxyConfig,
  placeholdersOf,
  type Route,
  type SecretValue,
  secretsOfAuth,
} from '../contract.ts';
import { isForgotten } from '../tokens/token-book.ts';
import { awsSigning } from './sign/aws-signing.ts';
import { hmacSigning } from './sign/hmac-signing.ts';
import type { Signing } from './sign/signing.ts';
import { asLatin1, decodeQueryText } from './target.ts';
import { checkHeaderName, checkHeaderSafe, FRAMING, secretOf, unusable } from './usable-secret.ts';

export interface Swap {
  readonly secret: string;
  readonly placeholder: string;
  /** Latin1, as header fields carry it. */
  readonly value: string;
  readonly inHeader: boolean;
  readonly inQuery: boolean;
  readonly inPath: boolean;
  readonly inBody: boolean;
  /** In one of the first text messages of a WebSocket. */
  readonly inMessage: boolean;
  /** Stands for the placeholder in a path and a body from where that was found to be legal: as long, and nothing that is searched for. */
  readonly neutral: string;
}

export interface Places {
  /** Lower-case header whose every field is removed before ours goes in; null = none. */
  readonly header: string | null;
  /** Decoded query parameter that is removed; null = none. */
  readonly query: string | null;
  /** What replaces it: the whole header value, or the encoded query value; '' without auth. */
  readonly credential: string;
  /** Name of the secret in `credential`; '' without auth. */
  readonly secret: string;
  /** Human form: `header authorization (bearer)`. */
  readonly label: string;
  /** What the agent may write in the stead of values. */
  readonly swaps: readonly Swap[];
  /** Names of those among them that may leave later, and of tokens that an answer brought: looked for in every answer of the route. */
  readonly issued: readonly string[];
  /** Signs the request, in fields and parameters of its own; null = nothing does. */
  readonly signing: Signing | null;
  /** Names of the secrets of the client certificate that the upstream sees. Nothing of them is in a message. */
  readonly identity: readonly string[];
}

export interface PlaceIndex {
  of(route: Route): Places;
  /** Hosts whose routes use the secret, for the fix of a refusal. */
  hostsOf(secret: string): readonly string[];
  /** The value of a secret, latin1. */
  valueOf(secret: string): string;
}

const NO_CREDENTIAL = {
  header: null,
  query: null,
  credential: '',
  secret: '',
  label: '',
  signing: null,
  identity: [],
} as const;
const NO_SWAPS: readonly Swap[] = [];
const NO_NAMES: readonly string[] = [];
const NOWHERE: Places = { ...NO_CREDENTIAL, swaps: NO_SWAPS, issued: NO_NAMES };
/** Nothing is put anywhere. */
export const isNowhere = (places: Places): boolean => places === NOWHERE;

/** Unreserved in URLs (RFC 3986, 2.3), and itself in JSON and forms. */
const NEUTRAL = 'swap';

/** Throws ProxyFailure when a credential cannot be sent as the route asks. */
export function indexPlaces(config: Pick<ProxyConfig, 'routes' | 'secrets'>): PlaceIndex {
  const secrets = new Map(config.secrets.map((secret) => [secret.name, secret]));
  const places = new Map(config.routes.map((route) => [route, compilePlaces(route, secrets)]));
  return {
    of(route) {
      if (isBare(route)) return NOWHERE;
      const found = places.get(route);
      if (found === undefined) throw new TypeError(`route ${route.id} is not of this configuration`);
      return found;
    },
    valueOf: (secret) => asLatin1(secrets.get(secret)?.value ?? ''),
    hostsOf: (secret) => [
      ...new Set(config.routes.filter((route) => uses(route, secret, secrets.get(secret))).map((route) => route.host)),
    ],
  };
}

const isBare = (route: Route): boolean =>
  route.auth === null && route.placeholder === null && route.clientCertificate === undefined && !takesTokens(route);

/** The placeholders of tokens that token routes gave out are swapped here. */
const takesTokens = ({ tokens, tokensFrom }: Route): boolean => tokens !== undefined || tokensFrom !== undefined;

/** Is what `issuer` gave out swapped on this route? */
const takesFrom = ({ id, tokens, tokensFrom }: Route, issuer: string): boolean =>
  (tokens !== undefined && id === issuer) || tokensFrom?.includes(issuer) === true;

function uses(route: Route, secret: string, { issuer, value }: Partial<SecretValue> = {}): boolean {
  if (issuer !== undefined) return value !== '' && takesFrom(route, issuer);
  if (secret === HELD_COOKIES) return route.cookies === 'hold';
  return (
    identitySecrets(route).includes(secret) ||
    (route.auth !== null && secretsOfAuth(route.auth).includes(secret)) ||
    placeholdersOf(route).some((swap) => swap.secret === secret)
  );
}

function compilePlaces(route: Route, secrets: ReadonlyMap<string, SecretValue>): Places {
  const auth = route.auth === null ? NO_CREDENTIAL : compileAuth(route, route.auth, secrets);
  const issued = swapsOfTokens(route, secrets);
  const swaps = [...placeholdersOf(route), ...issued];
  return {
    ...auth,
    swaps: swaps.map((swap, index) => compileSwap(route, swap, index, secrets)),
    issued: [...issued, ...placeholdersOf(route).filter(({ in: places }) => places.includes('ws'))].map(
      ({ secret }) => secret,
    ),
    identity: identitySecrets(route),
  };
}

function identitySecrets({ clientCertificate }: Route): readonly string[] {
  return clientCertificate === undefined ? [] : [...new Set([clientCertificate.certificate, clientCertificate.key])];
}

/** Where they came from they may stand in all places that a token request has, elsewhere in fields. */
function swapsOfTokens(route: Route, secrets: ReadonlyMap<string, SecretValue>): PlaceholderSwap[] {
  if (!takesTokens(route)) return [];
  return [...secrets.values()]
    .filter((secret) => secret.placeholder !== '' && !isForgotten(secret))
    .filter(({ issuer }) => issuer !== undefined && takesFrom(route, issuer))
    .map(({ name }) => ({ secret: name, in: route.tokens === undefined ? ['header'] : ['header', 'query', 'body'] }));
}

function compileSwap(
  route: Route,
  { secret, in: places }: PlaceholderSwap,
  index: number,
  secrets: ReadonlyMap<string, SecretValue>,
): Swap {
  const { value, placeholder } = secretOf(route, secret, secrets);
  const swap = {
    secret,
    placeholder: asLatin1(placeholder),
    value: asLatin1(value),
    inHeader: places.includes('header'),
    inQuery: places.includes('query'),
    inPath: places.includes('path'),
    inBody: places.includes('body'),
    inMessage: places.includes('ws'),
    neutral: neutralOf(index, placeholder.length),
  };
  if (swap.inHeader) checkHeaderSafe(route, swap.secret, swap.value);
  if (swap.placeholder.length < 8) {
    throw unusable(
      route,
      `the placeholder of ${swap.secret} is too short to be recognised`,
      'use at least 8 characters',
    );
  }
  return swap;
}

/** `swap0.swap.swap.`: none of a route is in another one. */
function neutralOf(index: number, length: number): string {
  const first = `${NEUTRAL}${index.toString(36)}.`;
  return `${first}${`${NEUTRAL}.`.repeat(Math.ceil(length / (NEUTRAL.length + 1)))}`.slice(0, length);
}

function compileAuth(
  route: Route,
  auth: NonNullable<Route['auth']>,
  secrets: ReadonlyMap<string, SecretValue>,
): Omit<Places, 'swaps' | 'issued' | 'identity'> {
  if (auth.type === 'sigv4') return signedBy(awsSigning(route, auth, secrets));
  if (auth.type === 'hmac') return signedBy(hmacSigning(route, auth, secrets));
  const { value } = secretOf(route, auth.secret, secrets);
  const inHeader = (name: string, credential: string, kind: string) => {
    checkHeaderSafe(route, auth.secret, credential);
    const header = checkHeaderName(route, name);
    const label = `header ${header} (${kind})`;
    return { ...NO_CREDENTIAL, header, credential, secret: auth.secret, label };
  };
  switch (auth.type) {
    case 'bearer':
      return inHeader('authorization', `Bearer ${asLatin1(value)}`, 'bearer');
    case 'basic': {
      if (auth.username.includes(':')) throw unusable(route, 'a basic user name holds no colon', 'take the colon out');
      const pair = Buffer.from(`${auth.username}:${value}`, 'utf8').toString('base64');
      return inHeader('authorization', `Basic ${pair}`, 'basic');
    }
    case 'header':
      // split/join: `$` in a secret means nothing.
      return inHeader(auth.name, asLatin1(auth.template.split('{secret}').join(value)), 'header');
    case 'query':
      return {
        ...NO_CREDENTIAL,
        query: asLatin1(auth.name),
        credential: encodeURIComponent(value),
        secret: auth.secret,
        label: `query ${auth.name}`,
      };
    default:
      return auth satisfies never;
  }
}

const signedBy = (signing: Signing): Omit<typeof NO_CREDENTIAL, 'signing'> & { readonly signing: Signing } => ({
  ...NO_CREDENTIAL,
  signing,
});

/** `name`: as written. */
export function isOwnHeader(places: Places, name: string): boolean {
  if (places.header !== null && name.length === places.header.length && name.toLowerCase() === places.header)
    return true;
  return places.signing?.ownsHeader(name.toLowerCase()) ?? false;
}

export function isOwnParameter(places: Places, rawName: string): boolean {
  if (places.signing !== null) return places.signing.ownsParameter(decodeQueryText(rawName));
  return places.query !== null && (rawName === places.query || decodeQueryText(rawName) === places.query);
}

/**
 * A header value with the placeholders swapped where that is legal: plain, or inside Basic. null = nothing to swap. `by`: what stands there then;
 * called for each that does.
 */
export function swapInHeader(
  { swaps }: Places,
  lowerName: string,
  value: string,
  by: (swap: Swap) => string,
): string | null {
  if (swaps.length === 0 || FRAMING.test(lowerName)) return null;
  const swapped = swapInText(swaps, value, by);
  const basic = /^(\s*basic\s+)([A-Za-z0-9+/_-]{8,}={0,2})\s*$/i.exec(swapped);
  if (basic === null) return swapped === value ? null : swapped;
  const pair = Buffer.from(basic[2]!, 'base64').toString('latin1');
  const swappedPair = swapInText(swaps, pair, by);
  if (swappedPair === pair) return swapped === value ? null : swapped;
  return basic[1]! + Buffer.from(swappedPair, 'latin1').toString('base64');
}

function swapInText(swaps: readonly Swap[], text: string, by: (swap: Swap) => string): string {
  let swapped = text;
  for (const swap of swaps) {
    if (!swap.inHeader || swapped.length < swap.placeholder.length || !swapped.includes(swap.placeholder)) continue;
    swapped = swapped.split(swap.placeholder).join(by(swap));
  }
  return swapped;
}

/** The swap whose placeholder the query value is, whole. */
export function swapOfQuery({ swaps }: Places, rawValue: string): Swap | null {
  if (swaps.length === 0) return null;
  const decoded = decodeQueryText(rawValue);
  return swaps.find(({ inQuery, placeholder }) => inQuery && decoded === placeholder) ?? null;
}

/** A path whose legal placeholders are set aside: what is left is searched. */
export function withoutLegalPath({ swaps }: Places, path: string): string {
  let rest = path;
  for (const swap of swaps) if (swap.inPath) rest = rest.replaceAll(swap.placeholder, swap.neutral);
  return rest;
}

/** The same for a body that is not compressed. */
export function withoutLegalBody({ swaps }: Places, body: Buffer): Buffer {
  let rest: string | null = null;
  for (const swap of swaps) {
    if (!swap.inBody || !body.includes(swap.placeholder, 0, 'latin1')) continue;
    rest = (rest ?? body.toString('latin1')).replaceAll(swap.placeholder, swap.neutral);
  }
  return rest === null ? body : Buffer.from(rest, 'latin1');
}

/** Removed, or swapped: not searched. */
export function isLegalParameter(places: Places, name: string, value: string): boolean {
  return isOwnParameter(places, name) || swapOfQuery(places, value) !== null;
}

/** A Basic pair with a legal placeholder comes decoded, so that what else it holds is searched. */
export function withoutLegalPlaceholder(places: Places, name: string, value: string): string {
  if (places.swaps.length === 0) return value;
  const swapped = swapInHeader(places, name.toLowerCase(), value, ({ placeholder }) => ' '.repeat(placeholder.length));
  if (swapped === null) return value;
  if (swapped.length === value.length && !/^\s*basic\s/i.test(swapped)) return swapped;
  return `Basic ${Buffer.from(swapped.replace(/^\s*basic\s+/i, ''), 'base64').toString('latin1')}`;
}
