// Makes and removes networks: the shared one of all sidecars, and those of internal sessions.
import { setTimeout } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { NetworkSpec } from '../plan/plan.ts';
import { BottleError } from '../report/bottle-error.ts';
import { engineMessage, engineStatus } from './engine-error.ts';

/** Another network already has addresses of the one that was asked for. */
export class SubnetTaken extends Error {}

/** Which device it has is no matter of containment: an earlier bottle may have left that to the engine. */
const BRIDGE_NAME = 'com.docker.network.bridge.name';
/** For a network to be seen that somebody else is just making, in ms. */
const SEEN_WITHIN_MS = 5000;

/** There is exactly one such network when it returns, however many ask at the same time. Its options must name its bridge. */
export async function ensureNetwork(docker: Docker, name: string, spec: NetworkSpec): Promise<void> {
  if (await isThere(docker, name, spec)) return;
  try {
    await docker.createNetwork({ Name: name, CheckDuplicate: true, ...writable(spec) });
  } catch (error) {
    const isTaken =
      engineStatus(error) === 409 || /same bridge name|already in use|already exists/i.test(engineMessage(error));
    if (!isTaken) throw error;
    const deadline = performance.now() + SEEN_WITHIN_MS;
    while (!(await isThere(docker, name, spec))) {
      if (performance.now() > deadline) throw error;
      await setTimeout(20);
    }
  }
}

async function isThere(docker: Docker, name: string, spec: NetworkSpec): Promise<boolean> {
  let found: Docker.NetworkInspectInfo;
  try {
    found = await docker.getNetwork(name).inspect();
  } catch (error) {
    if (engineStatus(error) === 404) return false;
    throw error;
  }
  const differs = Object.entries(spec.Options).find(
    ([option, value]) => option !== BRIDGE_NAME && found.Options?.[option] !== value,
  );
  if (found.Driver === spec.Driver && found.EnableIPv6 !== true && differs === undefined) return true;
  throw new BottleError({
    what: `the network ${name} is not as bottle makes it`,
    why:
      differs === undefined
        ? 'its driver or its IPv6 setting differs'
        : `its option ${differs[0]} is not ${differs[1]}`,
    fix: `remove it with "docker network rm ${name}"; the next start makes it anew`,
  });
}

export async function createNetwork(docker: Docker, name: string, spec: NetworkSpec): Promise<Docker.Network> {
  try {
    return await docker.createNetwork({ Name: name, CheckDuplicate: true, ...writable(spec) });
  } catch (error) {
    if (/overlap/i.test(engineMessage(error))) throw new SubnetTaken(engineMessage(error));
    throw error;
  }
}

/** Fine when it is gone already. Members that are just being removed are waited for. */
export async function removeNetwork(network: Docker.Network): Promise<void> {
  for (let left = 20; ; left--) {
    try {
      await network.remove();
      return;
    } catch (error) {
      if (engineStatus(error) === 404) return;
      if (left === 0 || !/active endpoints/.test(engineMessage(error))) throw error;
      await setTimeout(50);
    }
  }
}

/** The client's types want arrays that may be written to; the engine does not. */
function writable(spec: NetworkSpec) {
  const { IPAM, Options, Labels, ...rest } = spec;
  return {
    ...rest,
    Options: { ...Options },
    Labels: { ...Labels },
    ...(IPAM === undefined ? {} : { IPAM: { Config: IPAM.Config.map((config) => ({ ...config })) } }),
  };
}
