// Clears up after sessions whose process was killed. Never touches one that lives, or one that it cannot judge.
import type Docker from 'dockerode';
import { type Leftover, listSessionObjects, removeObjects } from '../engine/reap.ts';
import { listSessions } from '../state/sessions.ts';
import { livenessOf } from './owner.ts';
import { readState, writeState } from './session-record.ts';

export interface Reaped {
  readonly sessions: readonly string[];
  readonly objects: readonly Leftover[];
  /** Sessions of other machines or containers that share the engine. */
  readonly unknown: readonly string[];
}

export async function reapSessions(docker: Docker, stateDirectory: string): Promise<Reaped> {
  const objects = await listSessionObjects(docker);
  const dead = objects.filter(({ owner }) => livenessOf(owner) === 'dead');
  await removeObjects(docker, dead);
  const marked = await markDead(stateDirectory);
  return {
    sessions: [...new Set([...dead.map(({ session }) => session), ...marked])],
    objects: dead,
    unknown: [...new Set(objects.filter(({ owner }) => livenessOf(owner) === 'unknown').map(({ session }) => session))],
  };
}

/** Sessions on disk that say they run, and do not. */
async function markDead(stateDirectory: string): Promise<readonly string[]> {
  const open = (await listSessions(stateDirectory)).filter(({ endedAt }) => endedAt === null);
  const endedAt = new Date().toISOString();
  const marked: string[] = [];
  for (const { paths } of open) {
    const state = readState(paths);
    if (state === null || livenessOf(state.owner) !== 'dead') continue;
    writeState(paths, { ...state, endedAt, status: 'reaped' });
    marked.push(state.id);
  }
  return marked;
}
