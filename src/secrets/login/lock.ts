// One renewal of a login at a time, over all sessions of this person: two with the same refresh token would look like theft to its service.
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateDir } from '../../state/paths.ts';
import { Unresolved } from '../unresolved.ts';
import { holdingSignals } from './hold-signals.ts';

const PATIENCE_MS = 45_000;
const PAUSE_MS = 50;

/** Throws Unresolved when somebody holds it too long. A signal ends us when `act` is over, not in the middle of it. */
export async function withLock<T>(path: string, act: () => Promise<T>): Promise<T> {
  const directory = join(stateDir(), 'locks');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = createHash('sha256')
    .update(await realOf(path))
    .digest('hex');
  const lock = join(directory, name);
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await take(lock))) {
    if (performance.now() > deadline) throw new Unresolved('another session has been renewing the login for too long');
    await sleep(PAUSE_MS);
  }
  return holdingSignals(async () => {
    try {
      return await act();
    } finally {
      await rm(lock, { force: true });
    }
  });
}

/** Held by a process that lives; what another one left is taken away. It is there with its holder's name in it, or not at all. */
async function take(lock: string): Promise<boolean> {
  const draft = `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, String(process.pid), { flag: 'wx', mode: 0o600 });
    await link(draft, lock);
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const holder = Number(await readFile(lock, 'utf8').catch(() => '')); // gone meanwhile: the next try takes it
  if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
  return false;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => path); // reading it says why it is not there
}
