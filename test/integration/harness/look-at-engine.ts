// What is on the engine, seen past bottle: for tests that compare it with what bottle says.
import { setTimeout } from 'node:timers/promises';
import Docker from 'dockerode';
import { locateEngine } from '../../../src/engine/connect.ts';

export function openEngine(): Docker {
  const address = locateEngine();
  return address.kind === 'unix'
    ? new Docker({ socketPath: address.path })
    : new Docker({ protocol: 'http', host: address.host, port: address.port });
}

/** Names of containers, networks and volumes of a session, by its name. */
export async function leftOf(docker: Docker, name: string): Promise<readonly string[]> {
  const filters = { label: [`bottle.name=${name}`] };
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names }) => Names.join()),
    ...networks.map(({ Name }) => Name),
    ...(volumes.Volumes ?? []).map(({ Name }) => Name),
  ];
}

export async function containerOf(docker: Docker, name: string, role: string): Promise<Docker.Container> {
  const filters = { label: [`bottle.name=${name}`, `bottle.role=${role}`] };
  const [found] = await docker.listContainers({ all: true, filters });
  if (found === undefined) throw new Error(`no ${role} of ${name}`);
  return docker.getContainer(found.Id);
}

/** Looks until it is so: never a fixed time. */
export async function until(what: string, look: () => Promise<boolean> | boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await setTimeout(25);
  }
}
