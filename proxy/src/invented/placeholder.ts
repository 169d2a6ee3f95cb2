// Invents what the agent sees instead of a secret: random, new for every session, and formed so that tools which check their token accept it.
import { randomBytes } from 'node:crypto';
import { parseJsonObject } from '../json-object.ts';
import { BASE62, DIGITS, LOWER, randomChars, UPPER, withChecksum } from './random-text.ts';

/** 40 characters of base62: 238 bits, so that no ordinary text holds it by chance. */
const RANDOM_CHARACTERS = 40;
/** Fewer random characters than these could be guessed, or come up by chance. */
const LEAST_RANDOM = 16;
const DAY_SECONDS = 24 * 3600;
/** Longer than any session. */
const JWT_DAYS = 30;

/**
 * What stands before the random part of vendors' tokens, longest first where one begins another. Each says whose it is, and tools look at
 * it before they send anything.
 */
const PREFIXES: readonly RegExp[] = [
  /^github_pat_/,
  /^gh[pousr]_/,
  /^gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|wt|ffct|oas)-/,
  /^npm_/,
  /^pypi-AgEIcHlwaS5vcmc/,
  /^sk-ant-[a-z]+\d{2}-/,
  /^sk-(?:proj|svcacct|admin|or-v1)-/,
  /^sk-/,
  /^AIza/,
  /^ya29\./,
  /^hf_/,
  /^xox[abeprs]-/,
  /^xapp-\d-/,
  /^A(?:KIA|SIA)/,
  /^(?:lin_api|lin_oauth)_/,
  /^dckr_(?:pat|oat)_/,
  /^sntry[su]_/,
  /^dop_v1_/,
  /^[sr]k_(?:live|test)_/,
  /^SG\./,
  /^(?:hvs|hvb)\./,
  /^gsk_/,
  /^xai-/,
  /^r8_/,
  /^pplx-/,
  /^figd_/,
  /^ntn_/,
  /^shp(?:at|ca|pa|ss)_/,
  /^ATATT3xFfGF0/,
  /^tfp_|^dapi/,
];
/** Their last six characters are a checksum of those between it and the prefix. */
const CHECKED = /^(?:gh[pousr]_|npm_)[0-9A-Za-z]{36}$/;
const JWT = /^(eyJ[\w-]+)\.(eyJ[\w-]+)\.[\w-]+$/;
const TIMES = ['iat', 'nbf', 'exp', 'auth_time'] as const;
/** What services and their clients look at, and what names no person. */
const PUBLIC_CLAIMS = ['iss', 'aud', 'azp', 'client_id', 'scope', 'scp', 'token_type', 'ver'] as const;
/** The same inside of claims that are groups: which account a request is for stands in a header of it, and how it is billed. */
const PUBLIC_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'https://api.openai.com/auth': ['chatgpt_account_id', 'chatgpt_plan_type', 'chatgpt_account_is_fedramp'],
};

/** What a token service answered is as long-lived as it says, and keeps its form also where no vendor is known by it. */
export function makeTokenPlaceholder(secretName: string, value: string): string {
  return jwtLike(value, null) ?? tokenLike(value) ?? opaqueLike(value) ?? plain(secretName);
}

const longLife = (seconds: number) => ({ iat: seconds, exp: seconds + JWT_DAYS * DAY_SECONDS });

/** `value`: the secret's own; only its form is taken over: the vendor's prefix, the length, the kind of each character. */
export function makePlaceholder(secretName: string, value: string, now: Date): string {
  return jwtLike(value, now) ?? tokenLike(value) ?? plain(secretName);
}

export function makePlaceholders(
  secrets: Iterable<readonly [name: string, value: string]>,
  now = new Date(),
): ReadonlyMap<string, string> {
  return new Map([...secrets].map(([name, value]) => [name, makePlaceholder(name, value, now)]));
}

function plain(secretName: string): string {
  return `bottle-${secretName.toLowerCase()}-${randomChars(BASE62, RANDOM_CHARACTERS)}`;
}

/** Null when it begins like no vendor's token. */
function tokenLike(value: string): string | null {
  const prefix = PREFIXES.map((form) => form.exec(value)?.[0]).find((found) => found !== undefined);
  if (prefix === undefined) return null;
  if (CHECKED.test(value)) return prefix + withChecksum(randomChars(BASE62, value.length - prefix.length - 6));
  return scrambled(prefix, value.slice(prefix.length));
}

/** Null when too little of it would be random. */
function opaqueLike(value: string): string | null {
  return scrambled('', value);
}

function scrambled(prefix: string, rest: string): string | null {
  if (rest.replace(/[^0-9A-Za-z]/g, '').length < LEAST_RANDOM) return null;
  if (/^[0-9a-f]+$/.test(rest)) return prefix + randomChars(`${DIGITS}abcdef`, rest.length);
  return prefix + rest.replace(/[0-9A-Za-z]/g, sameKind);
}

function sameKind(char: string): string {
  if (DIGITS.includes(char)) return randomChars(DIGITS, 1);
  return randomChars(LOWER.includes(char) ? LOWER : UPPER, 1);
}

/** Null when it is no JWT (RFC 7519). `now`: it begins then, and outlives the session; null = it keeps its times. Not signed by anybody: clients read the claims, services check the signature. */
function jwtLike(value: string, now: Date | null): string | null {
  const [, header, payload] = JWT.exec(value) ?? [];
  if (header === undefined || payload === undefined) return null;
  const [head, claims] = [header, payload].map((part) =>
    parseJsonObject(Buffer.from(part, 'base64url').toString('utf8')),
  );

  if (!head || !claims) return null;
  const names = now === null ? [...PUBLIC_CLAIMS, ...TIMES] : PUBLIC_CLAIMS;
  const groups = Object.entries(PUBLIC_GROUPS).flatMap(([name, members]) => {
    const group = claims[name];
    return typeof group === 'object' && group !== null ? [[name, only(members, group as Claims)] as const] : [];
  });
  const kept = { ...only(names, claims), ...Object.fromEntries(groups) };
  const own = {
    ...kept,
    sub: `bottle-${randomChars(BASE62, LEAST_RANDOM)}`,
    jti: randomChars(BASE62, RANDOM_CHARACTERS),
    ...(now === null ? {} : longLife(Math.floor(now.getTime() / 1000))),
  };
  const { alg, typ } = head;
  const parts = [{ alg, ...(typ === undefined ? {} : { typ }) }, own].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return [...parts, randomBytes(64).toString('base64url')].join('.');
}

type Claims = Readonly<Record<string, unknown>>;

function only(names: readonly string[], claims: Claims): Claims {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]]));
}
