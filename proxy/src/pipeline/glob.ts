// Globs of rules: `*` stops at `/`, `**` does not. Matching is O(text * pattern) whatever the text: an agent chooses the text.

export type Glob = (text: string) => boolean;

/**
 * What stands before a literal: `star` any run without `/`, `deep` any run, `dirs` whole directories, none included (from `/**` + `/`:
 * `/a/**` + `/b` covers `/a/b` and `/a/x/y/b`).
 */
type Gap = 'star' | 'deep' | 'dirs';

interface Piece {
  readonly gap: Gap;
  /** What must stand after the gap; only the last may be empty. */
  readonly literal: string;
}

/** Does the pattern match every text that begins with `/`? */
export function coversEveryPath(pattern: string): boolean {
  return pattern === '**' || pattern === '/**';
}

export function compileGlob(pattern: string): Glob {
  const { head, pieces } = parse(pattern);
  const last = pieces.at(-1);
  if (last === undefined) return (text) => text === head;
  const middle = pieces.slice(0, -1);
  return (text) => {
    if (!text.startsWith(head)) return false;
    /** Where a literal may have ended so far, ascending. */
    let ends: readonly number[] = [head.length];
    for (const piece of middle) {
      ends = reach(text, ends, piece);
      if (ends.length === 0) return false;
    }
    const at = text.length - last.literal.length;
    return at >= ends[0]! && text.endsWith(last.literal) && bridges(text, ends, last.gap, at);
  };
}

function parse(pattern: string): { head: string; pieces: Piece[] } {
  // `/**/` matches one `/` or `/…/`: a `dirs` gap right after the first slash.
  const tokens = pattern.split(/((?<=\/)\*\*\/|\*+)/);
  const head = tokens[0] ?? '';
  const pieces: Piece[] = [];
  for (let i = 1; i < tokens.length; i += 2) {
    const token = tokens[i]!;
    const gap: Gap = token === '**/' ? 'dirs' : token === '*' ? 'star' : 'deep';
    const literal = tokens[i + 1] ?? '';
    const before = pieces.at(-1);
    if (before !== undefined && before.literal === '')
      pieces[pieces.length - 1] = { gap: widest(before.gap, gap), literal };
    else pieces.push({ gap, literal });
  }
  return { head, pieces };
}

/** Two gaps with nothing between them: whole directories and then a run without `/` are any run. */
function widest(a: Gap, b: Gap): Gap {
  return a === b ? a : 'deep';
}

/** All ends of `piece.literal` that can be reached from one of `ends`. */
function reach(text: string, ends: readonly number[], piece: Piece): readonly number[] {
  const { gap, literal } = piece;
  const reached: number[] = [];
  let from = 0;
  let slash = -1;
  for (let at = text.indexOf(literal, ends[0]); at !== -1; at = text.indexOf(literal, at + 1)) {
    if (gap === 'star') {
      // The latest start at or before `at` has the least text to bridge.
      while (from + 1 < ends.length && ends[from + 1]! <= at) from++;
      if (slash < ends[from]!) slash = indexOrEnd(text, ends[from]!);
      if (at > slash) {
        // No start reaches beyond this slash: go on at the next start.
        const next = ends[from + 1];
        if (next === undefined) break;
        if (next > at) at = next - 1;
        continue;
      }
    } else if (gap === 'dirs' && text[at - 1] !== '/') {
      continue;
    }
    reached.push(at + literal.length);
  }
  return reached;
}

function bridges(text: string, ends: readonly number[], gap: Gap, at: number): boolean {
  if (gap === 'deep') return true;
  // Before a `dirs` gap stands a `/`, so that no directory at all is covered, too.
  if (gap === 'dirs') return text[at - 1] === '/';
  let latest = ends[0]!;
  for (const end of ends) {
    if (end > at) break;
    latest = end;
  }
  return indexOrEnd(text, latest) >= at;
}

function indexOrEnd(text: string, from: number): number {
  const at = text.indexOf('/', from);
  return at === -1 ? text.length : at;
}
