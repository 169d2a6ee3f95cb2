// Writes the files that a push brings into a directory, one a blob, for engines that read files.
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { printable } from '../report/printable.ts';
import { git, TRUE_HISTORY } from './git.ts';
import { type PushScope, stdinOf } from './push-scope.ts';

export interface PushedFile {
  readonly path: string;
  /** null = it is in no commit. */
  readonly commit: string | null;
}

const LINK_TO_REPOSITORY = '160000';

/** By the id of the blob, which is the name of the file that `writeBlobs` makes. The oldest commit that brings it counts. */
export async function filesOf(scope: PushScope): Promise<ReadonlyMap<string, PushedFile>> {
  const files = new Map<string, PushedFile>();
  for (const id of scope.loose) {
    const type = await git(['cat-file', '-t', id]);
    if (type === 'blob') files.set(id, { path: 'a blob', commit: null });
    else if (type === 'tree') {
      for (const entry of (await git(['ls-tree', '-r', '-z', id])).split('\0')) {
        const [, mode, blob, path] = /^(\d+) \w+ (\w+)\t(.+)$/s.exec(entry) ?? [];
        if (blob !== undefined && mode !== LINK_TO_REPOSITORY) files.set(blob, { path: path ?? '', commit: null });
      }
    }
  }
  if (scope.commits.length === 0) return files;
  const log = ['log', '-z', '--format=%x01%H', '--raw', '--no-abbrev', '--no-renames', '--root', '-m', '--stdin'];
  const records = (await git([...log, '--no-show-signature', '--no-color'], await stdinOf(scope))).split('\0');
  let commit = '';
  for (let i = 0; i < records.length; i++) {
    const head = /\u0001([0-9a-f]+)/.exec(records[i]!);
    if (head !== null) commit = head[1]!;
    const [, mode, blob] = /:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) \w+$/.exec(records[i]!) ?? [];
    if (blob === undefined || mode === LINK_TO_REPOSITORY || /^0+$/.test(blob)) continue;
    files.set(blob, { path: records[++i]!, commit });
  }
  return files;
}

/** One file a blob, named by its id. */
export async function writeBlobs(ids: Iterable<string>, directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700, recursive: true });
  const batch = execa('git', ['cat-file', '--batch'], {
    ...{ env: TRUE_HISTORY, input: [...ids].map((id) => `${id}\n`).join(''), encoding: 'buffer', buffer: false },
  });
  let blob: { readonly out: WriteStream; left: number } | null = null;
  let head = Buffer.alloc(0);
  for await (const piece of batch.stdout) {
    for (let chunk = piece as Buffer; chunk.length > 0; ) {
      if (blob === null) {
        // `ID blob SIZE`, after the line feed that ends the one before.
        const end = chunk.indexOf(LINE_FEED);
        head = Buffer.concat([head, end < 0 ? chunk : chunk.subarray(0, end)]);
        chunk = end < 0 ? NOTHING : chunk.subarray(end + 1);
        if (end < 0 || head.length === 0) continue;
        const [id = '', type, size] = head.toString('latin1').split(' ');
        if (type !== 'blob') throw new Error(`git cat-file: ${printable(head.toString('latin1'))}`);
        head = NOTHING;
        blob = { out: createWriteStream(join(directory, id), { mode: 0o600 }), left: Number(size) };
      }
      const part: Buffer = chunk.subarray(0, blob.left);
      chunk = chunk.subarray(part.length);
      blob.left -= part.length;
      if (part.length > 0 && !blob.out.write(part)) await once(blob.out, 'drain');
      if (blob.left > 0) continue;
      blob.out.end();
      await finished(blob.out);
      blob = null;
    }
  }
  await batch;
}

const LINE_FEED = 0x0a;
const NOTHING = Buffer.alloc(0);
