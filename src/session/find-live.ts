// Finds the running session that a person means by NAME or ID: by labels on the engine, since that is what runs.
import type Docker from 'dockerode';
import { type Leftover, listSessionObjects } from '../engine/reap.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { nearest } from '../report/nearest.ts';

export interface LiveSession {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly objects: readonly Leftover[];
  /** Id of the agent's container, when it runs. */
  readonly agent: string | undefined;
}

export async function listLiveSessions(docker: Docker): Promise<readonly LiveSession[]> {
  const bySession = Map.groupBy(await listSessionObjects(docker), ({ session }) => session);
  return [...bySession].map(([id, objects]) => ({
    id,
    name: objects[0]?.sessionName ?? id,
    owner: objects[0]?.owner ?? '',
    objects,
    agent: objects.find(({ role, state }) => role === 'agent' && state === 'running')?.id,
  }));
}

export async function findLiveSession(docker: Docker, query: string): Promise<LiveSession> {
  const sessions = await listLiveSessions(docker);
  const exact = sessions.find(({ id }) => id === query);
  if (exact !== undefined) return exact;
  const named = sessions.filter(({ name }) => name === query);
  if (named.length === 1 && named[0] !== undefined) return named[0];
  if (named.length > 1) {
    throw new BottleError({
      what: `${named.length} sessions of the name "${query}" run`,
      why: `they are ${named.map(({ id }) => id).join(', ')}`,
      fix: 'give the id of one',
      exitCode: EXIT.input,
    });
  }
  const near = nearest(
    query,
    sessions.flatMap(({ id, name }) => [id, name]),
  );
  throw new BottleError({
    what: `no session "${query}" runs`,
    why: sessions.length === 0 ? 'none runs at all' : `those that run are ${sessions.map(({ id }) => id).join(', ')}`,
    fix: near === undefined ? '"bottle ps" lists them' : `did you mean "${near}"?`,
    exitCode: EXIT.input,
  });
}
