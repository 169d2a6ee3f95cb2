// The key that cookies are sealed with where an entry holds them: new for every session, and known to its proxy alone.
import { BASE62, HELD_COOKIES, randomChars, type SecretValue } from '../../proxy/src/contract.ts';
import type { Bottle } from '../spec/bottle.ts';

/** 256 bits and more. */
const KEY_CHARACTERS = 48;
const MARK_CHARACTERS = 24;

/** `secrets`, with that key among them where it is needed. */
export function withCookieKey(bottle: Bottle, secrets: readonly SecretValue[]): readonly SecretValue[] {
  if (!bottle.egress.allow.some(({ cookies }) => cookies === 'hold')) return secrets;
  const placeholder = `bottle-cookie-${randomChars(BASE62, MARK_CHARACTERS)}`;
  return [...secrets, { name: HELD_COOKIES, value: randomChars(BASE62, KEY_CHARACTERS), placeholder }];
}
