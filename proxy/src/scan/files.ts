// Which files a scan reads: those named, and all regular ones below the directories named.
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProxyFailure } from '../failure.ts';

export interface FileList {
  readonly files: readonly string[];
  /** Directories that were left out, and what is neither file nor directory: links, sockets. */
  readonly skipped: number;
}

/** Their content came from elsewhere or is searched through the work tree; `everything` takes them in. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', 'node_modules']);

/** In the order of `targets`, below each by name. A target may be a link; below a directory links are not followed. */
export async function listFiles(targets: readonly string[], everything: boolean): Promise<FileList> {
  const files: string[] = [];
  let skipped = 0;

  async function walk(directory: string): Promise<void> {
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && (everything || !LEFT_OUT.has(entry.name))) await walk(path);
      else skipped++;
    }
  }

  for (const target of targets) {
    if (target === '-') {
      files.push(target);
      continue;
    }
    try {
      const about = await stat(target);
      if (about.isDirectory()) await walk(target);
      else files.push(target);
    } catch (error) {
      throw await unreadable(target, error);
    }
  }
  return { files, skipped };
}

async function unreadable(target: string, error: unknown): Promise<ProxyFailure> {
  const isLink = await lstat(target).then(
    (about) => about.isSymbolicLink(),
    () => false,
  );
  return new ProxyFailure({
    what: `cannot scan ${target}`,
    why: isLink ? 'it is a link that leads nowhere' : error instanceof Error ? error.message : String(error),
    fix: 'name files and directories that you may read, or - for stdin',
  });
}
