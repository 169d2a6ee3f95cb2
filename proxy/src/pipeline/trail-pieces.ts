// The texts of a request, a body and a name that may be pieces of something, each with the place in which it is followed.
import type { HeadTexts } from './clean-head.ts';
import type { Head } from './head-scan.ts';
import { isLegalParameter, isOwnHeader, withoutLegalPlaceholder } from './places.ts';
import type { Leaving } from './trail.ts';

/** A segment of a path that is followed, in characters. */
const LEAST_CHARS = 4;
/** Fields of a small body that are followed one by one. */
const FIELDS = 16;
/** Bodies up to here, in characters. */
const SMALL_CHARS = 2048;

export function leavingOf({ view, target, places, isHostOpen }: Head, texts: HeadTexts): readonly Leaving[] {
  const host = view.host;
  const leaving: Leaving[] = [
    { place: null, text: texts.target.lines },
    { place: null, text: texts.headers.lines },
    // A piece that stands alone in the path is most often its end, or longer than what is around it.
    { place: `${host} path`, text: target.path.slice(target.path.lastIndexOf('/') + 1) },
  ];
  const longest = longestInner(target.path);
  if (longest !== '') leaving.push({ place: `${host} path inside`, text: longest });
  for (const { name, value } of target.query ?? []) {
    if (value !== null && !isLegalParameter(places, name, value))
      leaving.push({ place: `${host} query ${name}`, text: value });
  }
  const { rawHeaders } = view;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (!/^x-/i.test(name) || isOwnHeader(places, name)) continue;
    const text = withoutLegalPlaceholder(places, name, rawHeaders[i + 1]!);
    leaving.push({ place: `${host} header ${name}`, text });
  }
  if (isHostOpen) leaving.push(...leavingLabels(host.split('.')));
  return leaving;
}

/** The longest segment of a path that is not its end; '' where none could be a piece. */
function longestInner(path: string): string {
  let longest = '';
  for (let from = 1, to = path.indexOf('/', from); to >= 0; from = to + 1, to = path.indexOf('/', from)) {
    if (to - from > longest.length) longest = path.slice(from, to);
  }
  return longest.length < LEAST_CHARS ? '' : longest;
}

/** Labels under a pattern: the first is where pieces go. */
export function leavingLabels(labels: readonly string[]): readonly Leaving[] {
  return [
    { place: null, text: labels.join('.') },
    { place: `label of ${labels.slice(1).join('.')}`, text: labels[0] ?? '' },
  ];
}

/** `where`: `api.example body`. */
export function piecesOfBody(where: string, text: string): readonly Leaving[] {
  const leaving: Leaving[] = [{ place: null, text }];
  if (text.length > SMALL_CHARS) return leaving;
  const fields = [...text.matchAll(/"((?:[^"\\]|\\.){3,96})"(?!\s*:)|[=]([^&\s"]{3,96})(?=&|\s|$)/g)].slice(0, FIELDS);
  fields.forEach((field, i) => void leaving.push({ place: `${where} ${i}`, text: field[1] ?? field[2]! }));
  if (fields.length === 0) leaving.push({ place: where, text: text.trim() });
  return leaving;
}
