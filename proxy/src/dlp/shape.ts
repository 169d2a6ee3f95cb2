// The language that token formats are written in: literals and runs of a charset, taken greedily, never taken back. Linear by construction.
import type { Charset } from './charsets.ts';
import type { Span, View } from './view.ts';

export type Step =
  | { readonly do: 'text'; readonly any: readonly string[]; readonly optional: boolean }
  | { readonly do: 'run'; readonly set: Charset; readonly least: number; readonly most: number };

/** Tries a format where one of its keywords was found; null when it is not there. */
export type Matcher = (view: View, keywordAt: number, keyword: string) => Span | null;

/** One of these literals. */
export const text = (...any: string[]): Step => ({ do: 'text', any, optional: false });
/** One of these literals or nothing. */
export const maybe = (...any: string[]): Step => ({ do: 'text', any, optional: true });
/** `least` to `most` bytes of `set`, as many as there are. */
export const run = (set: Charset, least: number, most = least): Step => ({ do: 'run', set, least, most });

/** Literals so short come up in megabytes of base64. */
export const TINY_BYTES = 5;

export interface Edges {
  /** What may not stand directly before the match more than `leftMost` times: a format that weak is not looked for inside long runs. */
  readonly left?: Charset;
  readonly leftMost?: number;
  /** A short literal, which may come up by chance in encoded data. */
  readonly isShort?: boolean;
  /** What may not stand directly after the match. */
  readonly right?: Charset;
}

/** A format that begins with its keyword; `steps` is what follows it. */
export function shape(steps: readonly Step[], edges: Edges = {}): Matcher {
  return (view, keywordAt, keyword) => {
    if (edges.left !== undefined) {
      const most = edges.leftMost ?? 0;
      if (view.runBefore(edges.left, keywordAt, most + 1) > most) return null;
    }
    const end = follow(view, keywordAt + keyword.length, steps);
    if (end < 0 || (edges.isShort === true && view.isInsideBlob(keywordAt, end, keyword.length <= TINY_BYTES)))
      return null;
    if (edges.right !== undefined && end < view.length && edges.right.table[view.bytes[end]!] !== 0) return null;
    return { start: keywordAt, end };
  };
}

/** End of `steps` taken one after the other from `at`, or -1. */
export function follow(view: View, at: number, steps: readonly Step[]): number {
  let end = at;
  for (const step of steps) {
    switch (step.do) {
      case 'text': {
        let width = -1;
        for (let i = 0; i < step.any.length && width < 0; i++) {
          if (view.startsWith(step.any[i]!, end)) width = step.any[i]!.length;
        }
        if (width < 0 && !step.optional) return -1;
        end += Math.max(0, width);
        break;
      }
      case 'run': {
        const taken = Math.min(view.runEnd(step.set, end) - end, step.most);
        if (taken < step.least) return -1;
        end += taken;
        break;
      }
      default:
        return step satisfies never;
    }
  }
  return end;
}
