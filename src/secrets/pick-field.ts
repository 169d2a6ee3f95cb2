// Takes one value out of the text of a source: a field of JSON or YAML, a variable of a dotenv file, a password of a netrc, a key of an INI file. Pure.
import { parse as parseYaml, YAMLError } from 'yaml';
import type { Pick } from '../spec/bottle.ts';

/** Why there is no value; never a part of the text. */
export class NotPicked extends Error {}

export function pickField(text: string, { format, key }: Pick): string {
  switch (format) {
    case 'json':
      return walk(parseJson(text), key);
    case 'yaml':
      return walk(readYaml(text), key);
    case 'dotenv':
      return pickVariable(text, key);
    case 'netrc':
      return pickPassword(text, key);
    case 'ini':
      return pickSetting(text, key);
    default:
      return format satisfies never;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own words quote the text.
    if (error instanceof SyntaxError) throw new NotPicked('it is no JSON');
    throw error;
  }
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text, { schema: 'core', maxAliasCount: 100 });
  } catch (error) {
    if (error instanceof YAMLError || error instanceof ReferenceError) throw new NotPicked('it is no YAML');
    throw error;
  }
}

/** `a.b.0.c`, or a JSON pointer (RFC 6901) where a name holds a dot: `/a.b/0/c`. */
function walk(root: unknown, key: string): string {
  const steps = key.startsWith('/')
    ? key
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : key.split('.');
  let value = root;
  for (const [index, step] of steps.entries()) {
    const isContainer = typeof value === 'object' && value !== null;
    if (!isContainer || !Object.hasOwn(value as object, step)) {
      throw new NotPicked(`it has no ${steps.slice(0, index + 1).join('.')}`);
    }
    value = (value as Record<string, unknown>)[step];
  }
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw new NotPicked(`${steps.join('.')} is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : `no text`}`);
}

/** `KEY=value`, as shells and `docker --env-file` write it: the last one counts. Nothing is expanded. */
function pickVariable(text: string, key: string): string {
  let found: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/.exec(line);
    if (match !== null && match[1] === key) found = unquoted(match[2]!, ' #');
  }
  if (found === null) throw new NotPicked(`it sets no ${key}`);
  return found;
}

/** `machine NAME login NAME password VALUE` (the netrc of curl and ftp(1)); `NAME` or `NAME LOGIN`. */
function pickPassword(text: string, key: string): string {
  const [machine, login] = key.split(/\s+/);
  const tokens = netrcTokens(text);
  for (let i = 0; i < tokens.length; ) {
    const isDefault = tokens[i] === 'default';
    if (!isDefault && tokens[i] !== 'machine') {
      i++;
      continue;
    }
    const name = isDefault ? null : tokens[i + 1];
    i += isDefault ? 1 : 2;
    const fields = new Map<string, string>();
    while (i + 1 < tokens.length && /^(?:login|password|account)$/.test(tokens[i]!)) {
      fields.set(tokens[i]!, tokens[i + 1]!);
      i += 2;
    }
    const isMeant = name === machine && (login === undefined || fields.get('login') === login);
    const password = fields.get('password');
    if (isMeant && password !== undefined) return password;
  }
  throw new NotPicked(`it has no password for ${key}`);
}

/** Without comments and macros, which end with an empty line. */
function netrcTokens(text: string): string[] {
  const plain = text.replace(/^\s*macdef[\s\S]*?(?:\n\s*\n|$(?![\s\S]))/gm, '\n').replace(/^\s*#.*$/gm, '');
  return (plain.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((token) =>
    token.startsWith('"') ? token.slice(1, -1).replace(/\\(.)/g, '$1') : token,
  );
}

/** `section.key`, or `key` for what stands before the first section. Names of sections may hold dots: the last one divides. */
function pickSetting(text: string, key: string): string {
  const dot = key.lastIndexOf('.');
  const [section, name] = dot < 0 ? ['', key] : [key.slice(0, dot), key.slice(dot + 1)];
  let current = '';
  let found: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*\[\s*(.*?)\s*\]\s*$/.exec(line);
    if (head !== null) {
      current = head[1]!;
      continue;
    }
    const match = /^\s*([^\s=:;#][^=:]*?)\s*[=:]\s*(.*)$/.exec(line);
    if (match !== null && current === section && match[1] === name) found = unquoted(match[2]!, ' ;');
  }
  if (found === null) throw new NotPicked(section === '' ? `it sets no ${name}` : `[${section}] sets no ${name}`);
  return found;
}

/** Quotes taken off; of a bare value what follows `comment` is none of it. */
function unquoted(raw: string, comment: string): string {
  const text = raw.trim();
  const double = /^"((?:[^"\\]|\\.)*)"/.exec(text);
  if (double !== null) {
    return double[1]!.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
  }
  const single = /^'([^']*)'/.exec(text);
  if (single !== null) return single[1]!;
  const end = text.indexOf(comment);
  return (end < 0 ? text : text.slice(0, end)).trimEnd();
}
