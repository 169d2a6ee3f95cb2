// What a request to a model API says of its cost: the model, the most that it may answer, whether it streams. Only keys at the top of its body
// count, every one of a name that comes twice, since a service may take either.
import { splitTarget } from '../pipeline/target.ts';

export interface Call {
  /** Empty = it cannot be told. */
  readonly models: readonly string[];
  /** null = it does not say. */
  readonly mostOutput: number | null;
  readonly isStream: boolean;
}

export const UNKNOWN_CALL: Call = { models: [], mostOutput: null, isStream: false };

const BOUNDS = new Set(['max_tokens', 'max_completion_tokens', 'max_output_tokens']);
const WANTED = new Set(['model', 'stream', ...BOUNDS]);
/** Longest key, and longest value that is read, in bytes. */
const LONGEST = 256;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** `target`: as it is sent; Google names the model in its path. Its query is the agent's: nothing there says what a request is. */
export function readCall(target: string, body: Buffer): Call {
  const { path } = splitTarget(target);
  const inPath = /\/models\/([^/:]+)(?::[^/]*)?$/.exec(path)?.[1];
  const values = topValues(body);
  const all = (wanted: (name: string) => boolean) => values.filter(([name]) => wanted(name)).map(([, value]) => value);
  const models = all((name) => name === 'model').filter((value) => typeof value === 'string');
  const bounds = all((name) => BOUNDS.has(name)).filter((value) => typeof value === 'number');
  return {
    models: inPath === undefined ? models : [decodeURIComponentOrNot(inPath)],
    mostOutput: bounds.length === 0 ? null : Math.max(...bounds),
    isStream: all((name) => name === 'stream').includes(true) || /:stream/.test(path),
  };
}

function decodeURIComponentOrNot(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Broken escapes name no model that has a price.
    return text;
  }
}

/** Keys at the top of a JSON object that matter here, with their values; what is no such object has none. */
function topValues(body: Buffer): readonly (readonly [string, unknown])[] {
  const found: [string, unknown][] = [];
  let at = skipSpace(body, 0);
  if (body[at] !== 0x7b) return [];
  at = skipSpace(body, at + 1);
  while (body[at] === QUOTE) {
    const keyEnd = stringEnd(body, at);
    const key = keyEnd - at > LONGEST ? null : parsed(body, at, keyEnd);
    at = skipSpace(body, keyEnd);
    if (body[at] !== 0x3a) break;
    at = skipSpace(body, at + 1);
    const end = valueEnd(body, at);
    if (typeof key === 'string' && WANTED.has(key) && end - at <= LONGEST) found.push([key, parsed(body, at, end)]);
    at = skipSpace(body, end);
    if (body[at] !== 0x2c) break;
    at = skipSpace(body, at + 1);
  }
  return found;
}

function parsed(body: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(body.toString('utf8', from, to));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++;
  return at;
}

/** Behind the closing quote, or the end of the body. */
function stringEnd(body: Buffer, from: number): number {
  for (let at = body.indexOf(QUOTE, from + 1); at !== -1; at = body.indexOf(QUOTE, at + 1)) {
    let slashes = 0;
    while (body[at - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
  return body.length;
}

function valueEnd(body: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < body.length; ) {
    const byte = body[at]!;
    if (byte === QUOTE) {
      at = stringEnd(body, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && byte === 0x2c) return at;
    at++;
  }
  return body.length;
}
