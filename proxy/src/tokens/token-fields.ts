// Which fields of an answer are tokens. Pure.
import { compileGlob } from '../pipeline/glob.ts';

export interface TokenFields {
  /** The pattern that names a field, as the spec has it; null = none does. Of several the one without `*`. */
  nameOf(path: readonly string[]): string | null;
}

interface Field {
  readonly pattern: string;
  matches(path: readonly string[]): boolean;
}

export function compileFields(patterns: readonly string[]): TokenFields {
  const fields = patterns
    .map((pattern): Field => ({ pattern, matches: compileField(pattern) }))
    .sort((a, b) => Number(isOpen(a.pattern)) - Number(isOpen(b.pattern)));
  return { nameOf: (path) => fields.find((field) => field.matches(path))?.pattern ?? null };
}

export const isOpen = (pattern: string): boolean => pattern.includes('*');

/** Services disagree about letter case, and a parser may be lenient: it tells no two fields apart. */
function compileField(pattern: string): Field['matches'] {
  const lower = pattern.toLowerCase();
  // `**` for a key, which may hold a slash.
  const globs = lower.split('.').map((part) => compileGlob(part.replaceAll(/\*+/g, '**')));
  return (path) => {
    const last = path.at(-1);
    if (last === undefined) return false;
    if (globs.length === 1) return globs[0]!(last.toLowerCase());
    if (path.length === globs.length) return path.every((key, index) => globs[index]!(key.toLowerCase()));
    return path.length < globs.length && path.join('.').toLowerCase() === lower;
  };
}
