// Where a repository's pre-push hook has to go, so that what manages its hooks does not undo it.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { askGit, git } from './git.ts';

export type HookPlace =
  /** A file that git runs; an earlier one is kept beside it. */
  | { readonly kind: 'file'; readonly file: string }
  /** husky writes what git runs; the person's own file gets our lines. */
  | { readonly kind: 'husky'; readonly file: string }
  /** lefthook writes what git runs, from its configuration; ours goes into the local part of it. */
  | { readonly kind: 'lefthook'; readonly file: string };

const LEFTHOOK = ['lefthook', '.lefthook', '.config/lefthook'].flatMap((name) =>
  ['yml', 'yaml', 'toml', 'json', 'jsonc'].map((kind) => ({ name, file: `${name}.${kind}` })),
);

/** Of the repository that we are in. */
export async function hookPlace(): Promise<HookPlace> {
  const directory = resolve(await git(['rev-parse', '--git-path', 'hooks']));
  if (basename(directory) === '_' && existsSync(join(directory, 'h'))) {
    return { kind: 'husky', file: join(dirname(directory), 'pre-push') };
  }
  const top = await askGit(['rev-parse', '--show-toplevel']);
  const config = LEFTHOOK.find(({ file }) => top !== null && existsSync(join(top, file)));
  if (top !== null && config !== undefined) return { kind: 'lefthook', file: join(top, `${config.name}-local.yml`) };
  return { kind: 'file', file: join(directory, 'pre-push') };
}

/** The directory of hooks for all repositories: the one that git has been told of, or ours. */
export async function globalHooks(): Promise<{ readonly directory: string; readonly isOurs: boolean }> {
  const own = join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'bottle', 'git-hooks');
  const told = await askGit(['config', '--global', '--type=path', 'core.hooksPath']);
  return told === null || told === own ? { directory: own, isOurs: true } : { directory: resolve(told), isOurs: false };
}

export function textOf(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}
