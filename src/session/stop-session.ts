// Ends a running session from another process: its agent first, so that its own bottle clears up; by force when that is gone.
import { setTimeout } from 'node:timers/promises';
import type Docker from 'dockerode';
import { engineStatus } from '../engine/engine-error.ts';
import { listSessionObjects, removeObjects } from '../engine/reap.ts';
import type { LiveSession } from './find-live.ts';
import { livenessOf } from './owner.ts';

/** Time for the agent to end after SIGTERM, in seconds. */
const GRACE_S = 10;
/** Time for the other bottle to clear up afterwards, in ms. */
const CLEAR_UP_MS = 10_000;
const LOOK_MS = 50;

export async function stopSession(docker: Docker, session: LiveSession): Promise<void> {
  const isOwned = livenessOf(session.owner) === 'alive';
  if (session.agent !== undefined) await stopAgent(docker, session.agent);
  else if (isOwned) tellOwner(session.owner);
  const objects = () => listSessionObjects(docker).then((all) => all.filter((object) => object.session === session.id));
  const deadline = performance.now() + CLEAR_UP_MS;
  while (isOwned && performance.now() < deadline) {
    if ((await objects()).length === 0) return;
    await setTimeout(LOOK_MS);
  }
  await removeObjects(docker, await objects());
}

async function stopAgent(docker: Docker, id: string): Promise<void> {
  try {
    await docker.getContainer(id).stop({ t: GRACE_S });
  } catch (error) {
    const status = engineStatus(error);
    if (status !== 304 && status !== 404) throw error; // it has ended meanwhile
  }
}

/** It is still starting: there is no agent to stop, but a process that knows what it has made. */
function tellOwner(owner: string): void {
  const pid = Number(owner.split('/')[2]);
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
