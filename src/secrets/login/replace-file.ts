// Replaces a private file as a whole, or not at all: same owner, same mode, never half of it, never through a link that came meanwhile.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Unresolved } from '../unresolved.ts';

/** Throws Unresolved when it could not be replaced. */
export async function assertReplaceable(path: string): Promise<void> {
  await named(path, async () => {
    const real = await realpath(path);
    await Promise.all([access(real, constants.W_OK), access(dirname(real), constants.W_OK)]);
  });
}

/** false: it no longer holds `before`, so it was left alone. A link to it stays one. */
export async function replaceFile(path: string, before: string, after: string): Promise<boolean> {
  return named(path, async () => {
    const real = await realpath(path);
    const { mode, uid, gid } = await stat(real);
    const draft = `${real}.${randomBytes(6).toString('hex')}`;
    try {
      await using file = await open(draft, 'wx', 0o600);
      await file.writeFile(after);
      await file.chmod(mode & 0o777);
      // Root works on the file of the person whose login it is.
      if (process.getuid?.() === 0) await file.chown(uid, gid);
      await file.sync();
      if (trimmed(await readFile(real, 'utf8')) !== trimmed(before)) return false;
      await rename(draft, real);
      return true;
    } finally {
      await rm(draft, { force: true });
    }
  });
}

/** Whoever read it as a secret lost the last line break. */
const trimmed = (text: string): string => text.replace(/\r?\n$/, '');

async function named<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new Unresolved(`the file ${path} cannot be written (${String(error.code)})`);
  }
}
