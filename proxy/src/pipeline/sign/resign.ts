// Takes an agent's AWS signature, made with placeholders, off a request and puts one of the real keys in its place. Pure; the clock is given.
//
// What the agent signed stays signed: the same service, region and fields, without those that a proxy may change on the way. Only requests
// whose signature has the right shape, the placeholder's key and a scope that the route names are signed at all.
import { joinTarget, splitTarget } from '../target.ts';
import { type AgentSignature, NotSigned, parseAuthorization, parsePresigned } from './agent-signature.ts';
import { ChunkSigner } from './chunk-signer.ts';
import type { SignableBody, SignableRequest, SignedHead } from './signing.ts';
import {
  canonicalRequest,
  EMPTY_SHA256,
  type Scope,
  type SigningKeys,
  scopeText,
  sha256,
  signingKey,
  signingKeyV4a,
  signV4,
  signV4a,
  stringToSign,
  UNSIGNED_PAYLOAD,
} from './sigv4.ts';

export interface AwsKeys extends SigningKeys {
  /** Of temporary credentials; null = none. */
  readonly sessionToken: string | null;
}

export interface AwsRule {
  /** What the agent holds instead of the access key id. */
  readonly placeholder: string;
  /** Lower case; null = any. */
  readonly services: readonly string[] | null;
  readonly regions: readonly string[] | null;
}

/** AWS refuses what is older or newer. */
const SKEW_MS = 15 * 60_000;
/** Longest life of a presigned URL. */
const LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600;
const STREAMING = /^STREAMING-(AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256)-PAYLOAD(-TRAILER)?$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;
/** Fields that change, or may go, on the way to the upstream; AWS asks for none of them. */
const CHANGING: ReadonlySet<string> = new Set([
  ...['accept-encoding', 'connection', 'content-length', 'expect', 'keep-alive', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'proxy-connection', 'authorization', 'x-amz-security-token'],
]);

/** Of a presigned URL; beside a signature in a header they mean nothing. */
const SIGNATURE_PARAMETERS = ['X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-Security-Token'];

/** Throws NotSigned with the reason. */
export function resign(
  request: SignableRequest,
  keys: AwsKeys,
  rule: AwsRule,
  body: SignableBody,
  now: Date,
): SignedHead {
  const headers = new Fields(request.rawHeaders);
  const parameters = new Parameters(request.target);
  const agents = readSignature(headers, parameters);
  if (agents.accessKeyId !== rule.placeholder)
    throw new NotSigned('it is signed with a key that is not the placeholder');
  const amzDate = readDate(agents, headers, parameters, now);
  checkScope(agents, headers, parameters, rule);

  const payload = payloadOf(agents, headers, parameters, body);
  const wasNamed = headers.has('x-amz-content-sha256');
  if (payload.isNew) headers.set('x-amz-content-sha256', payload.hash);
  const scope: Scope = { date: agents.date, region: agents.region, service: agents.service };
  const token = keys.sessionToken;
  const signedHeaders = agents.signedHeaders.filter((name) => !CHANGING.has(name));
  headers.remove('x-amz-security-token');
  headers.remove('authorization');
  if (agents.in === 'header' && token !== null) {
    headers.set('X-Amz-Security-Token', token);
    signedHeaders.push('x-amz-security-token');
  }
  if (payload.isNew && !wasNamed) signedHeaders.push('x-amz-content-sha256');
  signedHeaders.sort();
  for (const name of signedHeaders) {
    if (name !== 'host' && !headers.has(name))
      throw new NotSigned(`its signature covers ${name}, which it does not have`);
  }
  const credential = `${keys.accessKeyId}/${scopeText(scope)}`;
  if (agents.in === 'header') for (const name of SIGNATURE_PARAMETERS) parameters.remove(name);
  else {
    parameters.remove('X-Amz-Signature');
    parameters.set('X-Amz-Credential', credential);
    parameters.set('X-Amz-SignedHeaders', signedHeaders.join(';'));
    if (token === null) parameters.remove('X-Amz-Security-Token');
    else parameters.set('X-Amz-Security-Token', token);
  }

  const { path, query } = splitTarget(parameters.target());
  const canonical = canonicalRequest({
    method: request.method,
    path,
    query: query === null ? '' : joinTarget({ path: '', query }).slice(1),
    rawHeaders: [
      ...headers.raw().filter((_, i, all) => all[i - (i % 2)]!.toLowerCase() !== 'host'),
      'host',
      request.host,
    ],
    signedHeaders,
    payloadHash: payload.hash,
    service: agents.service,
  });
  const sign = signerOf(agents, keys, scope);
  const signature = sign(stringToSign(agents.algorithm, amzDate, scope, canonical));
  if (agents.in === 'query') parameters.set('X-Amz-Signature', signature);
  else {
    const list = signedHeaders.join(';');
    const value = `${agents.algorithm} Credential=${credential}, SignedHeaders=${list}, Signature=${signature}`;
    headers.set('Authorization', value);
  }
  const streamed = STREAMING.exec(payload.hash);
  return {
    target: parameters.target(),
    rawHeaders: headers.raw(),
    made: [signature],
    chunks:
      streamed === null
        ? null
        : new ChunkSigner({
            ...{ algorithm: agents.algorithm, amzDate, scope: scopeText(scope), seed: signature, sign },
            hasTrailer: streamed[2] !== undefined,
          }),
  };
}

function signerOf({ algorithm }: AgentSignature, keys: AwsKeys, scope: Scope): (text: string) => string {
  if (algorithm === 'AWS4-HMAC-SHA256') {
    const key = signingKey(keys, scope);
    return (text) => signV4(key, text);
  }
  const key = signingKeyV4a(keys);
  return (text) => signV4a(key, text);
}

function readSignature(headers: Fields, parameters: Parameters): AgentSignature {
  const fields = headers.all('authorization');
  const isPresigned = parameters.get('X-Amz-Signature') !== null;
  if (fields.length > 1 || (fields.length === 1 && isPresigned)) throw new NotSigned('it is signed twice');
  if (isPresigned) {
    return parsePresigned((name) => {
      if (parameters.count(name) > 1) throw new NotSigned(`it has ${name} twice`);
      return parameters.get(name);
    });
  }
  const [field] = fields;
  if (field === undefined) throw new NotSigned('it is not signed');
  return parseAuthorization(field);
}

function readDate(agents: AgentSignature, headers: Fields, parameters: Parameters, now: Date): string {
  const text = agents.in === 'query' ? (parameters.get('X-Amz-Date') ?? '') : (headers.one('x-amz-date') ?? '');
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if (second === undefined) throw new NotSigned('it has no X-Amz-Date');
  if (agents.in === 'header' && !agents.signedHeaders.includes('x-amz-date')) {
    throw new NotSigned('its signature does not cover X-Amz-Date');
  }
  if (!text.startsWith(agents.date)) throw new NotSigned('its date is not that of its credential scope');
  const age = now.getTime() - Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (!(age >= -SKEW_MS)) throw new NotSigned('it is signed for a later time');
  const expires = agents.in === 'query' ? Number(parameters.get('X-Amz-Expires') ?? Number.NaN) : SKEW_MS / 1000;
  if (!(expires >= 1 && expires <= LONGEST_EXPIRY_SECONDS)) throw new NotSigned('it says not when it expires');
  if (age > expires * 1000) throw new NotSigned('its signature has expired');
  return text;
}

function checkScope(agents: AgentSignature, headers: Fields, parameters: Parameters, rule: AwsRule): void {
  const { services, regions } = rule;
  if (services !== null && !services.includes(agents.service)) {
    throw new NotSigned(`it is signed for the service ${agents.service}`);
  }
  if (regions === null) return;
  const named = agents.in === 'query' ? parameters.get('X-Amz-Region-Set') : headers.one('x-amz-region-set');
  const signed = agents.region === '' ? (named ?? '').split(',').map((region) => region.trim()) : [agents.region];
  const foreign = signed.find((region) => !regions.includes(region));
  if (foreign !== undefined) throw new NotSigned(`it is signed for the region ${foreign.slice(0, 64) || '(none)'}`);
}

interface Payload {
  readonly hash: string;
  /** The agent's own word for it no longer holds, or is missing. */
  readonly isNew: boolean;
}

function payloadOf(agents: AgentSignature, headers: Fields, parameters: Parameters, body: SignableBody): Payload {
  const said = headers.one('x-amz-content-sha256') ?? parameters.get('X-Amz-Content-Sha256');
  if (said === null) {
    if (agents.in === 'query' && agents.service === 's3') return { hash: UNSIGNED_PAYLOAD, isNew: false };
    // S3 asks for the field, though not every client sends it.
    const isNew = agents.in === 'header' && agents.service.startsWith('s3');
    switch (body.kind) {
      case 'none':
        return { hash: EMPTY_SHA256, isNew };
      case 'whole':
        return { hash: sha256(body.bytes), isNew };
      case 'stream':
        throw new NotSigned('its body is too large to be signed: send its SHA-256 in X-Amz-Content-Sha256');
      default:
        return body satisfies never;
    }
  }
  if (STREAMING.test(said)) {
    const isOther = !said.startsWith(`STREAMING-${agents.algorithm}-`);
    if (isOther) throw new NotSigned('its stream is signed in another way than its head');
    if (body.kind === 'whole' && body.isChanged) throw new NotSigned('something in its signed stream was redacted');
    if (body.kind === 'stream' && body.mayChange)
      throw new NotSigned('its signed stream cannot be redacted on the way');
    return { hash: said, isNew: false };
  }
  if (said === UNSIGNED_PAYLOAD || said === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return { hash: said, isNew: false };
  if (!SHA256_HEX.test(said)) throw new NotSigned('its X-Amz-Content-Sha256 is none');
  if (body.kind === 'stream' && body.mayChange) throw new NotSigned('its signed body cannot be redacted on the way');
  if (body.kind !== 'whole' || !body.isChanged) return { hash: said, isNew: false };
  return { hash: sha256(body.bytes), isNew: true };
}

/** Header fields in their order. */
class Fields {
  private list: string[];

  constructor(rawHeaders: readonly string[]) {
    this.list = [...rawHeaders];
  }

  all(lower: string): string[] {
    return this.list.filter((_, i) => i % 2 === 1 && this.list[i - 1]!.toLowerCase() === lower);
  }

  has(lower: string): boolean {
    return this.all(lower).length > 0;
  }

  /** Throws NotSigned where it stands twice: it could be read in two ways. */
  one(lower: string): string | null {
    const values = this.all(lower);
    if (values.length > 1) throw new NotSigned(`it has ${lower} twice`);
    return values[0]?.trim() ?? null;
  }

  remove(lower: string): void {
    this.list = this.list.filter((_, i) => this.list[i - (i % 2)]!.toLowerCase() !== lower);
  }

  /** In place of the first of that name, or at the end. */
  set(name: string, value: string): void {
    const at = this.list.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name.toLowerCase());
    if (at < 0) this.list.push(name, value);
    else this.list[at + 1] = value;
  }

  raw(): readonly string[] {
    return this.list;
  }
}

/** Query parameters in their order, byte-exact where nothing is set. Names are compared decoded. */
class Parameters {
  private readonly path: string;
  private parts: { name: string; value: string | null }[] | null;

  constructor(target: string) {
    const { path, query } = splitTarget(target);
    this.path = path;
    this.parts = query === null ? null : [...query];
  }

  count(name: string): number {
    return this.parts?.filter((part) => decoded(part.name) === name).length ?? 0;
  }

  get(name: string): string | null {
    const found = this.parts?.find((part) => decoded(part.name) === name);
    return found === undefined ? null : decoded(found.value ?? '');
  }

  remove(name: string): void {
    this.parts = this.parts?.filter((part) => decoded(part.name) !== name) ?? null;
  }

  set(name: string, value: string): void {
    const part = { name, value: encodeURIComponent(value) };
    const at = this.parts?.findIndex((one) => decoded(one.name) === name) ?? -1;
    if (at < 0) this.parts = [...(this.parts ?? []), part];
    else this.parts![at] = part;
  }

  target(): string {
    return joinTarget({ path: this.path, query: this.parts });
  }
}

/** Latin1; `+` is itself: AWS' clients write a space as `%20`. */
function decoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
