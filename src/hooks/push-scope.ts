// Which objects a push brings to the remote: what its refs reach and the remote's own refs, as known here, do not.
import { askGit, git } from './git.ts';
import type { PushedRef } from './pushed-refs.ts';

export interface PushScope {
  /** Tips of what is pushed. */
  readonly commits: readonly string[];
  /** Commits that are there already. */
  readonly known: readonly string[];
  /** Names of remotes whose refs, as known here, are there already. */
  readonly remotes: readonly string[];
  /** Ids of annotated tags. */
  readonly tags: readonly string[];
  /** Trees and blobs that a ref points to without a commit. */
  readonly loose: readonly string[];
  /** Names that will be seen at the remote. */
  readonly names: readonly string[];
}

/** `remote`: its name, or its URL where it has none. */
export async function scopeOf(refs: readonly PushedRef[], remote: string): Promise<PushScope> {
  const commits = new Set<string>();
  const tags = new Set<string>();
  const loose = new Set<string>();
  const known = new Set<string>();
  for (const { localId, remoteId } of refs) {
    // What was there before can only be left out when it is here as well: after a forced push from elsewhere it is not.
    if (remoteId !== null && (await typeOf(`${remoteId}^{commit}`)) === 'commit') known.add(remoteId);
    for (let id = localId; id !== null; ) {
      const type = await typeOf(id);
      if (type === 'tag') {
        tags.add(id);
        id = await targetOf(id);
        continue;
      }
      (type === 'commit' ? commits : loose).add(id);
      break;
    }
  }
  const names = refs.filter(({ localId }) => localId !== null).map(({ remoteRef }) => remoteRef);
  const remotes = await remoteNames(remote);
  return { commits: [...commits], known: [...known], remotes, tags: [...tags], loose: [...loose], names };
}

/** The commits of a push, as `git log --stdin` takes them (before git 2.42 it takes no options there). */
export async function stdinOf({ commits, known, remotes }: PushScope): Promise<string> {
  const there = [...known];
  for (const name of remotes) {
    const refs = await git(['for-each-ref', '--format=%(objectname)', `refs/remotes/${name}/`]);
    there.push(...refs.split('\n').filter((id) => id !== ''));
  }
  return [...commits, ...there.map((id) => `^${id}`), ''].join('\n');
}

async function typeOf(id: string): Promise<string | null> {
  return askGit(['cat-file', '-t', id]);
}

/** The object that a tag names. */
async function targetOf(tag: string): Promise<string> {
  const [first = ''] = (await git(['cat-file', 'tag', tag])).split('\n');
  return first.replace(/^object /, '');
}

/** A push to a bare URL may go to a remote that has a name: then its refs are known as well. */
async function remoteNames(remote: string): Promise<readonly string[]> {
  const names = ((await askGit(['remote'])) ?? '').split('\n').filter((name) => name !== '');
  if (names.includes(remote)) return [remote];
  const same: string[] = [];
  for (const name of names) {
    const urls = (await askGit(['remote', 'get-url', '--push', '--all', name])) ?? '';
    if (urls.split('\n').includes(remote)) same.push(name);
  }
  return same;
}
