// Finds what sessions left on the engine, by label, and removes what belongs to a session whose process is dead.
import type Docker from 'dockerode';
import { engineStatus } from './engine-error.ts';
import { removeContainer } from './live-container.ts';
import { removeNetwork } from './networks.ts';

export interface Leftover {
  readonly kind: 'container' | 'network' | 'volume';
  readonly id: string;
  readonly name: string;
  /** Label `bottle.id`. */
  readonly session: string;
  readonly sessionName: string;
  readonly owner: string;
  readonly role: string;
  /** `running`, `created`, …; '' for what has no state. */
  readonly state: string;
}

const FILTER = { filters: { label: ['bottle.id'] } };

/** Everything on the engine that belongs to a session, living or not. */
export async function listSessionObjects(docker: Docker): Promise<readonly Leftover[]> {
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, ...FILTER }),
    docker.listNetworks(FILTER),
    docker.listVolumes(FILTER),
  ]);
  return [
    ...containers.map((container) => ({
      kind: 'container' as const,
      id: container.Id,
      name: container.Names[0]?.replace(/^\//, '') ?? container.Id,
      state: container.State,
      ...fromLabels(container.Labels),
    })),
    ...networks.map((network) => ({
      kind: 'network' as const,
      id: network.Id,
      name: network.Name,
      state: '',
      ...fromLabels(network.Labels ?? {}),
    })),
    ...(volumes.Volumes ?? []).map((volume) => ({
      kind: 'volume' as const,
      id: volume.Name,
      name: volume.Name,
      state: '',
      ...fromLabels(volume.Labels ?? {}),
    })),
  ];
}

/** Containers first: networks and volumes are in use until then. */
export async function removeObjects(docker: Docker, objects: readonly Leftover[]): Promise<void> {
  const of = (kind: Leftover['kind']) => objects.filter((object) => object.kind === kind);
  await Promise.all(of('container').map(({ id }) => removeContainer(docker.getContainer(id))));
  await Promise.all([
    ...of('network').map(({ id }) => removeNetwork(docker.getNetwork(id))),
    ...of('volume').map(({ id }) => removeVolume(docker, id)),
  ]);
}

async function removeVolume(docker: Docker, name: string): Promise<void> {
  try {
    await docker.getVolume(name).remove();
  } catch (error) {
    if (engineStatus(error) !== 404) throw error; // anonymous ones went with their container
  }
}

function fromLabels(labels: Readonly<Record<string, string>>) {
  return {
    session: labels['bottle.id'] ?? '',
    sessionName: labels['bottle.name'] ?? '',
    owner: labels['bottle.owner'] ?? '',
    role: labels['bottle.role'] ?? '',
  };
}
