// A known value that was cut up: which parts of it stand in a text, in whatever order, and how much of it that is together.
import type { Span, View } from './view.ts';

/** Shortest part that counts, in bytes. */
const PART_BYTES = 5;
const WINDOW_BYTES = 4;

export interface Fragments {
  /** Where the parts stand in the view. */
  readonly spans: readonly Span[];
  /** How many of the value's bytes stand in one of them. */
  readonly coveredBytes: number;
}

/** `whole`: where the value itself stands, in order; what is there is no part of it. */
export function findFragments(
  view: View,
  value: Uint8Array,
  { start: from, end: to }: Span,
  whole: readonly Span[],
): Fragments {
  const windows = new Map<number, number>();
  for (let at = 0; at + WINDOW_BYTES <= value.length; at++) windows.set(wordAt(value, at), at);
  const spans: Span[] = [];
  const covered = new Uint8Array(value.length);
  const { bytes } = view;
  let next = 0;
  for (let at = from; at + WINDOW_BYTES <= to; at++) {
    while (next < whole.length && whole[next]!.end <= at) next++;
    if (next < whole.length && whole[next]!.start <= at) {
      at = whole[next]!.end - 1;
      continue;
    }
    const inValue = windows.get(wordAt(bytes, at));
    if (inValue === undefined) continue;
    let length = WINDOW_BYTES;
    while (at + length < to && inValue + length < value.length && bytes[at + length] === value[inValue + length])
      length++;
    if (length < PART_BYTES) continue;
    spans.push({ start: at, end: at + length });
    covered.fill(1, inValue, inValue + length);
    at += length - 1;
  }
  return { spans, coveredBytes: covered.reduce((sum, one) => sum + one, 0) };
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
