// Rows of numbers with something between them that no dump has: `103\n104` in a string, `"103","104"`, `103 | 104`.
import type { Marks } from '../marks.ts';
import { DIGITS_STEP } from '../sweep.ts';
import type { View } from '../view.ts';
import { spelledRows } from './number-rows.ts';

/** Fewest blocks with many digits in a row: eight numbers take more. */
const LEAST_BLOCKS = 2;
/** How far the row may begin before the first block and end behind the last, in bytes. */
const MARGIN_BYTES = 24;
/** Longest thing between two numbers, in bytes. */
const BETWEEN_BYTES = 24;
/** So many numbers of a row are looked at before the rest. */
const LOOKED_AT = 4;
/** What the sweep takes for a dump is read as one. */
const OF_DUMPS = new Set(Buffer.from(' ,:;=\n\r\t.-xX'));

/** Calls `found` with the text that such rows spell, in stretches where every sixteen bytes hold many digits. */
export function digitRows(view: View, { digits, digitsCount }: Marks, found: (child: View) => void): void {
  for (let i = 0; i < digitsCount; ) {
    let last = i;
    while (last + 1 < digitsCount && digits[last + 1]! - digits[last]! <= DIGITS_STEP) last++;
    const from = Math.max(0, digits[i]! - MARGIN_BYTES);
    const to = Math.min(view.length, digits[last]! + DIGITS_STEP + MARGIN_BYTES);
    if (last - i + 1 >= LEAST_BLOCKS && isRow(view.bytes, digits[i]!, to)) spelledRows(view, from, to, found);
    i = last + 1;
  }
}

/** Whether the first whole numbers from `from` on have at most three digits and the same between them, something that dumps do not have. */
function isRow(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  // What stands before the first is of no interest, and it may be cut.
  while (at < to && !isDigit(bytes[at]!)) at++;
  while (at < to && isDigit(bytes[at]!)) at++;
  let before = -1;
  for (let numbers = 0; numbers < LOOKED_AT; numbers++) {
    const gap = at;
    let isForeign = false;
    for (; at < to && at - gap < BETWEEN_BYTES && !isDigit(bytes[at]!); at++) isForeign ||= !OF_DUMPS.has(bytes[at]!);
    const start = at;
    while (at < to && at - start < 4 && isDigit(bytes[at]!)) at++;
    const width = start - gap;
    if (at === start || at - start > 3 || !isForeign || (before >= 0 && width !== before)) return false;
    before = width;
  }
  return true;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
