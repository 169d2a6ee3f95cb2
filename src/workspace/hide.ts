// Finds what of a workspace the agent must not see: files and directories named by `hide` globs, and their other names.
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { BottleError } from '../report/bottle-error.ts';
import { compileGlob, type PathGlob } from './glob.ts';

export interface Hidden {
  /** Relative to the workspace, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
}

export interface HideLimits {
  /** Entries looked at before we give up. */
  readonly entries: number;
  /** Most mounts that a container gets for this. */
  readonly masks: number;
}

const DEFAULT_LIMITS: HideLimits = { entries: 500_000, masks: 256 };

/**
 * Everything that is named by the globs, without what lies in a hidden directory anyway. Links are not followed while
 * looking; a link that is named hides what it points to, as long as that is inside. Hard links to a hidden file are hidden too.
 */
export function findHidden(
  root: string,
  globs: readonly string[],
  limits: HideLimits = DEFAULT_LIMITS,
): readonly Hidden[] {
  if (globs.length === 0) return [];
  const walk = new Walk(root, globs.map(compileGlob), limits);
  const named = walk.named();
  const all = dropCovered([...named, ...walk.otherNames(named)]);
  if (all.length > limits.masks) {
    throw new BottleError({
      what: `workspace.hide names ${all.length} files and directories`,
      why: `each costs a mount, and ${limits.masks} is the most`,
      fix: 'hide the directories that hold them instead',
    });
  }
  return all;
}

class Walk {
  readonly #root: string;
  readonly #globs: readonly PathGlob[];
  readonly #limits: HideLimits;
  #seen = 0;

  constructor(root: string, globs: readonly PathGlob[], limits: HideLimits) {
    this.#root = realpathSync(root);
    this.#globs = globs;
    this.#limits = limits;
  }

  named(): Hidden[] {
    const found: Hidden[] = [];
    const visit = (directory: string) => {
      for (const entry of this.#entries(directory)) {
        const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
        const isDirectory = entry.isDirectory();
        if (this.#globs.some((glob) => glob.matches(path, isDirectory))) {
          const hidden = entry.isSymbolicLink()
            ? this.#target(path)
            : ({ path, kind: isDirectory ? 'directory' : 'file' } as const);
          if (hidden !== undefined) found.push(hidden);
        } else if (isDirectory && this.#globs.some((glob) => glob.reaches(path))) {
          visit(path);
        }
      }
    };
    visit('');
    return found;
  }

  /** Hard links: the same file under a name that no glob matches. */
  otherNames(named: readonly Hidden[]): Hidden[] {
    const inodes = new Set<string>();
    for (const { path, kind } of named) {
      if (kind === 'file') this.#collectLinked(path, inodes);
      else this.#walkFiles(path, (file) => this.#collectLinked(file, inodes));
    }
    if (inodes.size === 0) return [];
    const found: Hidden[] = [];
    this.#walkFiles('', (path) => {
      const { dev, ino, nlink } = lstatSync(join(this.#root, path));
      if (nlink > 1 && inodes.has(`${dev}:${ino}`)) found.push({ path, kind: 'file' });
    });
    return found;
  }

  #collectLinked(path: string, inodes: Set<string>): void {
    const { dev, ino, nlink } = lstatSync(join(this.#root, path));
    if (nlink > 1) inodes.add(`${dev}:${ino}`);
  }

  #walkFiles(directory: string, onFile: (path: string) => void): void {
    for (const entry of this.#entries(directory)) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) this.#walkFiles(path, onFile);
      else if (entry.isFile()) onFile(path);
    }
  }

  /** Where a named link leads; nothing to hide when that is outside, since the agent cannot get there. */
  #target(path: string): Hidden | undefined {
    let real: string;
    try {
      real = realpathSync(join(this.#root, path));
    } catch {
      return undefined; // it leads nowhere
    }
    if (!real.startsWith(this.#root + sep)) return undefined;
    return {
      path: relative(this.#root, real).split(sep).join('/'),
      kind: statSync(real).isDirectory() ? 'directory' : 'file',
    };
  }

  #entries(directory: string) {
    const path = join(this.#root, directory);
    let entries: ReturnType<typeof list>;
    try {
      entries = list(path);
    } catch (error) {
      // What we cannot read, the agent might: without looking inside we cannot keep the promise of `hide`.
      throw new BottleError({
        what: `cannot look for hidden files in ${path}`,
        why: error instanceof Error ? error.message : String(error),
        fix: 'make the directory readable, or hide it as a whole',
        cause: error,
      });
    }
    this.#seen += entries.length;
    if (this.#seen > this.#limits.entries) {
      throw new BottleError({
        what: `the workspace ${this.#root} has more than ${this.#limits.entries} entries`,
        why: 'workspace.hide has to look at each of them',
        fix: 'name the hidden paths without "**", or give a smaller workspace',
      });
    }
    return entries;
  }
}

function list(path: string) {
  return readdirSync(path, { withFileTypes: true });
}

/** Once each, and nothing below a hidden directory. Shallow paths first. */
function dropCovered(hidden: readonly Hidden[]): Hidden[] {
  const kept = new Map<string, Hidden>();
  const covered = (path: string) =>
    path.split('/').some((_, depth, parts) => kept.get(parts.slice(0, depth).join('/'))?.kind === 'directory');
  for (const one of hidden.toSorted(
    (a, b) => a.path.split('/').length - b.path.split('/').length || (a.path < b.path ? -1 : 1),
  )) {
    if (!kept.has(one.path) && !covered(one.path)) kept.set(one.path, one);
  }
  return [...kept.values()];
}
