// Spans of a text: in order, taken together, asked whether they touch each other.
import type { Span } from './view.ts';

export const overlaps = (one: Span, other: Span): boolean => one.start < other.end && other.start < one.end;

/** The spans in order, those that touch taken together. */
export function union(spans: readonly Span[]): Span[] {
  const all: { start: number; end: number }[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else all.push({ start, end });
  }
  return all;
}

/** Whether `span` overlaps one of `spans`, which are in order and apart from each other. */
export function touches(spans: readonly Span[], span: Span): boolean {
  const first = spans[firstBehind(spans, span.start)];
  return first !== undefined && first.start < span.end;
}

/** Puts `span`, which touches none of `spans`, where it belongs among them. */
export function insert(spans: Span[], span: Span): void {
  spans.splice(firstBehind(spans, span.start), 0, span);
}

/** Whether an end of `span` stands inside one of `spans` and the other end does not: neither stands for the other. */
export function crosses(spans: readonly Span[], span: Span): boolean {
  const atStart = spans[firstBehind(spans, span.start)];
  const atEnd = spans[firstBehind(spans, span.end - 1)];
  return (
    (atStart !== undefined && atStart.start < span.start && atStart.end < span.end) ||
    (atEnd !== undefined && atEnd.start > span.start && atEnd.start < span.end && atEnd.end > span.end)
  );
}

/** The first that ends behind `at`. */
function firstBehind(spans: readonly Span[], at: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.end <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
