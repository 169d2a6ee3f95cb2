// Invents what the agent sees instead of a secret: random, new for every session, and recognisable in a log.
import { randomInt } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 40 characters of base62: 238 bits, so that no ordinary text holds it by chance. */
const RANDOM_CHARACTERS = 40;

export function makePlaceholder(secretName: string): string {
  const random = Array.from({ length: RANDOM_CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `bottle-${secretName.toLowerCase()}-${random}`;
}

export function makePlaceholders(names: Iterable<string>): ReadonlyMap<string, string> {
  return new Map([...names].map((name) => [name, makePlaceholder(name)]));
}
