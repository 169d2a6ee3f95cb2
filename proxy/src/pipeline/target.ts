// The parts of an origin-form target, kept byte-exact so that a change to one part leaves the others as they came.

export interface QueryPart {
  /** As written, without `=`. */
  readonly name: string;
  /** As written; null where there was no `=`. */
  readonly value: string | null;
}

export interface Target {
  readonly path: string;
  /** null = no `?` at all. */
  readonly query: readonly QueryPart[] | null;
}

export function splitTarget(target: string): Target {
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, query: null };
  const query = target
    .slice(mark + 1)
    .split('&')
    .map((part) => {
      const equals = part.indexOf('=');
      return equals === -1
        ? { name: part, value: null }
        : { name: part.slice(0, equals), value: part.slice(equals + 1) };
    });
  return { path: target.slice(0, mark), query };
}

export function joinTarget(target: Target): string {
  if (target.query === null) return target.path;
  return `${target.path}?${target.query.map((part) => (part.value === null ? part.name : `${part.name}=${part.value}`)).join('&')}`;
}

/** As a form decoder reads it: `+` is a space; what is no escape stays. Latin1: one character a byte. */
export function decodeQueryText(text: string): string {
  if (!/[%+]/.test(text)) return text;
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** A text as the bytes that header fields and targets carry it in. */
export function asLatin1(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
