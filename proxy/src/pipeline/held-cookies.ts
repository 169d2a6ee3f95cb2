// `cookies: hold`: an agent never has a real cookie. It gets each one sealed, as a placeholder that only this session's proxy can open, and what it sends
// back of them is opened where the cookie may go. So nothing is stored, and every thread can open what another has sealed.
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { HELD_COOKIES, type ProxyConfig } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { type CookiePlace, type CookieScope, mayGo, readSetCookie } from './set-cookie.ts';

const IV_BYTES = 12;
const TAG_BYTES = 16;
const LEAST_MARK = 16;

export interface HeldCookie {
  readonly name: string;
  /** Latin1. */
  readonly value: string;
}

/** What of a request is no placeholder any more, and what is to be put back. */
export interface TakenCookies {
  readonly rawHeaders: readonly string[];
  readonly cookies: readonly HeldCookie[];
}

export interface CookieHolder {
  /** null where none was there. What may not go to this place stays, for the search to find. */
  take(rawHeaders: readonly string[], to: CookiePlace, now: number): TakenCookies | null;
  /** Fields of an answer as the agent may see them; `onHeld` is told every value. */
  hold(
    rawHeaders: readonly string[],
    from: CookiePlace,
    now: number,
    onHeld: (value: string) => void,
  ): readonly string[];
}

/** null when no route holds any. */
export function createCookieHolder({ routes, secrets }: Pick<ProxyConfig, 'routes' | 'secrets'>): CookieHolder | null {
  if (!routes.some(({ cookies }) => cookies === 'hold')) return null;
  const own = secrets.find(({ name }) => name === HELD_COOKIES);
  if (own === undefined || own.value === '' || own.placeholder.length < LEAST_MARK) {
    throw new ProxyFailure({
      what: 'cookies cannot be held',
      why: 'the configuration brings no key to seal them with',
      fix: 'start it with `bottle start` or `bottle proxy`',
    });
  }
  return new Holder(hash('sha256', own.value, 'buffer'), `${own.placeholder}.`);
}

/** The fields with the cookies behind those that the agent has itself. */
export function putCookies(rawHeaders: readonly string[], cookies: readonly HeldCookie[]): readonly string[] {
  if (cookies.length === 0) return rawHeaders;
  const text = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'cookie');
  if (at < 0) return [...rawHeaders, 'Cookie', text];
  return rawHeaders.map((field, i) => (i === at + 1 ? `${field}; ${text}` : field));
}

class Holder implements CookieHolder {
  private readonly key: Buffer;
  private readonly mark: string;

  constructor(key: Buffer, mark: string) {
    this.key = key;
    this.mark = mark;
  }

  take(rawHeaders: readonly string[], to: CookiePlace, now: number): TakenCookies | null {
    if (!rawHeaders.some((text, i) => i % 2 === 1 && text.includes(this.mark))) return null;
    const cookies: HeldCookie[] = [];
    const left: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const [name, value] = [rawHeaders[i]!, rawHeaders[i + 1]!];
      if (name.toLowerCase() !== 'cookie' || !value.includes(this.mark)) {
        left.push(name, value);
        continue;
      }
      const own = value.split(';').filter((pair) => {
        const opened = this.open(pair, to, now);
        if (opened !== null) cookies.push(opened);
        return opened === null;
      });
      const rest = own.join(';').trim();
      if (rest !== '') left.push(name, rest);
    }
    return { rawHeaders: left, cookies };
  }

  hold(
    rawHeaders: readonly string[],
    from: CookiePlace,
    now: number,
    onHeld: (value: string) => void,
  ): readonly string[] {
    // Also a text that stands alone, like a reason phrase.
    if (!rawHeaders.some((name, i) => i % 2 === 0 && i + 1 < rawHeaders.length && isSetCookie(name))) return rawHeaders;
    const out: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (!isSetCookie(name)) {
        out.push(name, rawHeaders[i + 1]!);
        continue;
      }
      const cookie = readSetCookie(rawHeaders[i + 1]!, from, now);
      // What no client would keep is not shown either.
      if (cookie === null) continue;
      const isGone = cookie.value === '' || (cookie.expiresAt !== null && cookie.expiresAt <= now);
      if (!isGone) onHeld(cookie.value);
      out.push(name, `${cookie.name}=${isGone ? '' : this.seal(cookie, cookie)}${cookie.attributes}`);
    }
    return out;
  }

  private seal({ name, value }: HeldCookie, scope: CookieScope): string {
    const { domain, isHostOnly, path, isSecure, expiresAt } = scope;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv);
    const text = JSON.stringify([name, value, domain, isHostOnly, path, isSecure, expiresAt]);
    const sealed = Buffer.concat([cipher.update(text, 'latin1'), cipher.final()]);
    return this.mark + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** null for what is not sealed by us, bears another name, or may not go there. */
  private open(pair: string, to: CookiePlace, now: number): HeldCookie | null {
    const [given = '', ...rest] = pair.split('=');
    const text = rest
      .join('=')
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (!text.startsWith(this.mark)) return null;
    const bytes = Buffer.from(text.slice(this.mark.length), 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES) return null;
    const cipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, IV_BYTES));
    cipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    let opened: string;
    try {
      opened = Buffer.concat([cipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), cipher.final()]).toString('latin1');
    } catch {
      // Node's one error for what was not sealed with this key: forged, or of another session.
      return null;
    }
    // We wrote it: nobody else has the key.
    const [name, value, domain, isHostOnly, path, isSecure, expiresAt] = JSON.parse(opened) as [
      ...[string, string, string, boolean, string, boolean, number | null],
    ];
    const isFit = name === given.trim() && mayGo({ domain, isHostOnly, path, isSecure, expiresAt }, to, now);
    return isFit ? { name, value } : null;
  }
}

const isSetCookie = (name: string): boolean => name.length === 10 && name.toLowerCase() === 'set-cookie';
