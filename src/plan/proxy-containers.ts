// The containers of our own beside the agent: the sidecar with the proxy, the relay in the agent's namespace, the probe. Pure.
import { PROXY_UID } from './agent-user.ts';
import type { Facts } from './facts.ts';
import { hardened, MEBIBYTE } from './hardening.ts';
import type { ContainerSpec } from './plan.ts';

/** Shared by all sessions of an engine; its members cannot reach each other. */
export const EGRESS_NETWORK = 'bottle-egress';
export const SOCKET_DIRECTORY = '/run/bottle';
export const RELAY_SOCKET = `${SOCKET_DIRECTORY}/relay.sock`;
export const LOG_DIRECTORY = '/var/log/bottle';
export const AUDIT_PATH = `${LOG_DIRECTORY}/audit.jsonl`;
export const EXPLICIT_PORT = 3128;
/** What the relay needs to own every address of its namespace, and to become somebody else. It drops all three before it listens. */
export const RELAY_CAPABILITIES = ['NET_ADMIN', 'SETGID', 'SETUID'] as const;

export type Labels = (role: string) => Readonly<Record<string, string>>;

const PROXY_LIMITS = { memoryBytes: 1024 * MEBIBYTE, pids: 128 };
const RELAY_LIMITS = { memoryBytes: 256 * MEBIBYTE, pids: 64 };

export function proxyContainer(facts: Facts, labels: Labels, relayName: string | null): ContainerSpec {
  const extraHosts = Object.entries(facts.proxyHosts).map(([name, address]) => `${name}:${address}`);
  return {
    Image: facts.images.proxy,
    Cmd: ['serve'],
    User: `${PROXY_UID}:${PROXY_UID}`,
    Env: [],
    Labels: labels('proxy'),
    ...pipes(true),
    HostConfig: {
      NetworkMode: EGRESS_NETWORK,
      ...hardened({ ...PROXY_LIMITS, cpus: Math.min(2, facts.engineCpus) }),
      Tmpfs: {},
      Mounts: [{ Type: 'bind', Source: facts.files.logDirectory, Target: LOG_DIRECTORY, ReadOnly: false }],
      // The relay's socket volume. Without a relay the sidecar listens on the internal network, on ports below 1024.
      ...(relayName === null ? {} : { VolumesFrom: [relayName] }),
      Sysctls: {
        'net.ipv4.ip_forward': '0',
        // Without a relay the agent tries QUIC at the sidecar: every try is refused at once, not the first six and then one a second.
        ...(relayName === null ? { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.icmp_ratelimit': '0' } : {}),
      },
      ...(extraHosts.length === 0 ? {} : { ExtraHosts: extraHosts }),
    },
  };
}

export function relayContainer(facts: Facts, labels: Labels, ports: readonly number[]): ContainerSpec {
  return {
    Image: facts.images.proxy,
    Cmd: ['relay'],
    User: '0:0',
    Hostname: 'bottle',
    Env: [
      `BOTTLE_SOCKET=${RELAY_SOCKET}`,
      `BOTTLE_PORTS=${ports.join(',')}`,
      `BOTTLE_PROBE=${JSON.stringify({ topology: 'sealed', ...facts.probe, proxy: null })}`,
    ],
    Labels: labels('relay'),
    ...pipes(false),
    HostConfig: {
      NetworkMode: 'none',
      ...hardened({ ...RELAY_LIMITS, cpus: Math.min(2, facts.engineCpus) }),
      CapAdd: RELAY_CAPABILITIES,
      // Processes of the agent end with this container, and orphans among them are reaped by its init.
      Init: true,
      Tmpfs: {},
      Mounts: [
        {
          Type: 'volume',
          Target: SOCKET_DIRECTORY,
          ReadOnly: false,
          VolumeOptions: { NoCopy: false, Labels: labels('socket') },
        },
      ],
      Dns: ['127.0.0.1'],
      // An empty list would mean the host's search domains.
      DnsSearch: ['.'],
    },
  };
}

/** The probe of the internal topology: the agent's own flags, our program. */
export function probeContainer(facts: Facts, labels: Labels, network: string, agent: ContainerSpec): ContainerSpec {
  const { NetworkMode, IpcMode, CapDrop, SecurityOpt, Dns, DnsSearch } = agent.HostConfig;
  return {
    Image: facts.images.proxy,
    Cmd: ['probe'],
    User: agent.User,
    Hostname: 'bottle',
    Env: [
      `BOTTLE_PROBE=${JSON.stringify({
        topology: 'internal',
        ...facts.probe,
        proxy: `${facts.subnet.proxy}:${EXPLICIT_PORT}`,
      })}`,
    ],
    Labels: labels('probe'),
    ...pipes(false),
    HostConfig: {
      ...hardened({ ...RELAY_LIMITS, cpus: Math.min(2, facts.engineCpus) }),
      NetworkMode,
      IpcMode,
      CapDrop,
      SecurityOpt,
      ...(Dns === undefined ? {} : { Dns }),
      ...(DnsSearch === undefined ? {} : { DnsSearch }),
      Tmpfs: {},
      Mounts: [],
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: facts.subnet.probe } } } },
  };
}

/** No terminal. Of the sidecar we hold stdin: it carries the configuration, and its end stops the sidecar. */
function pipes(stdin: boolean) {
  return {
    Tty: false,
    OpenStdin: stdin,
    StdinOnce: stdin,
    AttachStdin: stdin,
    AttachStdout: true,
    AttachStderr: true,
  } as const;
}
