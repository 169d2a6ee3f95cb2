// The agent's container: the person's program with our network, our trust, and nothing else. Pure.
import { AGENT_HOME } from '../spec/agent-files.ts';
import type { Bottle } from '../spec/bottle.ts';
import { agentEnv } from './agent-env.ts';
import type { Facts } from './facts.ts';
import { hardened, MEBIBYTE } from './hardening.ts';
import { placingFiles } from './place-files.ts';
import type { ContainerSpec, HostConfig, Mount } from './plan.ts';
import { EXPLICIT_PORT, type Labels } from './proxy-containers.ts';
import { TRUST } from './trust-paths.ts';

export const WORKSPACE = '/workspace';

export type AgentNetwork =
  | { readonly kind: 'sealed'; readonly relay: string }
  | { readonly kind: 'internal'; readonly network: string };

export function agentContainer(bottle: Bottle, facts: Facts, labels: Labels, network: AgentNetwork): ContainerSpec {
  const { uid, gid } = facts.user;
  const command = facts.command ?? bottle.agent.command;
  const { cpus, memoryBytes, pids } = bottle.agent.resources;
  return {
    Image: facts.images.agent,
    ...placingFiles(bottle.agent.files, facts.imageStart, command),
    User: `${uid}:${gid}`,
    ...(network.kind === 'internal' ? { Hostname: 'bottle' } : {}),
    WorkingDir: WORKSPACE,
    Env: agentEnv(bottle, {
      proxyHost: network.kind === 'sealed' ? '127.0.0.1' : facts.subnet.proxy,
      proxyPort: EXPLICIT_PORT,
      terminalEnv: facts.terminal.env,
    }),
    Labels: labels('agent'),
    Tty: facts.terminal.tty,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      ...placement(network, facts),
      ...(facts.terminal.size === null ? {} : { ConsoleSize: facts.terminal.size }),
      ...hardened({ cpus: Math.min(cpus, facts.engineCpus), memoryBytes, pids }),
      Tmpfs: {
        '/tmp': 'rw,nosuid,nodev,exec,mode=1777,size=2g',
        [AGENT_HOME]: `rw,nosuid,nodev,exec,mode=0700,uid=${uid},gid=${gid},size=2g`,
        ...(bottle.workspace.path === null
          ? { [WORKSPACE]: `rw,nosuid,nodev,exec,mode=0700,uid=${uid},gid=${gid},size=2g` }
          : {}),
      },
      Mounts: [
        ...workspaceMounts(bottle, facts),
        ...userMounts(facts),
        ...canaryMounts(bottle, facts),
        ...trustMounts(facts),
      ],
    },
    ...(network.kind === 'internal'
      ? {
          NetworkingConfig: {
            EndpointsConfig: { [network.network]: { IPAMConfig: { IPv4Address: facts.subnet.agent } } },
          },
        }
      : {}),
  };
}

function placement(
  network: AgentNetwork,
  facts: Facts,
): Pick<HostConfig, 'NetworkMode' | 'PidMode' | 'Init' | 'Dns' | 'DnsSearch'> {
  if (network.kind === 'sealed') {
    const relay = `container:${network.relay}`;
    // One PID namespace with the relay: when that ends, by whatever cause, the kernel ends every process of the agent.
    return { NetworkMode: relay, PidMode: relay };
  }
  return { NetworkMode: network.network, Init: true, Dns: [facts.subnet.proxy], DnsSearch: ['.'] };
}

function workspaceMounts(bottle: Bottle, facts: Facts): readonly Mount[] {
  if (bottle.workspace.path === null) return [];
  const masks = facts.hidden.map(({ path, kind }): Mount => {
    const Target = `${WORKSPACE}/${path}`;
    return kind === 'file'
      ? { Type: 'bind', Source: facts.files.empty, Target, ReadOnly: true }
      : { Type: 'tmpfs', Target, ReadOnly: true, TmpfsOptions: { SizeBytes: MEBIBYTE, Mode: 0o555 } };
  });
  return [{ Type: 'bind', Source: bottle.workspace.path, Target: WORKSPACE, ReadOnly: false }, ...masks];
}

function userMounts({ files }: Facts): readonly Mount[] {
  return [
    { Type: 'bind', Source: files.passwd, Target: '/etc/passwd', ReadOnly: true },
    { Type: 'bind', Source: files.group, Target: '/etc/group', ReadOnly: true },
  ];
}

function canaryMounts({ dlp }: Bottle, { files }: Facts): readonly Mount[] {
  if (!dlp.canaries) return [];
  return [{ Type: 'bind', Source: files.canaries, Target: `${AGENT_HOME}/.env.production`, ReadOnly: true }];
}

/** The session's certificate instead of the image's roots: those would be of no use, since nothing else can be reached. */
function trustMounts({ files }: Facts): readonly Mount[] {
  const certificate = `${files.trustDirectory}/${TRUST.certificateFile}`;
  return [
    { Type: 'bind', Source: files.trustDirectory, Target: TRUST.directory, ReadOnly: true },
    { Type: 'bind', Source: certificate, Target: TRUST.bundle, ReadOnly: true },
  ];
}
