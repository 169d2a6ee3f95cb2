// Text with the same thing between all its characters: `g h p _`, `g-h-p`, `g\nh\np`, `["g","h","p"]`.
import { ALNUM } from '../charsets.ts';
import { Trace, type View } from '../view.ts';

/** Longest thing between two characters, in bytes: `", "`, `' + '`. */
const MOST_BETWEEN = 7;
/** Fewest characters of such a text. */
const LEAST_CHARS = 12;

/** So many gaps begin alike in every such text, each this many looks behind the other: what a look at a part of the places rests on. */
const GAPS_LOOKED_AT = 4;
const GAPS = LEAST_CHARS - GAPS_LOOKED_AT;

/** Calls `found` with every such text in `start..end`, without what stands between. */
export function unspaced(view: View, start: number, end: number, found: (child: View) => void): void {
  const { bytes } = view;
  if (!mayBeSpaced(bytes, start, end)) return;
  for (let at = start; at < end; ) {
    let text = longestFrom(bytes, at, end);
    if (text === null) {
      at++;
      continue;
    }
    // What stands before the first character may look like one: the bracket of `["g","h"`.
    for (let later = at + 1; later < at + MOST_BETWEEN; later++) {
      const other = longestFrom(bytes, later, end);
      if (other === null || other.step <= text.step) continue;
      text = other;
      at = later;
      break;
    }
    const trace = new Trace();
    for (let i = 0; i < text.count; i++) trace.put(bytes[at + i * text.step]!, at + i * text.step, 1);
    at += (text.count - 1) * text.step + 1;
    found(trace.view('spaced', view, at));
  }
}

/**
 * Whether one may be there. Of the first gaps of a text, whatever its step, one begins in the first step of every so many: there the same
 * byte must stand behind the next characters as well, which are visible. Most text fails at the second look.
 */
function mayBeSpaced(bytes: Uint8Array, start: number, end: number): boolean {
  for (let step = 2; step <= MOST_BETWEEN + 1; step++) {
    const last = end - GAPS_LOOKED_AT * step;
    for (let cell = start; cell <= last; cell += GAPS * step) {
      for (let at = cell; at < cell + step; at++) {
        const byte = bytes[at]!;
        if (byte !== bytes[at + step] || byte !== bytes[at + 2 * step] || byte !== bytes[at + 3 * step]) continue;
        if (ALNUM.table[byte] === 0 && isVisible(bytes[at + step - 1]!) && isVisible(bytes[at + 2 * step - 1]!))
          return true;
      }
    }
  }
  return false;
}

function longestFrom(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly step: number; readonly count: number } | null {
  if (!isVisible(bytes[at]!)) return null;
  // What stands between begins with neither letter nor digit: a cheap test that nearly all text fails.
  if (at + 1 >= end || ALNUM.table[bytes[at + 1]!] !== 0 || bytes[at] === bytes[at + 1]) return null;
  // The end of a word is not the first of single characters.
  if (at > 0 && ALNUM.table[bytes[at - 1]!] !== 0) return null;
  // Longest first: in `"g","h"` quotes alone would seem to stand between letters and commas.
  for (let step = MOST_BETWEEN + 1; step > 1; step--) {
    // Nearly every length of a gap fails at its first byte or at the next character.
    if (
      bytes[at + 1 + step] !== bytes[at + 1] ||
      !isVisible(bytes[at + step]!) ||
      bytes[at + step * 2 + 1] !== bytes[at + 1]
    )
      continue;
    let count = 1;
    while (
      isRepeated(bytes, at + 1, count * step, step - 1) &&
      at + count * step < end &&
      isVisible(bytes[at + count * step]!)
    ) {
      count++;
    }
    // Nor is the beginning of one the last.
    const last = at + (count - 1) * step;
    if (last + 1 < end && ALNUM.table[bytes[last + 1]!] !== 0) count--;
    if (count >= LEAST_CHARS) return { step, count };
  }
  return null;
}

/** Is what stands before the next character what stood behind the first one? The first gap is there by definition. */
function isRepeated(bytes: Uint8Array, first: number, offset: number, length: number): boolean {
  const gap = first - 1 + offset - length;
  for (let i = 0; i < length; i++) if (bytes[gap + i] !== bytes[first + i]) return false;
  return true;
}

const isVisible = (byte: number): boolean => byte > 0x20 && byte < 0x7f;
