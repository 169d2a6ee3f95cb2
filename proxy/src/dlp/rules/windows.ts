// How much of a text rules are tried on: what lies around their keywords, overlapping pieces taken together.
import type { RuleProposer } from '../engine.ts';

/** A rule's keyword, and where it stands. */
export interface RuleKeyword {
  readonly keyword: string;
  readonly at: number;
}

export interface RuleWindow {
  readonly start: number;
  end: number;
  readonly indexes: Set<number>;
}

/** How far before a keyword a match may begin, and how far behind it end, in bytes: a private key of 4096 bits fits. */
const BEFORE_BYTES = 512;
const BEHIND_BYTES = 4096;

export function ruleWindows(rules: RuleProposer, spoken: readonly RuleKeyword[], length: number): RuleWindow[] {
  const windows: RuleWindow[] = [];
  for (const { keyword, at } of [...spoken].sort((a, b) => a.at - b.at)) {
    const indexes = rules.byKeyword.get(keyword) ?? [];
    const last = windows.at(-1);
    const start = Math.max(0, at - BEFORE_BYTES);
    const end = Math.min(length, at + BEHIND_BYTES);
    if (last !== undefined && start <= last.end) {
      last.end = Math.max(last.end, end);
      for (const index of indexes) last.indexes.add(index);
    } else windows.push({ start, end, indexes: new Set(indexes) });
  }
  return windows;
}
