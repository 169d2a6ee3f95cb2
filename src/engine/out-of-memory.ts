// Asks the engine whether the kernel ended something in a container because its memory was used up: the exit code alone does not tell.
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';

/** Looks back, so that nothing has to be watched while the agent runs; the container may be gone by now. */
export async function ranOutOfMemory(docker: Docker, container: string, since: Date): Promise<boolean> {
  const events = await docker.getEvents({
    since: seconds(since),
    until: seconds(new Date()),
    filters: { type: ['container'], container: [container], event: ['oom'] },
  } as object); // the client's types know whole seconds only
  return (await text(events)).trim() !== '';
}

/** With the fraction: the engine answers at once when the moment has passed. */
function seconds(moment: Date): string {
  return (moment.getTime() / 1000).toFixed(3);
}
