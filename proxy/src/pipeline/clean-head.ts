// Is there anything to look at in a head? Searches over all of it instead of one a field: most heads end here.
import type { Scanner } from '../dlp/types.ts';
import type { Head } from './head-scan.ts';
import { isLegalParameter, isOwnHeader, withoutLegalPlaceholder } from './places.ts';

/** Shorter segments cannot hold an encoded secret by themselves; the path is searched whole anyway. */
const SEGMENT_ALONE = 16;
/** Header blocks and targets that are remembered as clean, and the longest of them in characters. */
const REMEMBERED = 256;
const LONGEST_BLOCK = 4096;

const STANDARD_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** A word of HTTP, not of the agent. */
export const isStandardMethod = (method: string): boolean => STANDARD_METHODS.has(method);

/** A part of a head without what is removed and without placeholders in their legal place. */
export interface Texts {
  /** Everything, a line each. */
  readonly lines: string;
  /** Segments, labels, values and names in their order, for what is split over several. */
  readonly values: readonly string[];
}

export interface HeadTexts {
  readonly target: Texts;
  readonly headers: Texts;
}

export function textsOf(head: Head): HeadTexts {
  return { target: targetTexts(head), headers: headerTexts(head) };
}

/** False as soon as anything matches: then the fields are looked at one by one. */
export type CleanHeadTest = (texts: HeadTexts) => boolean;

/**
 * A client sends the same header fields with request after request: a block that was found clean is not searched again. What is split over
 * such a block and a later target gets past this, as it does when it is split over two requests.
 */
export function createCleanHeadTest(scanner: Scanner): CleanHeadTest {
  const cleanBlocks = new Set<string>();
  const cleanTargets = new Set<string>();

  function isClean({ lines, values }: Texts): boolean {
    return (
      scanner.scanText('head', lines).length === 0 &&
      (values.length < 2 || scanner.scanJoined('head', values).length === 0)
    );
  }

  /** An agent asks the same few places again and again. */
  function isCleanTarget(target: Texts): boolean {
    // Lines alone do not tell `a=b` from `a&b`, which read differently when joined.
    const key = `${target.lines}\0${target.values.join('\0')}`;
    if (cleanTargets.has(key)) return true;
    if (!isClean(target)) return false;
    remember(cleanTargets, key);
    return true;
  }

  return ({ target, headers: block }) => {
    if (cleanBlocks.has(block.lines)) return isCleanTarget(target);
    if (!isClean({ lines: target.lines + block.lines, values: [...target.values, ...block.values] })) return false;
    remember(cleanBlocks, block.lines);
    return true;
  };
}

function remember(clean: Set<string>, text: string): void {
  if (text.length > LONGEST_BLOCK) return;
  if (clean.size >= REMEMBERED) clean.clear();
  clean.add(text);
}

/** Method, host, path and query. */
export function targetTexts({ view, target, places, isHostOpen }: Head): Texts {
  const { path, query } = target;
  const values: string[] = [];
  let lines = path;
  for (const segment of path.split('/')) {
    if (segment === '') continue;
    values.push(segment);
    if (segment.length >= SEGMENT_ALONE) lines += `\n${segment}`;
  }
  if (!isStandardMethod(view.method)) lines += `\n${view.method}`;
  if (isHostOpen) {
    lines += `\n${view.host}`;
    values.push(...view.host.split('.'));
  }
  if (query !== null) {
    for (const { name, value } of query) {
      lines += `\n${name}`;
      if (value === null || isLegalParameter(places, name, value)) continue;
      lines += `\n${value}`;
      values.push(value);
    }
    for (const { name } of query) values.push(name);
  }
  return { lines, values };
}

export function headerTexts({ view, places }: Head): Texts {
  const { rawHeaders } = view;
  const values: string[] = [];
  let lines = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (isOwnHeader(places, name)) continue;
    const rest = withoutLegalPlaceholder(places, name, rawHeaders[i + 1]!);
    // A length that net has checked against the body says nothing, and differs from request to request.
    if (name.length === 14 && /^\d{1,10}$/.test(rest) && name.toLowerCase() === 'content-length') continue;
    lines += `\n${name}: ${rest}`;
    values.push(rest);
  }
  return { lines, values };
}
