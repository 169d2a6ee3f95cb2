// Reads a block of field lines (trailers; response heads), strictly or with the tolerance that RFC 9112 demands. Pure.
import { isFieldValue, isToken } from './characters.ts';
import { Malformed } from './malformed.ts';

/**
 * `text` in latin1 from `start`, each line with its CRLF. `tolerant` is for responses: obs-fold becomes a space (RFC 9112, 5.2) and spaces before
 * a colon are removed (5.1), since a proxy must do the one and may do the other; in a request both are refused.
 */
export function parseFieldLines(text: string, tolerant: boolean, start = 0): string[] | Malformed {
  const rawHeaders: string[] = [];
  let at = start;
  while (at < text.length) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return controlProblem(text.slice(at)) ?? new Malformed('field-line', 'a field line has no end');
    const first = text.charCodeAt(at);
    if (first === 0x20 || first === 0x09) {
      if (!tolerant || rawHeaders.length === 0) {
        return new Malformed('obs-fold', 'a field line begins with a space');
      }
      const more = text.slice(at, end).trim();
      if (!isFieldValue(more, 0, more.length)) return fieldProblem(more);
      rawHeaders[rawHeaders.length - 1] += ` ${more}`;
      at = end + 2;
      continue;
    }
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > end) {
      return controlProblem(text.slice(at, end)) ?? new Malformed('no-colon', 'a field line has no colon');
    }
    let nameEnd = colon;
    while (tolerant && nameEnd > at && isSpace(text.charCodeAt(nameEnd - 1))) nameEnd--;
    if (!isToken(text, at, nameEnd)) {
      const name = text.slice(at, nameEnd);
      if (/[ \t]$/.test(name)) return new Malformed('space-before-colon', 'a space before the colon of a field');
      return controlProblem(name) ?? new Malformed('field-name', 'a field name is not a token');
    }
    let from = colon + 1;
    let to = end;
    while (from < to && isSpace(text.charCodeAt(from))) from++;
    while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
    if (tolerant ? hasLineBreaker(text, from, to) : !isFieldValue(text, from, to)) {
      return fieldProblem(text.slice(from, to));
    }
    rawHeaders.push(text.slice(at, nameEnd), text.slice(from, to));
    at = end + 2;
  }
  return rawHeaders;
}

/** Names the byte that must not stand in a line; null when there is none. */
export function controlProblem(text: string): Malformed | null {
  if (text.includes('\n')) return new Malformed('bare-lf', 'a line feed without carriage return');
  if (text.includes('\r')) return new Malformed('bare-cr', 'a carriage return without line feed');
  if (text.includes('\0')) return new Malformed('nul', 'a NUL byte');
  return null;
}

function fieldProblem(text: string): Malformed {
  return controlProblem(text) ?? new Malformed('control-character', 'a control character in a field value');
}

/** CR, LF and NUL: what RFC 9110, 5.5 calls dangerous. Other control characters of an upstream pass as they came. */
function hasLineBreaker(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code === 10 || code === 13) return true;
  }
  return false;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
