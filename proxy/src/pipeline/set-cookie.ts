// Set-Cookie as RFC 6265 (5.2, 5.3) and its successor (prefixes) read it, and where a cookie may go. Pure; the clock is given.
import { isIP } from 'node:net';

/** Where a cookie may go. */
export interface CookieScope {
  /** Lower case. */
  readonly domain: string;
  /** The domain alone, not what lies below it. */
  readonly isHostOnly: boolean;
  readonly path: string;
  readonly isSecure: boolean;
  /** Milliseconds since 1970; null = as long as the session. */
  readonly expiresAt: number | null;
}

export interface SetCookie extends CookieScope {
  readonly name: string;
  readonly value: string;
  /** The attributes as they came, with the semicolon before them. */
  readonly attributes: string;
}

export interface CookiePlace {
  readonly host: string;
  readonly isSecure: boolean;
  /** Without the query. */
  readonly path: string;
}

/** null for what a client would not keep either. */
export function readSetCookie(field: string, from: CookiePlace, now: number): SetCookie | null {
  const semicolon = field.indexOf(';');
  const pair = semicolon < 0 ? field : field.slice(0, semicolon);
  const attributes = semicolon < 0 ? '' : field.slice(semicolon);
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  if (name === '') return null;
  const given = new Map<string, string>();
  for (const part of attributes.slice(1).split(';')) {
    const [key = '', ...rest] = part.split('=');
    // The last one counts.
    given.set(key.trim().toLowerCase(), rest.join('=').trim());
  }
  const domain = (given.get('domain') ?? '').replace(/^\./, '').toLowerCase();
  if (domain !== '' && !isWithin(from.host, domain)) return null;
  // A name of one label is nobody's domain.
  if (domain !== '' && domain !== from.host && !domain.includes('.')) return null;
  const isSecure = given.has('secure');
  if (isSecure && !from.isSecure) return null;
  const path = given.get('path') ?? '';
  const scope: CookieScope = {
    domain: domain === '' ? from.host : domain,
    isHostOnly: domain === '',
    path: path.startsWith('/') ? path : defaultPath(from.path),
    isSecure,
    expiresAt: expiryOf(given, now),
  };
  if (/^__secure-/i.test(name) && !isSecure) return null;
  if (/^__host-/i.test(name) && !(isSecure && scope.isHostOnly && given.get('path') === '/')) return null;
  return { ...scope, name, value: pair.slice(equals + 1).trim(), attributes };
}

export function mayGo(scope: CookieScope, to: CookiePlace, now: number): boolean {
  if (scope.isHostOnly ? to.host !== scope.domain : !isWithin(to.host, scope.domain)) return false;
  if (scope.isSecure && !to.isSecure) return false;
  if (scope.expiresAt !== null && scope.expiresAt <= now) return false;
  if (to.path === scope.path) return true;
  return to.path.startsWith(scope.path) && (scope.path.endsWith('/') || to.path[scope.path.length] === '/');
}

const isWithin = (host: string, domain: string): boolean =>
  host === domain || (host.endsWith(`.${domain}`) && isIP(host) === 0);

/** RFC 6265, 5.1.4. */
function defaultPath(path: string): string {
  const last = path.lastIndexOf('/');
  return path.startsWith('/') && last > 0 ? path.slice(0, last) : '/';
}

/** Max-Age before Expires. */
function expiryOf(given: ReadonlyMap<string, string>, now: number): number | null {
  const age = given.get('max-age');
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0 ? 0 : now + Number(age) * 1000;
  const date = Date.parse(given.get('expires') ?? '');
  return Number.isNaN(date) ? null : date;
}
