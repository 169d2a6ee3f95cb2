// Gets an access token from its issuer: OAuth 2 (client credentials, refresh token), a signed assertion, a GitHub App's installation; or
// signs one itself.
import { randomUUID } from 'node:crypto';
import type { TokenIssuer } from '../spec/bottle.ts';
import { loginToken } from './login/read-login.ts';
import { KEY_KINDS, readPrivateKey, signAssertion } from './signed-assertion.ts';
import { askForToken, type TokenQuestion } from './token-endpoint.ts';
import { Unresolved } from './unresolved.ts';

export interface IssuedToken {
  readonly value: string;
  /** How long it is good for, in ms; null = the issuer does not say. */
  readonly lifeMs: number | null;
  /** A refresh token that takes the place of the one that was used, with the name of its secret (RFC 6749, 6). */
  readonly rotated: { readonly name: string; readonly value: string } | null;
}

export interface IssueParts {
  /** The value of another secret; throws Unresolved. */
  readonly inputOf: (name: string) => string;
  /** The text of a file that nobody else may read; throws Unresolved. */
  readonly readKey: (path: string) => Promise<string>;
  readonly roots: string;
  /** A value that a service has just refused: another one is wanted. */
  readonly refused: string | null;
  readonly now: Date;
  readonly signal: AbortSignal | undefined;
}

/** RFC 7523, 3: an assertion that lives longer is often refused. */
const ASSERTION_SECONDS = 300;
/** GitHub's clock may be behind ours (GitHub Docs, "Generating a JSON Web Token for a GitHub App"). */
const BACKDATED_SECONDS = 60;
/** RFC 7518, 3.2: as long as the hash, or it can be guessed from one token. */
const LEAST_HS256_BYTES = 32;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' } as const;

export function issueToken(issuer: TokenIssuer, parts: IssueParts): Promise<IssuedToken> {
  switch (issuer.kind) {
    case 'oauth2':
      return oauthToken(issuer, parts);
    case 'jwt_bearer':
      return assertedToken(issuer, parts);
    case 'github_app':
      return installationToken(issuer, parts);
    case 'jwt':
      return signedToken(issuer, parts);
    case 'login':
      return loginToken(issuer, parts);
    default:
      return issuer satisfies never;
  }
}

async function oauthToken(issuer: Extract<TokenIssuer, { kind: 'oauth2' }>, parts: IssueParts): Promise<IssuedToken> {
  const { tokenUrl, clientId, clientSecret, refreshToken, scope, audience, clientAuth } = issuer;
  const form = new URLSearchParams(
    refreshToken === null
      ? { grant_type: 'client_credentials' }
      : { grant_type: 'refresh_token', refresh_token: parts.inputOf(refreshToken) },
  );
  if (scope !== null) form.set('scope', scope);
  if (audience !== null) form.set('audience', audience);
  const headers: Record<string, string> = { ...FORM };
  if (clientSecret !== null && clientAuth === 'basic') {
    // RFC 6749, 2.3.1: both halves are form-encoded first.
    const pair = [clientId, parts.inputOf(clientSecret)].map(encodeForm).join(':');
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else {
    form.set('client_id', clientId);
    if (clientSecret !== null) form.set('client_secret', parts.inputOf(clientSecret));
  }
  const answer = await ask(tokenUrl, headers, form.toString(), parts);
  const next = answer.refresh_token;
  const isRotated =
    refreshToken !== null && typeof next === 'string' && next !== '' && next !== parts.inputOf(refreshToken);
  return { ...tokenOf(answer), rotated: isRotated ? { name: refreshToken, value: next } : null };
}

const encodeForm = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

async function assertedToken(
  issuer: Extract<TokenIssuer, { kind: 'jwt_bearer' }>,
  parts: IssueParts,
): Promise<IssuedToken> {
  const file = readServiceAccount(await parts.readKey(issuer.key));
  const key = readPrivateKey(file.pem);
  const tokenUrl = issuer.tokenUrl ?? file.tokenUrl;
  const signer = issuer.issuer ?? file.email;
  if (key === null) throw new Unresolved(`its key is no ${KEY_KINDS}`);
  if (tokenUrl === null || signer === null)
    throw new Unresolved('neither the spec nor the key file says token_url and issuer');
  const seconds = Math.floor(parts.now.getTime() / 1000);
  const claims = {
    ...{ iss: signer, sub: signer, aud: tokenUrl, iat: seconds, exp: seconds + ASSERTION_SECONDS },
    ...(issuer.scope === null ? {} : { scope: issuer.scope }),
  };
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: signAssertion(key, claims, file.keyId),
  });
  return { ...tokenOf(await ask(tokenUrl, FORM, form.toString(), parts)), rotated: null };
}

/** The file that Google's console gives; any other text is the key itself. */
function readServiceAccount(text: string) {
  const none = { pem: text, tokenUrl: null, email: null, keyId: null };
  if (!text.trimStart().startsWith('{')) return none;
  try {
    const file = JSON.parse(text) as Record<string, unknown>;
    const field = (name: string): string | null => (typeof file[name] === 'string' ? file[name] : null);
    return {
      ...{ pem: field('private_key') ?? '', tokenUrl: field('token_uri') },
      ...{ email: field('client_email'), keyId: field('private_key_id') },
    };
  } catch (error) {
    if (error instanceof SyntaxError) return none;
    throw error;
  }
}

async function installationToken(
  { appId, installationId, key: path, api, repositories, permissions }: Extract<TokenIssuer, { kind: 'github_app' }>,
  parts: IssueParts,
): Promise<IssuedToken> {
  const key = readPrivateKey(await parts.readKey(path));
  if (key === null) throw new Unresolved(`its key is no ${KEY_KINDS}`);
  const seconds = Math.floor(parts.now.getTime() / 1000);
  const claims = { iss: appId, iat: seconds - BACKDATED_SECONDS, exp: seconds + ASSERTION_SECONDS };
  const asked = {
    ...(repositories.length === 0 ? {} : { repositories }),
    ...(Object.keys(permissions).length === 0 ? {} : { permissions }),
  };
  const url = `${api.replace(/\/+$/, '')}/app/installations/${installationId}/access_tokens`;
  const headers = {
    authorization: `Bearer ${signAssertion(key, claims, null)}`,
    'content-type': 'application/json',
    accept: 'application/vnd.github+json',
  };
  const answer = await ask(url, headers, JSON.stringify(asked), parts);
  const expiry = typeof answer.expires_at === 'string' ? Date.parse(answer.expires_at) : Number.NaN;
  const lifeMs = Number.isFinite(expiry) ? Math.max(0, expiry - parts.now.getTime()) : null;
  return { value: textOf(answer.token), lifeMs, rotated: null };
}

/** Nobody is asked: the service knows the key. */
async function signedToken(
  { key: path, hs256, keyId, issuer, subject, audience, claims, lifeMs }: Extract<TokenIssuer, { kind: 'jwt' }>,
  parts: IssueParts,
): Promise<IssuedToken> {
  const text = await parts.readKey(path);
  const key = hs256 ? Buffer.from(text.replace(/\r?\n$/, '')) : readPrivateKey(text);
  if (key === null) throw new Unresolved(`its key is no ${KEY_KINDS}; \`algorithm: HS256\` takes any text`);
  if (hs256 && (key as Buffer).length < LEAST_HS256_BYTES) {
    throw new Unresolved(`its key is shorter than ${LEAST_HS256_BYTES} bytes`);
  }
  const seconds = Math.floor(parts.now.getTime() / 1000);
  const named = { iss: issuer, sub: subject, aud: audience };
  const said = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== null));
  const times = { iat: seconds, exp: seconds + Math.floor(lifeMs / 1000), jti: randomUUID() };
  return { value: signAssertion(key, { ...claims, ...said, ...times }, keyId), lifeMs, rotated: null };
}

function ask(url: string, headers: TokenQuestion['headers'], body: string, { roots, signal }: IssueParts) {
  return askForToken({ url, headers, body, roots, signal });
}

/** RFC 6749, 5.1. */
function tokenOf(answer: Readonly<Record<string, unknown>>): Pick<IssuedToken, 'value' | 'lifeMs'> {
  const seconds = Number(answer.expires_in);
  return {
    value: textOf(answer.access_token),
    lifeMs: answer.expires_in !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null,
  };
}

function textOf(token: unknown): string {
  if (typeof token !== 'string' || token === '') throw new Unresolved('the token endpoint gave no token');
  return token;
}
