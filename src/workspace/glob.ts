// Globs over paths of a workspace: `*` and `?` stop at `/`, `**` does not; a trailing `/` means directories alone. Pure.

export interface PathGlob {
  readonly source: string;
  /** Does it name this path? Relative, with `/`, without a leading or trailing one. */
  matches(path: string, isDirectory: boolean): boolean;
  /** Could it name anything below this directory? */
  reaches(directory: string): boolean;
}

export function compileGlob(source: string): PathGlob {
  const directoriesOnly = source.endsWith('/');
  const segments = source
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .split('/')
    .filter((segment) => segment !== '.');
  return {
    source,
    matches: (path, isDirectory) => (isDirectory || !directoriesOnly) && matchAll(segments, path.split('/')),
    reaches: (directory) => matchPrefix(segments, directory === '' ? [] : directory.split('/')),
  };
}

function matchAll(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === '**') {
    // `a/**` means what is below a, and a itself: hiding a directory's content is hiding the directory.
    if (rest.length === 0) return true;
    return path.some((_, index) => matchAll(rest, path.slice(index)));
  }
  const [name, ...below] = path;
  return name !== undefined && matchSegment(first, name) && matchAll(rest, below);
}

function matchPrefix(glob: readonly string[], directory: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return false;
  if (first === '**') return true;
  const [name, ...below] = directory;
  return name === undefined || (matchSegment(first, name) && matchPrefix(rest, below));
}

function matchSegment(glob: string, name: string): boolean {
  if (!/[*?]/.test(glob)) return glob === name;
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${pattern}$`, 's').test(name);
}
