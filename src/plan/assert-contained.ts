// Refuses a plan that would give a container more than it must have. Looks at the final steps, whatever made them. Pure.
import { isAbsolute, normalize, relative } from 'node:path';
import { PROXY_UID, ROOT_REASON } from './agent-user.ts';
import type { ContainerSpec, Mount, NetworkSpec, Plan, Role, Step } from './plan.ts';
import { EGRESS_NETWORK, RELAY_CAPABILITIES } from './proxy-containers.ts';

/** A plan of ours that is not contained is a bug of ours: it must not run. */
export class NotContained extends Error {
  constructor(step: string, why: string) {
    super(`the plan is not contained: ${step}: ${why}`);
    this.name = 'NotContained';
  }
}

/** Every key that a container may have. What is not listed is refused, so that nothing new slips in. */
const CONTAINER_KEYS = [
  'Image', 'Entrypoint', 'Cmd', 'User', 'Hostname', 'WorkingDir', 'Env', 'Labels', 'Tty', 'OpenStdin', 'StdinOnce',
  'AttachStdin', 'AttachStdout', 'AttachStderr', 'HostConfig', 'NetworkingConfig',
]; // biome-ignore format: a list
const HOST_KEYS = [
  'NetworkMode', 'PidMode', 'IpcMode', 'CapDrop', 'CapAdd', 'SecurityOpt', 'ReadonlyRootfs', 'Tmpfs', 'Mounts', 'VolumesFrom',
  'PidsLimit', 'Memory', 'MemorySwap', 'NanoCpus', 'Init', 'AutoRemove', 'LogConfig', 'Ulimits', 'Sysctls', 'Dns', 'DnsSearch',
  'ExtraHosts',
  'ConsoleSize',
]; // biome-ignore format: a list
const KEYS_OF_PROXY = ['Sysctls', 'ExtraHosts', 'VolumesFrom'];
const PROXY_SYSCTLS: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '0',
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.icmp_ratelimit': '0',
};
/** Nobody mounts these or what is in them, wherever they lie. */
const HOST_SECRETS = ['/proc', '/sys', '/dev', '/run', '/var/run', '/etc', '/boot', '/var/lib/docker'];
const ENGINE_SOCKET = /(?:docker|containerd|podman|crio|buildkitd)[^/]*\.sock$/;

export function assertContained(plan: Plan, forbiddenMounts: readonly string[]): void {
  const names = new Map<Role, string>();
  for (const step of plan.steps) if (step.do === 'create-container') names.set(step.role, step.name);
  for (const step of plan.steps) {
    const refuse = (why: string): never => {
      throw new NotContained(step.id, why);
    };
    if (step.do === 'create-container') checkContainer(step, plan, names, forbiddenMounts, refuse);
    if (step.do === 'create-network') checkNetwork(step.network, refuse);
    if (step.do === 'connect-network' && step.role !== 'proxy') refuse('only the sidecar may have a second network');
  }
  checkOrder(plan);
}

type Refuse = (why: string) => never;
type CreateContainer = Extract<Step, { do: 'create-container' }>;

function checkContainer(
  step: CreateContainer,
  plan: Plan,
  names: ReadonlyMap<Role, string>,
  forbidden: readonly string[],
  refuse: Refuse,
): void {
  const { role, container } = step;
  const host = container.HostConfig;
  for (const key of Object.keys(container))
    if (!CONTAINER_KEYS.includes(key)) refuse(`"${key}" is not a setting of ours`);
  for (const key of Object.keys(host))
    if (!HOST_KEYS.includes(key)) refuse(`HostConfig "${key}" is not a setting of ours`);
  for (const key of KEYS_OF_PROXY) if (role !== 'proxy' && key in host) refuse(`${key} is for the sidecar alone`);

  if (role !== 'agent' && container.Entrypoint !== undefined) refuse('an entrypoint is for the agent alone');

  if (!same(host.CapDrop, ['ALL'])) refuse('capabilities are not dropped');
  if (host.CapAdd !== undefined && !(role === 'relay' && same(host.CapAdd, RELAY_CAPABILITIES)))
    refuse('a capability is added');
  if (!same(host.SecurityOpt, ['no-new-privileges'])) refuse('SecurityOpt is not exactly no-new-privileges');
  if (host.ReadonlyRootfs !== true) refuse('the root is writable');
  if (host.IpcMode !== 'private') refuse('IpcMode is not private');
  if (host.AutoRemove !== true) refuse('it would outlive its end');
  if (!(host.PidsLimit > 0) || !(host.Memory > 0) || !(host.NanoCpus > 0)) refuse('a limit is missing');
  if (host.MemorySwap !== host.Memory) refuse('it may swap');
  if (host.LogConfig.Type !== 'none') refuse('the engine would keep its output');
  for (const [name, value] of Object.entries(host.Sysctls ?? {}))
    if (PROXY_SYSCTLS[name] !== value) refuse(`sysctl ${name}`);
  for (const options of Object.values(host.Tmpfs))
    if (!/\bnosuid\b/.test(options) || !/\bnodev\b/.test(options)) refuse('a tmpfs allows suid or devices');

  checkUser(role, container, plan, refuse);
  checkNamespaces(role, container, plan, names, refuse);
  if (!(host.VolumesFrom ?? []).every((from) => from === names.get('relay'))) refuse('volumes of a foreign container');
  for (const mount of host.Mounts) checkMount(mount, forbidden, refuse);
}

function checkUser(role: Role, container: ContainerSpec, plan: Plan, refuse: Refuse): void {
  const { uid, gid } = plan.agentUser;
  const expected: Record<Role, string> = {
    proxy: `${PROXY_UID}:${PROXY_UID}`,
    relay: '0:0',
    agent: `${uid}:${gid}`,
    probe: `${uid}:${gid}`,
  };
  if (container.User !== expected[role]) refuse(`user ${container.User} instead of ${expected[role]}`);
  if (uid === PROXY_UID) refuse('the agent has the uid of the relay');
  if (uid === 0 && plan.agentUser.reason !== ROOT_REASON) refuse('the agent is root');
}

function checkNamespaces(
  role: Role,
  container: ContainerSpec,
  plan: Plan,
  names: ReadonlyMap<Role, string>,
  refuse: Refuse,
): void {
  const { NetworkMode, PidMode } = container.HostConfig;
  const relay = `container:${names.get('relay')}`;
  const internal = plan.steps.find((step) => step.do === 'create-network')?.name;
  const sealed = plan.topology === 'sealed';
  const expected: Record<Role, string | undefined> = {
    proxy: EGRESS_NETWORK,
    relay: 'none',
    agent: sealed ? relay : internal,
    probe: internal,
  };
  if (NetworkMode !== expected[role] || NetworkMode === undefined)
    refuse(`network ${NetworkMode} instead of ${expected[role]}`);
  if (PidMode !== (role === 'agent' && sealed ? relay : undefined)) refuse(`PID namespace ${PidMode}`);
  if (role === 'proxy' || role === 'relay') {
    if (container.NetworkingConfig !== undefined) refuse('more networks than planned');
    return;
  }
  const endpoints = Object.keys(container.NetworkingConfig?.EndpointsConfig ?? {});
  if (!same(endpoints, sealed ? [] : [String(internal)])) refuse('more networks than planned');
  if (!sealed && container.HostConfig.Dns?.length !== 1) refuse('the resolver is not the sidecar alone');
}

function checkMount(mount: Mount, forbidden: readonly string[], refuse: Refuse): void {
  switch (mount.Type) {
    case 'volume':
      if ('Source' in mount) refuse('a named volume');
      return;
    case 'tmpfs':
      return;
    case 'bind': {
      const source = mount.Source;
      if (!isAbsolute(source) || normalize(source) !== source)
        refuse(`the mount source ${source} is not a plain absolute path`);
      if (source === '/' || ENGINE_SOCKET.test(source)) refuse(`the mount of ${source}`);
      for (const path of HOST_SECRETS) if (isInside(source, path)) refuse(`the mount of ${source}`);
      for (const path of forbidden) if (isInside(path, source)) refuse(`the mount of ${source}, which holds ${path}`);
      return;
    }
    default:
      mount satisfies never;
      refuse('a mount of unknown type');
  }
}

function checkNetwork(network: NetworkSpec, refuse: Refuse): void {
  if (!network.Internal || network.EnableIPv6) refuse('the agent network is not internal, or has IPv6');
  if (network.Options['com.docker.network.bridge.inhibit_ipv4'] !== 'true')
    refuse('the host would have an address in it');
}

/** The agent starts only after the proof that there is no way out, and after everything that it relies on. */
function checkOrder(plan: Plan): void {
  const byId = new Map(plan.steps.map((step) => [step.id, step]));
  if (byId.size !== plan.steps.length) throw new NotContained('steps', 'two have the same id');
  const before = new Set<string>();
  const visit = (id: string) => {
    const step = byId.get(id);
    if (step === undefined) throw new NotContained('steps', `there is no step ${id}`);
    for (const earlier of step.after) if (!before.has(earlier)) visit(earlier);
    before.add(id);
  };
  visit('start-agent');
  const needed = ['ready-proxy', plan.topology === 'sealed' ? 'ready-relay' : 'ready-probe', 'write-trust'];
  for (const id of needed) if (!before.has(id)) throw new NotContained('start-agent', `does not wait for ${id}`);
}

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || !(way === '..' || way.startsWith('../') || isAbsolute(way));
}

function same(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}
