// Reads the sessions that are on disk.
import { readdir, readFile } from 'node:fs/promises';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { nearest } from '../report/nearest.ts';
import { livenessOf } from '../session/owner.ts';
import { type SessionPaths, sessionPaths, sessionsDir } from './paths.ts';
import { parseStoredSession, pickSession, type StoredSession, sortSessions } from './stored-session.ts';

export type SessionOnDisk = StoredSession & { readonly paths: SessionPaths };

/** Every readable session, newest first. A directory without a whole session.json is skipped: it is being born or dying. */
export async function listSessions(state: string): Promise<SessionOnDisk[]> {
  const ids = await entriesOf(sessionsDir(state));
  const read = await Promise.all(ids.map((id) => readSession(state, id)));
  return sortSessions(read.filter((session) => session !== null));
}

/** Null when there is no such session (any more). */
export async function readSession(state: string, id: string): Promise<SessionOnDisk | null> {
  const paths = sessionPaths(state, id);
  const text = await textOf(paths.sessionFile);
  const session = text === null ? null : parseStoredSession(text);
  return session === null ? null : { ...session, paths };
}

export interface FindOptions {
  /** One that runs goes before a newer one that has ended. */
  readonly prefersRunning?: boolean;
}

/** The session that a NAME or ID means, or the newest; a BottleError when there is none. */
export async function findSession(
  state: string,
  query: string | undefined,
  { prefersRunning = false }: FindOptions = {},
): Promise<SessionOnDisk> {
  const sessions = await listSessions(state);
  const running = prefersRunning ? pickSession(sessions.filter(isRunning), query) : undefined;
  const found = running ?? pickSession(sessions, query);
  if (found !== undefined) return found;
  if (query === undefined) {
    throw new BottleError({
      what: 'there is no session',
      why: `nothing was started yet with the state directory ${state}`,
      fix: 'start one with "bottle start SPEC"',
      exitCode: EXIT.input,
    });
  }
  const near = nearest(query, [...new Set(sessions.flatMap(({ name, id }) => [name, id]))]);
  throw new BottleError({
    what: `no session "${query}"`,
    why: sessions.length === 0 ? 'nothing was started yet' : 'no name and no id is like that',
    fix: near === undefined ? '"bottle ps --all" lists them' : `did you mean "${near}"?`,
    exitCode: EXIT.input,
  });
}

/** Whether the CLI that started the session still runs it. One that we cannot see counts as running. */
export function isRunning({ endedAt, owner, pid }: StoredSession): boolean {
  if (endedAt !== null) return false;
  return owner === undefined ? isAlive(pid) : livenessOf(owner) !== 'dead';
}

function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function entriesOf(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
