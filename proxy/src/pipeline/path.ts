// Every reading that a server may give a request path, so that a rule holds for all of them. Texts are latin1: one character a byte.
import { isUtf8 } from 'node:buffer';
import { compileGlob, type Glob } from './glob.ts';

export interface Reading {
  readonly text: string;
  /** Percent-decoded at least once: compare it with the decoded form of a glob. */
  readonly isDecoded: boolean;
}

export type PathReadings =
  /** `sent`: the normalised path that goes to the upstream; the first reading is this one. */
  | { readonly kind: 'clear'; readonly sent: string; readonly readings: readonly Reading[] }
  /** `why`: one clause. */
  | { readonly kind: 'ambiguous'; readonly why: string };

/** A path that is written differently by no server: letters, no escapes, no empty or dot segments, no parameters. */
const PLAIN = /^(?:\/(?!\.|\/)[A-Za-z0-9\-._~!$&'()*+,=:@]*)+$/;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** Characters that stay as they are in the normalised form: unreserved, sub-delims, `:`, `@`, `/`. */
const KEPT = /[A-Za-z0-9\-._~!$&'()*+,;=:@/]/;
const CONTROL = /[\x00-\x1f\x7f]/;
const ESCAPE = /%([0-9A-Fa-f]{2})/g;
/** Longest path that rules with path globs judge, in bytes: the work for one request stays bounded. */
const LONGEST_BYTES = 8192;
/** Percent-decoding goes this deep; what is encoded deeper is refused. */
const LEVELS = 3;

export function readPath(path: string): PathReadings {
  if (path.length > LONGEST_BYTES) return ambiguous(`the path is longer than ${LONGEST_BYTES} bytes`);
  if (PLAIN.test(path)) return { kind: 'clear', sent: path, readings: [{ text: path, isDecoded: false }] };
  if (CONTROL.test(path)) return ambiguous('the path holds a control character');
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return ambiguous('the path holds a broken percent escape');

  const sent = cleanSegments(normaliseEscapes(path));
  const found = new Map<string, Reading>();
  const add = (text: string, isDecoded: boolean): void => {
    const key = isDecoded ? `d${text}` : `l${text}`;
    if (!found.has(key)) found.set(key, { text, isDecoded });
  };
  add(sent, false);
  if (sent.includes(';')) add(cleanSegments(withoutParameters(sent)), false);

  let text = sent;
  for (let level = 1; ; level++) {
    const next = decodeOnce(text);
    if (next === text) break;
    if (level > LEVELS) return ambiguous(`the path is percent-encoded more than ${LEVELS} times over`);
    if (CONTROL.test(next)) return ambiguous('the path holds an encoded control character');
    if (!isUtf8(Buffer.from(next, 'latin1'))) return ambiguous('the path is not valid UTF-8');
    for (const variant of variants(next)) add(cleanSegments(variant), true);
    text = next;
  }
  return { kind: 'clear', sent, readings: [...found.values()] };
}

function ambiguous(why: string): PathReadings {
  return { kind: 'ambiguous', why };
}

/** Unreserved characters decoded, escapes in upper case, everything that a URI may not hold encoded. */
function normaliseEscapes(path: string): string {
  return path.replace(/%[0-9A-Fa-f]{2}|[^%]/gs, (token) => {
    if (token.length === 1) return KEPT.test(token) ? token : escapeByte(token);
    const decoded = String.fromCharCode(Number.parseInt(token.slice(1), 16));
    return UNRESERVED.test(decoded) ? decoded : token.toUpperCase();
  });
}

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function decodeOnce(text: string): string {
  return text.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** What servers make of a decoded path: backslashes as slashes, parameters dropped, cut where a `?` or `#` appears, look-alikes folded. */
function variants(text: string): readonly string[] {
  let all: readonly string[] = [text];
  const widen = (change: (one: string) => string): void => {
    all = [...new Set([...all, ...all.map(change)])];
  };
  if (/[\x80-\xff]/.test(text)) widen(foldCompatibility);
  if (all.some((one) => /[?#]/.test(one))) widen((one) => one.replace(/[?#].*$/s, ''));
  if (all.some((one) => one.includes('\\'))) widen((one) => one.replaceAll('\\', '/'));
  if (all.some((one) => one.includes(';'))) widen(withoutParameters);
  // Windows drops spaces at the end of a name, so that `.. ` climbs.
  if (all.some((one) => /\/\.\.? /.test(one))) widen((one) => one.replace(/(\/\.\.?) +(?=\/|$)/g, '$1'));
  return all;
}

/** Full-width slashes and dots and their like, as servers with best-fit mappings see them. */
function foldCompatibility(text: string): string {
  return Buffer.from(Buffer.from(text, 'latin1').toString('utf8').normalize('NFKC'), 'utf8').toString('latin1');
}

function withoutParameters(text: string): string {
  return text.replace(/;[^/]*/g, '');
}

/** Empty segments merged, dot segments resolved; never climbs above the root. */
function cleanSegments(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) return path === '' ? '/' : path;
  const kept: string[] = [];
  const segments = path.split('/');
  const last = segments.at(-1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const isDirectory = last === '' || last === '.' || last === '..';
  return `/${kept.join('/')}${isDirectory && kept.length > 0 ? '/' : ''}`;
}

/** A path glob in both forms that readings have. */
export interface PathGlob {
  readonly literal: Glob;
  readonly decoded: Glob;
}

export function compilePathGlob(pattern: string): PathGlob {
  const literal = normaliseEscapes(
    Buffer.from(pattern, 'utf8')
      .toString('latin1')
      .replace(/%(?![0-9A-Fa-f]{2})/g, '%25'),
  );
  let decoded = literal;
  for (let level = 0; level < LEVELS; level++) decoded = decodeOnce(decoded);
  // An encoded star would turn into a wildcard by decoding: such a glob covers no decoded reading.
  const hidesStar = decoded.split('*').length !== literal.split('*').length;
  return { literal: compileGlob(literal), decoded: hidesStar ? () => false : compileGlob(decoded) };
}

export function covers(glob: PathGlob, reading: Reading): boolean {
  return reading.isDecoded ? glob.decoded(reading.text) : glob.literal(reading.text);
}
