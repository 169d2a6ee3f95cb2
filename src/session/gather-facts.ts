// Looks at the machine, the user and the engine for what planning needs to know.

import { randomInt } from 'node:crypto';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '../engine/connect.ts';
import { chooseAgentUser } from '../plan/agent-user.ts';
import type { Facts, Subnet } from '../plan/facts.ts';
import type { AgentUser } from '../plan/plan.ts';
import { pickSubnet } from '../plan/subnet.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { Bottle } from '../spec/bottle.ts';
import { checkWorkspace } from '../workspace/check-workspace.ts';
import { findHidden, type Hidden } from '../workspace/hide.ts';
import { type HostAddresses, parseHosts, parseNameservers, readTextIfThere } from './host-addresses.ts';

export interface WorkspaceFacts {
  readonly user: AgentUser;
  readonly hidden: readonly Hidden[];
  /** Without links; null without a workspace. */
  readonly path: string | null;
}

export interface EngineFacts {
  readonly cpus: number;
  readonly root: string | undefined;
}

/** Sockets of engines that people have; whoever reaches one is root. */
const KNOWN_SOCKETS = ['/var/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'];

export async function readEngineFacts({ docker }: Engine): Promise<EngineFacts> {
  const info: unknown = await docker.info();
  const of = (key: string) =>
    typeof info === 'object' && info !== null ? (info as Record<string, unknown>)[key] : undefined;
  const cpus = of('NCPU');
  const root = of('DockerRootDir');
  return { cpus: typeof cpus === 'number' && cpus > 0 ? cpus : 1, root: typeof root === 'string' ? root : undefined };
}

export function forbiddenMounts(engineUrl: string, stateDirectory: string): readonly string[] {
  const own = engineUrl.startsWith('unix://') ? [engineUrl.slice('unix://'.length)] : [];
  return [
    ...new Set([...KNOWN_SOCKETS, ...own].flatMap((path) => [path, realpathIfThere(path)])),
    join(stateDirectory, 'sessions'),
  ];
}

/** Looks at the workspace: may it be given away, whose is it, and what of it must not be seen. */
export function readWorkspace(
  bottle: Bottle,
  stateDirectory: string,
  sockets: readonly string[],
  engineRoot: string | undefined,
): WorkspaceFacts {
  const caller = { uid: process.getuid?.() ?? 1000, gid: process.getgid?.() ?? 1000 };
  const asked = bottle.agent.user;
  const given = bottle.workspace.path;
  if (given === null) return { user: chooseAgentUser({ asked, caller, workspace: null }), hidden: [], path: null };
  const path = realWorkspace(given);
  checkWorkspace(path, {
    home: realpathIfThere(homedir()),
    stateDirectory: realpathIfThere(stateDirectory),
    engineSockets: sockets.filter((socket) => socket.endsWith('.sock')),
    engineRoot,
  });
  const { uid, gid } = statSync(path);
  return {
    user: chooseAgentUser({ asked, caller, workspace: { uid, gid } }),
    hidden: findHidden(path, bottle.workspace.hide),
    path,
  };
}

export async function freeSubnet({ docker }: Engine, host: HostAddresses): Promise<Subnet> {
  const networks = await docker.listNetworks();
  const used = networks.flatMap((network) =>
    (network.IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet])),
  );
  return pickSubnet([...used, ...host.networks], (below) => randomInt(below));
}

/** What must not answer the agent: this host on every address of it, its resolvers, its gateway, and the metadata service. */
export function probeTargets(host: HostAddresses, port: number | string, subnet: Subnet | null): Facts['probe'] {
  const nameservers = parseNameservers(readTextIfThere('/etc/resolv.conf'));
  const gateways = [
    ...defaultGateways(readTextIfThere('/proc/net/route')),
    ...(subnet === null ? [] : [subnet.gateway]),
  ];
  return {
    tcp: [
      ...[...host.ipv4, ...gateways].map((address) => `${address}:${port}`),
      ...nameservers.map((address) => `${address}:53`),
      '169.254.169.254:80',
    ],
    dns: [...nameservers, ...gateways].map((address) => `${address}:53`),
  };
}

export function proxyHosts(bottle: Bottle): Readonly<Record<string, string>> {
  return parseHosts(
    readTextIfThere('/etc/hosts'),
    bottle.egress.allow.map(({ host }) => host),
  );
}

/** Addresses of default routes in the kernel's table: hexadecimal, in the byte order of the machine. */
export function defaultGateways(routes: string): readonly string[] {
  return routes
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, gateway]) => destination === '00000000' && gateway !== undefined && gateway !== '00000000')
    .map(([, , gateway = '']) =>
      (gateway.match(/../g) ?? [])
        .reverse()
        .map((byte) => Number.parseInt(byte, 16))
        .join('.'),
    );
}

function realWorkspace(path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
    readdirSync(real);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const why: Record<string, string> = {
      ENOENT: 'it does not exist',
      ENOTDIR: 'it is not a directory',
      EACCES: 'you may not read it',
    };
    throw new BottleError({
      what: `the workspace ${path} cannot be used`,
      why: why[String(code)] ?? String(error),
      fix: 'make it, or name another directory in workspace.path',
      exitCode: EXIT.input,
      cause: error,
    });
  }
  return real;
}

function realpathIfThere(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // what does not exist has no other name
  }
}
