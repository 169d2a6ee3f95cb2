// Signs requests with a keyed hash (HMAC), as webhooks and exchanges ask for it: what is hashed, and where it stands, is the route's own words. Pure.
//
// The agent signs nothing. What it sends in the fields and parameters of the signature goes; what is hashed is what leaves.
import { createHash, createHmac } from 'node:crypto';
import { HMAC_PARTS, HMAC_SENT, type HmacAuth, type Route, type SecretValue, secretsOfAuth } from '../../contract.ts';
import { asLatin1, decodeQueryText, joinTarget, type QueryPart, splitTarget } from '../target.ts';
import { checkHeaderName, checkHeaderSafe, secretOf, unusable } from '../usable-secret.ts';
import { NotSigned } from './agent-signature.ts';
import { keyOf } from './hmac-key.ts';
import type { Moment, SignableBody, SignableRequest, Signing } from './signing.ts';

type Part = (typeof HMAC_PARTS)[number] | (typeof HMAC_SENT)[number];
/** A text taken apart: what stands between the parts is bytes. */
type Template = readonly ({ readonly bytes: Buffer } | { readonly part: Part })[];

interface Place {
  /** As it is sent: a field's name, or an encoded parameter's. */
  readonly name: string;
  readonly value: Template;
  /** It can be there before the signature is known, so a signed query has it. */
  readonly isSigned: boolean;
}

const EMPTY = Buffer.alloc(0);

/** Throws ProxyFailure when the secret or the words cannot be used. */
export function hmacSigning(route: Route, auth: HmacAuth, secrets: ReadonlyMap<string, SecretValue>): Signing {
  const key = keyOf(auth, secretOf(route, auth.secret, secrets).value);
  if (key === null) {
    const form = auth.secretEncoding;
    throw unusable(
      route,
      `secret ${auth.secret} is no ${form}`,
      `give it in ${form}, or write \`secret_encoding: utf8\``,
    );
  }
  const accessKey = auth.accessKey === null ? '' : secretOf(route, auth.accessKey, secrets).value;
  if (auth.accessKey !== null) checkHeaderSafe(route, auth.accessKey, accessKey);
  const message = parse(route, auth.message, HMAC_PARTS);
  const places = (given: Readonly<Record<string, string>>, nameOf: (name: string) => string) =>
    Object.entries(given).map(([name, text]): Place => {
      const value = parse(route, text, HMAC_SENT);
      return { name: nameOf(name), value, isSigned: !holds(value, 'signature') };
    });
  const headers = places(auth.headers, (name) => checkHeaderName(route, name));
  const query = places(auth.query, encodeURIComponent);
  if ([...headers, ...query].every(({ isSigned }) => isSigned)) {
    throw unusable(route, 'its signature is sent nowhere', 'put {signature} into a header or a query parameter');
  }
  const ownHeaders = new Set(headers.map(({ name }) => plainName(name)));
  const ownParameters = new Set(Object.keys(auth.query).map(asLatin1));
  const ownsHeader = (lower: string): boolean => ownHeaders.has(plainName(lower));
  const ownsParameter = (name: string): boolean => ownParameters.has(name);

  return {
    secrets: secretsOfAuth(auth).map((name) => ({ name, label: labelOf(auth, name) })),
    ownsHeader,
    ownsParameter,
    sign(request, body, moment) {
      const { path, query: asked } = splitTarget(request.target);
      const rest = asked?.filter(({ name }) => !ownsParameter(decodeQueryText(name))) ?? [];
      // `/x?` has one empty part: ours takes its place.
      if (query.length > 0 && rest.length === 1 && rest[0]!.name === '' && rest[0]!.value === null) rest.pop();
      const isUntouched = query.length === 0 || (asked !== null && rest.length === asked.length);
      const parts = new Parts(
        { ...request, target: isUntouched ? request.target : targetOf(path, rest) },
        body,
        moment,
        accessKey,
      );
      const parameter = ({ name, value }: Place): QueryPart => ({
        name,
        value: encodeURIComponent(bytesOf(value, parts).toString('utf8')),
      });
      const signed = query.filter(({ isSigned }) => isSigned);
      if (signed.length > 0) {
        rest.push(...signed.map(parameter));
        parts.target = targetOf(path, rest);
      }
      const mac = createHmac(auth.algorithm, key);
      for (const piece of filled(message, parts)) mac.update(piece);
      const digest = mac.digest();
      parts.signature = digest.toString(auth.encoding);
      if (signed.length < query.length) {
        rest.push(...query.filter(({ isSigned }) => !isSigned).map(parameter));
        parts.target = targetOf(path, rest);
      }
      return {
        target: parts.target,
        rawHeaders: withFields(request, headers, ownsHeader, parts),
        // A service that says what it expected may write it in another way.
        made: [...new Set([parts.signature, digest.toString('hex'), digest.toString('base64')])],
        chunks: null,
      };
    },
  };
}

function withFields(
  { rawHeaders }: SignableRequest,
  headers: readonly Place[],
  ownsHeader: (lower: string) => boolean,
  parts: Parts,
): readonly string[] {
  const kept = rawHeaders.filter((_, i) => !ownsHeader(rawHeaders[i - (i % 2)]!.toLowerCase()));
  for (const { name, value } of headers) kept.push(name, bytesOf(value, parts).toString('latin1'));
  return kept;
}

/** Worked out where it is asked for: most signatures want two or three of them. */
class Parts {
  target: string;
  signature = '';
  private readonly request: SignableRequest;
  private readonly body: SignableBody;
  private readonly moment: Moment;
  private readonly accessKey: string;
  private now: Date | null = null;
  private nonce: string | null = null;
  private bodyHash: string | null = null;

  constructor(request: SignableRequest, body: SignableBody, moment: Moment, accessKey: string) {
    this.target = request.target;
    this.request = request;
    this.body = body;
    this.moment = moment;
    this.accessKey = accessKey;
  }

  /** Bytes, or text of ASCII or latin1. */
  of(part: Part): string | Uint8Array {
    switch (part) {
      case 'method':
        return this.request.method;
      case 'path':
        return this.target;
      case 'query':
        return this.target.includes('?') ? this.target.slice(this.target.indexOf('?') + 1) : '';
      case 'host':
        return this.request.host;
      case 'body':
        return this.bytes();
      case 'body_sha256':
        this.bodyHash ??= createHash('sha256').update(this.bytes()).digest('hex');
        return this.bodyHash;
      case 'nonce':
        this.nonce ??= this.moment.nonce;
        return this.nonce;
      case 'access_key':
        return asLatin1(this.accessKey);
      case 'signature':
        return this.signature;
      case 'timestamp':
        return String(Math.floor(this.time().getTime() / 1000));
      case 'timestamp_ms':
        return String(this.time().getTime());
      case 'timestamp_iso':
        return this.time().toISOString();
      default:
        return part satisfies never;
    }
  }

  private time(): Date {
    this.now ??= this.moment.now;
    return this.now;
  }

  private bytes(): Uint8Array {
    switch (this.body.kind) {
      case 'none':
        return EMPTY;
      case 'whole':
        return this.body.bytes;
      case 'stream':
        throw new NotSigned('its signature covers its body, which cannot be held whole');
      default:
        return this.body satisfies never;
    }
  }
}

/** Piece by piece: a body is not copied. */
function* filled(template: Template, parts: Parts): Generator<Uint8Array> {
  for (const piece of template) {
    const value = 'part' in piece ? parts.of(piece.part) : piece.bytes;
    yield typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  }
}

const bytesOf = (template: Template, parts: Parts): Buffer => Buffer.concat([...filled(template, parts)]);

/** `known`: the parts that it may have. */
function parse(route: Route, text: string, known: readonly Part[]): Template {
  // Odd pieces are what stood in braces.
  return text.split(/\{([a-z0-9_]+)\}/).map((piece, i) => {
    if (i % 2 === 0) return { bytes: Buffer.from(piece, 'utf8') };
    const part = known.find((one) => one === piece);
    if (part === undefined) throw unusable(route, `its signature has no part {${piece}}`, `use ${known.join(', ')}`);
    return { part };
  });
}

const holds = (template: Template, part: Part): boolean =>
  template.some((piece) => 'part' in piece && piece.part === part);

/** `x_signature` is `x-signature` to servers that turn fields into variables. */
const plainName = (lower: string): string => lower.replaceAll('_', '-');

const targetOf = (path: string, query: readonly QueryPart[]): string =>
  joinTarget({ path, query: query.length === 0 ? null : query });

/** `header x-signature (hmac)`; of an id that is only signed, where the signature is. */
function labelOf({ secret, headers, query }: HmacAuth, name: string): string {
  const placed = (part: string) => [
    ...Object.keys(headers).flatMap((field) => (headers[field]!.includes(part) ? [`header ${field}`] : [])),
    ...Object.keys(query).flatMap((parameter) => (query[parameter]!.includes(part) ? [`query ${parameter}`] : [])),
  ];
  const own = name === secret ? [] : placed('{access_key}');
  return `${(own.length > 0 ? own : placed('{signature}')).join(', ')} (hmac)`;
}
