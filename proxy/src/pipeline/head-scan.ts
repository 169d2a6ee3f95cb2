// Searches a request head for secrets, field by field, and rewrites the fields of a route that redacts.
import type { Match, Scanner } from '../dlp/types.ts';
import { isStandardMethod, textsOf } from './clean-head.ts';
import { isLegalParameter, isOwnHeader, type Places, withoutLegalPlaceholder } from './places.ts';
import { joinTarget, type Target } from './target.ts';
import type { RequestView } from './types.ts';

/** The part of a head that a match stands in; `index` counts headers or query parts. */
export type Spot =
  | { readonly in: 'path' }
  | { readonly in: 'query-name' | 'query-value' | 'header-value'; readonly index: number }
  /** Places that cannot be rewritten: the host, the method, a header's name, several fields taken together, a Basic pair. */
  | { readonly in: 'fixed' };

export interface HeadMatch {
  readonly match: Match;
  readonly spot: Spot;
}

export interface Head {
  readonly view: RequestView;
  /** What would be sent: the path is the normalised one. */
  readonly target: Target;
  readonly places: Places;
  /** False where the host is written out in the route: then it tells nothing. */
  readonly isHostOpen: boolean;
}

const FIXED: Spot = { in: 'fixed' };

/** Every match of the head with the field it stands in. */
export function scanHead(scanner: Scanner, head: Head): readonly HeadMatch[] {
  const { view, target, places } = head;
  const found: HeadMatch[] = [];
  const add = (matches: readonly Match[], spot: Spot): void => {
    for (const match of matches) {
      const isKnown = found.some(
        (other) =>
          sameSpot(other.spot, spot) &&
          other.match.fingerprint === match.fingerprint &&
          other.match.start < match.end &&
          match.start < other.match.end,
      );
      if (!isKnown) found.push({ match, spot });
    }
  };
  const label = (name: string): string =>
    scanner
      .redactText(name)
      .replace(/[^\x21-\x7e]/g, '?')
      .slice(0, 64);

  if (head.isHostOpen) {
    add(scanner.scanText('host', view.host), FIXED);
    add(scanner.scanJoined('host', view.host.split('.')), FIXED);
  }
  if (!isStandardMethod(view.method)) add(scanner.scanText('method', view.method), FIXED);

  const segments = target.path.split('/');
  let offset = 0;
  for (const segment of segments) {
    if (segment !== '')
      add(
        scanner.scanText('path', segment).map((match) => moved(match, offset)),
        { in: 'path' },
      );
    offset += segment.length + 1;
  }
  add(scanner.scanText('path', target.path), { in: 'path' });
  add(acrossPieces(scanner, 'path', segments), FIXED);

  const query = target.query ?? [];
  const values: string[] = [];
  for (const [index, { name, value }] of query.entries()) {
    add(scanner.scanText('query name', name), { in: 'query-name', index });
    if (value === null || isLegalParameter(places, name, value)) continue;
    values.push(value);
    add(scanner.scanText(`query ${label(name)}`, value), { in: 'query-value', index });
  }
  add(acrossPieces(scanner, 'query', values), FIXED);
  add(
    acrossPieces(
      scanner,
      'query names',
      query.map(({ name }) => name),
    ),
    FIXED,
  );

  const rests: string[] = [];
  for (let i = 0; i < view.rawHeaders.length; i += 2) {
    const name = view.rawHeaders[i]!;
    const value = view.rawHeaders[i + 1]!;
    const lower = name.toLowerCase();
    if (isOwnHeader(places, name)) continue;
    add(scanner.scanText('header name', name), FIXED);
    const rest = withoutLegalPlaceholder(places, name, value);
    rests.push(rest);
    // A decoded Basic pair has other positions than the field: it cannot be rewritten in place.
    const spot: Spot = rest.length === value.length ? { in: 'header-value', index: i + 1 } : FIXED;
    if (lower === 'cookie') for (const cookie of cookies(rest)) addCookie(cookie, spot);
    add(scanner.scanText(`header ${label(lower)}`, rest), spot);
  }
  add(acrossPieces(scanner, 'headers', rests), FIXED);
  if (found.length === 0) {
    // Only the head as a whole shows it. For exact kinds that is proof enough; a pattern that needs two fields is an accident.
    const { target: inTarget, headers } = textsOf(head);
    const lines = scanner.scanText('head', inTarget.lines + headers.lines);
    add(lines.filter(isExact), FIXED);
    add(scanner.scanJoined('head', [...inTarget.values, ...headers.values]), FIXED);
  }
  return found;

  function addCookie(cookie: { name: string; value: string; at: number }, spot: Spot): void {
    add(
      scanner.scanText(`cookie ${label(cookie.name)}`, cookie.value).map((match) => moved(match, cookie.at)),
      spot,
    );
  }
}

const isExact = ({ kind }: Match): boolean => kind !== 'detector';

function moved(match: Match, by: number): Match {
  return by === 0 ? match : { ...match, start: match.start + by, end: match.end + by };
}

function sameSpot(a: Spot, b: Spot): boolean {
  return a.in === b.in && ('index' in a ? a.index : -1) === ('index' in b ? b.index : -1);
}

/** What stands in several pieces only when they are put together; a match inside one piece is that piece's own. */
function acrossPieces(scanner: Scanner, where: string, pieces: readonly string[]): readonly Match[] {
  if (pieces.length < 2) return [];
  const ends: number[] = [];
  let length = 0;
  for (const piece of pieces) {
    length += piece.length;
    ends.push(length);
  }
  return scanner
    .scanJoined(where, pieces)
    .filter((match) => !ends.some((end, i) => match.start >= (ends[i - 1] ?? 0) && match.end <= end));
}

function* cookies(field: string): Generator<{ name: string; value: string; at: number }> {
  let at = 0;
  for (const piece of field.split(';')) {
    const equals = piece.indexOf('=');
    if (equals !== -1)
      yield { name: piece.slice(0, equals).trim(), value: piece.slice(equals + 1), at: at + equals + 1 };
    at += piece.length + 1;
  }
}

/** Target and headers with the chosen matches replaced in place. */
export function rewriteHead(
  scanner: Scanner,
  head: Pick<Head, 'target' | 'view'>,
  chosen: readonly HeadMatch[],
): { readonly target: string; readonly rawHeaders: readonly string[] } {
  const at = (spot: Spot): readonly Match[] =>
    chosen.filter((one) => sameSpot(one.spot, spot)).map(({ match }) => match);
  const encoded = (match: Match): string => encodeURIComponent(scanner.replacement(match));
  const plain = (match: Match): string => scanner.replacement(match);
  const { path, query } = head.target;
  const target = {
    path: replaceSpans(path, at({ in: 'path' }), encoded),
    query:
      query?.map(({ name, value }, index) => ({
        name: replaceSpans(name, at({ in: 'query-name', index }), encoded),
        value: value === null ? null : replaceSpans(value, at({ in: 'query-value', index }), encoded),
      })) ?? null,
  };
  const rawHeaders = head.view.rawHeaders.map((text, index) =>
    index % 2 === 0 ? text : replaceSpans(text, at({ in: 'header-value', index }), plain),
  );
  return { target: joinTarget(target), rawHeaders };
}

/** Overlapping matches are replaced as one piece, under the name of the first. */
export function replaceSpans(text: string, matches: readonly Match[], by: (match: Match) => string): string {
  if (matches.length === 0) return text;
  const sorted = [...matches].sort((a, b) => a.start - b.start || b.end - a.end);
  let out = '';
  let done = 0;
  for (const match of sorted) {
    if (match.start >= done) {
      out += text.slice(done, match.start) + by(match);
      done = match.end;
    } else if (match.end > done) done = match.end;
  }
  return out + text.slice(done);
}
