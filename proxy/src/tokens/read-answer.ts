// Finds the tokens of a token service's answer, and writes the answer with other texts in their stead; all else stays as it came. Pure.
import { leavesOf } from './json-leaves.ts';
import { isOpen, type TokenFields } from './token-fields.ts';

export interface FoundToken {
  /** The pattern that named its field. */
  readonly field: string;
  readonly value: string;
}

export type ReadAnswer =
  | {
      readonly do: 'read';
      /** In the order of the answer, the same one as often as it is there. */
      readonly tokens: readonly FoundToken[];
      /** The answer with these in the place of `tokens`, one each. */
      rewrite(texts: readonly string[]): Buffer;
    }
  /** Nobody can say what is in it, or what is in it cannot be guarded. `reason`: what of the answer, in words. */
  | { readonly do: 'refuse'; readonly rule: 'token-answer' | 'token-unguarded'; readonly reason: string };

/** Shorter ones stand in any text: nobody could look for them. */
const SHORTEST = 8;
/** Longest token, in characters: it has to fit into a header field. */
const LONGEST = 16 * 1024;
/** Tokens of one answer. */
const MOST = 64;

interface Spot extends FoundToken {
  readonly start: number;
  readonly end: number;
  readonly write: (text: string) => string;
}

/** `type`: Content-Type. */
export function readAnswer(body: Buffer, type: string, fields: TokenFields): ReadAnswer {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')
    return unread('it is in another charset than UTF-8');
  const text = decodeUtf8(body);
  if (text === null) return unread('it is not UTF-8');
  const spots = /^\s*application\/x-www-form-urlencoded\b/i.test(type)
    ? findInForm(text, fields)
    : findInJson(text, fields);
  if (!Array.isArray(spots)) return spots;
  if (spots.length > MOST) return unguarded(`it holds more than ${MOST} tokens`);
  for (const { field, value } of spots) {
    if (value.length < SHORTEST) return unguarded(`${field} is shorter than ${SHORTEST} characters`);
    if (value.length > LONGEST) return unguarded(`${field} is longer than ${LONGEST} characters`);
    // RFC 6749, appendix A.12, and no space that a header field would lose.
    if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value))
      return unguarded(`${field} cannot stand in a header field`);
  }
  return {
    do: 'read',
    tokens: spots.map(({ field, value }) => ({ field, value })),
    rewrite: (texts) => {
      if (spots.every(({ value }, index) => value === texts[index])) return body;
      let from = 0;
      let out = '';
      spots.forEach(({ start, end, write }, index) => {
        out += text.slice(from, start) + write(texts[index]!);
        from = end;
      });
      return Buffer.from(out + text.slice(from), 'utf8');
    },
  };
}

type Refused = Extract<ReadAnswer, { readonly do: 'refuse' }>;

const unread = (reason: string): Refused => ({ do: 'refuse', rule: 'token-answer', reason });
const unguarded = (reason: string): Refused => ({ do: 'refuse', rule: 'token-unguarded', reason });

function decodeUtf8(body: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function findInJson(text: string, fields: TokenFields): Spot[] | Refused {
  if (!isJson(text)) return unread('it is neither a JSON object nor a form');
  const leaves = leavesOf(text);
  if (leaves === null) return unread('it is nested too deeply');
  const spots: Spot[] = [];
  for (const { path, kind, start, end } of leaves) {
    const field = fields.nameOf(path);
    if (field === null) continue;
    switch (kind) {
      case 'string': {
        const value = JSON.parse(text.slice(start, end)) as string;
        if (value !== '') spots.push({ field, value, start, end, write: (token) => JSON.stringify(token) });
        break;
      }
      case 'number':
        // What a glob happens to cover is no token by itself.
        if (!isOpen(field)) return unguarded(`${field} is a number, where a token is text`);
        break;
      case 'object': {
        const isNamedInside = spots.some((spot) => spot.start > start && spot.end < end);
        const isEmpty = text.slice(start + 1, end - 1).trim() === '';
        if (!isOpen(field) && !isNamedInside && !isEmpty) {
          return unguarded(`${field} is an object: name the field in it that is the token, like ${field}.value`);
        }
        break;
      }
      case 'word':
        // true, false, null.
        break;
      default:
        kind satisfies never;
    }
  }
  return spots;
}

/** Nothing else than a form encoder writes, so that no client can read it as another thing. */
const FORM = /^[A-Za-z0-9\-._~*+%!'()$,:@/]+=[A-Za-z0-9\-._~*+%!'()$,:@/=]*$/;

function findInForm(text: string, fields: TokenFields): Spot[] | Refused {
  const spots: Spot[] = [];
  let start = 0;
  for (const part of text.trimEnd() === '' ? [] : text.split('&')) {
    if (!FORM.test(part)) return unread('it says that it is a form, and is none');
    const equals = part.indexOf('=');
    const [name, value] = [part.slice(0, equals), part.slice(equals + 1)].map(decodeForm);
    if (name === undefined || value === undefined) return unread('it says that it is a form, and is none');
    const field = fields.nameOf([name]);
    if (field !== null && value !== '') {
      spots.push({ field, value, start: start + equals + 1, end: start + part.length, write: encodeURIComponent });
    }
    start += part.length + 1;
  }
  return spots;
}

function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
