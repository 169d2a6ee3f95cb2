// Names the place of a finding inside a body: a JSON path, a form field, a part. Works only when there is a finding.

export interface Place {
  /** `$.messages[3].content`, `field token`, `part file`; '' when the body has no structure that we know. */
  readonly path: string;
  /** A JSON body, and the place is not inside a string: what is put there needs quotes. */
  readonly isBare: boolean;
}

export interface Located {
  readonly start: number;
  readonly end: number;
}

/** Names that are longer or stranger are not repeated in a record. */
const NAME = /^[A-Za-z_$][\w$.-]{0,39}$/;
const SEGMENTS = 16;

const NOWHERE: Place = { path: '', isBare: false };

/** The places of `hits`, in their order. `isClean` says whether a name holds nothing that must not be repeated. */
export function locate(
  bytes: Buffer,
  contentType: string,
  hits: readonly Located[],
  isClean: (name: string) => boolean,
): readonly Place[] {
  const nameOf = (raw: string): string => (NAME.test(raw) && isClean(raw) ? raw : '*');
  const type = contentType.toLowerCase();
  if (type.startsWith('multipart/')) return hits.map((hit) => partPlace(bytes, hit.start, nameOf));
  if (type.includes('x-www-form-urlencoded')) return hits.map((hit) => fieldPlace(bytes, hit.start, nameOf));
  return isJson(bytes, type) ? jsonPlaces(bytes, hits, nameOf) : hits.map(() => NOWHERE);
}

/** By its type, or by how it begins. */
export function isJson(bytes: Buffer, contentType: string): boolean {
  const type = contentType.toLowerCase();
  if (type.startsWith('multipart/') || type.includes('x-www-form-urlencoded')) return false;
  return type.includes('json') || looksLikeJson(bytes);
}

function looksLikeJson(bytes: Buffer): boolean {
  const head = bytes.toString('latin1', 0, 64).trimStart();
  return /^\{\s*["}]|^\[/.test(head);
}

type Name = (raw: string) => string;

function fieldPlace(bytes: Buffer, at: number, nameOf: Name): Place {
  const start = at === 0 ? 0 : bytes.lastIndexOf(0x26, at - 1) + 1;
  const equals = bytes.indexOf(0x3d, start);
  if (equals < 0 || equals >= at) return { path: 'field name', isBare: false };
  return { path: `field ${nameOf(bytes.toString('latin1', start, equals))}`, isBare: false };
}

function partPlace(bytes: Buffer, at: number, nameOf: Name): Place {
  const before = bytes.toString('latin1', Math.max(0, at - 64 * 1024), at);
  const header = before.lastIndexOf('isposition:');
  if (header < 0) return NOWHERE;
  const name = /\bname="?([^";\r\n]*)/.exec(before.slice(header))?.[1] ?? '';
  const isHeader = !/\r?\n\r?\n/.test(before.slice(header));
  return { path: `part ${nameOf(name)}${isHeader ? ' header' : ''}`, isBare: false };
}

interface Level {
  readonly isArray: boolean;
  index: number;
  key: string;
}

/** One walk over the text up to the last hit; tolerant, since what agents call JSON is not always. */
function jsonPlaces(bytes: Buffer, hits: readonly Located[], nameOf: Name): Place[] {
  const order = hits.map((_, index) => index).sort((a, b) => hits[a]!.start - hits[b]!.start);
  const places: Place[] = hits.map(() => NOWHERE);
  const levels: Level[] = [];
  let next = 0;
  let values = 0;
  const settle = (before: number, isString: boolean, isKey: boolean): void => {
    while (next < order.length && hits[order[next]!]!.start < before) {
      places[order[next]!] = { path: pathOf(levels, values, isKey, nameOf), isBare: !isString };
      next++;
    }
  };
  for (let at = 0; at < bytes.length && next < order.length; ) {
    const byte = bytes[at]!;
    if (byte === 0x22) {
      const end = stringEnd(bytes, at);
      const level = levels.at(-1);
      const isKey = level !== undefined && !level.isArray && isColonAfter(bytes, end);
      settle(at + 1, false, false);
      settle(end, true, isKey);
      if (isKey) level.key = bytes.toString('latin1', at + 1, Math.min(end - 1, at + 64));
      at = end;
      continue;
    }
    settle(at + 1, false, false);
    if (byte === 0x7b || byte === 0x5b) levels.push({ isArray: byte === 0x5b, index: 0, key: '' });
    else if (byte === 0x7d || byte === 0x5d) {
      levels.pop();
      if (levels.length === 0) values++;
    } else if (byte === 0x2c) {
      const level = levels.at(-1);
      if (level !== undefined) level.index++;
    }
    at++;
  }
  return places;
}

function stringEnd(bytes: Buffer, quote: number): number {
  for (let at = bytes.indexOf(0x22, quote + 1); at >= 0; at = bytes.indexOf(0x22, at + 1)) {
    let slashes = at;
    while (slashes - 1 > quote && bytes[slashes - 1] === 0x5c) slashes--;
    if (((at - slashes) & 1) === 0) return at + 1;
  }
  return bytes.length;
}

function isColonAfter(bytes: Buffer, from: number): boolean {
  let at = from;
  while (at < bytes.length && bytes[at]! <= 0x20) at++;
  return bytes[at] === 0x3a;
}

function pathOf(levels: readonly Level[], values: number, isKey: boolean, nameOf: Name): string {
  const shown = levels.length > SEGMENTS ? [...levels.slice(0, 4), ...levels.slice(4 - SEGMENTS)] : levels;
  let path = values > 0 ? `line ${values + 1} $` : '$';
  shown.forEach((level, index) => {
    if (levels.length > SEGMENTS && index === 4) path += '…';
    if (level.isArray) path += `[${level.index}]`;
    else path += isKey && index === shown.length - 1 ? '.(key)' : `.${nameOf(level.key)}`;
  });
  return path;
}
