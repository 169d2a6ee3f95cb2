// A span that begins or ends inside of an escape (`%2F`, `\n`, `\u00e9`) takes all of it: half of one would be another character, or none.
import type { Span } from './view.ts';

const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const U = 0x75;

export function wholeEscapes(bytes: Uint8Array, { start, end }: Span): Span {
  const first = escapeAround(bytes, start);
  const last = escapeAround(bytes, end);
  return { start: first === null ? start : first.start, end: last === null ? end : last.end };
}

/** The escape that `at` stands inside of, neither before nor behind it. */
function escapeAround(bytes: Uint8Array, at: number): Span | null {
  for (let start = at - 1; start >= Math.max(0, at - 5); start--) {
    const size = sizeAt(bytes, start);
    if (size > at - start) return { start, end: start + size };
  }
  return null;
}

/** Of the escape that begins there, in bytes; 0 = none does. */
function sizeAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] === PERCENT) return areHex(bytes, at + 1, 2) ? 3 : 0;
  if (bytes[at] !== BACKSLASH || at + 1 >= bytes.length || !isOdd(bytes, at)) return 0;
  return bytes[at + 1] === U && areHex(bytes, at + 2, 4) ? 6 : 2;
}

/** A backslash behind a backslash begins nothing. */
function isOdd(bytes: Uint8Array, at: number): boolean {
  let before = at;
  while (before > 0 && bytes[before - 1] === BACKSLASH) before--;
  return (at - before) % 2 === 0;
}

function areHex(bytes: Uint8Array, from: number, count: number): boolean {
  if (from + count > bytes.length) return false;
  for (let i = from; i < from + count; i++) {
    const byte = bytes[i]! | 0x20;
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false;
  }
  return true;
}
