import { describe, expect, test } from 'vitest';
import { assertContained, NotContained } from '../../../src/plan/assert-contained.ts';
import type { ContainerSpec, HostConfig, Plan, Role, Step } from '../../../src/plan/plan.ts';
import { planBottle } from '../../../src/plan/plan-bottle.ts';
import { aBottle, someFacts } from './a-bottle.ts';

const facts = someFacts();
const plans = {
  sealed: planBottle(aBottle(), facts),
  internal: planBottle({ ...aBottle(), agent: { ...aBottle().agent, network: 'internal' } }, facts),
};

test.each(['sealed', 'internal'] as const)('our own %s plan is contained', (topology) => {
  expect(() => assertContained(plans[topology], facts.forbiddenMounts)).not.toThrow();
});

/** A change of the agent's HostConfig that no engine setting may have, as somebody could make it by mistake or by malice. */
const hostBreaks: readonly (readonly [string, object])[] = [
  ['privileged', { Privileged: true }],
  ['a capability that is kept', { CapDrop: ['NET_RAW'] }],
  ['no capability dropped', { CapDrop: [] }],
  ['an added capability', { CapAdd: ['SYS_ADMIN'] }],
  ['the capabilities of the relay', { CapAdd: ['NET_ADMIN', 'SETGID', 'SETUID'] }],
  ['the network of the host', { NetworkMode: 'host' }],
  ['the default network', { NetworkMode: 'bridge' }],
  ['the network of the sidecars', { NetworkMode: 'bottle-egress' }],
  ['the network of a foreign container', { NetworkMode: 'container:other' }],
  ['the processes of the host', { PidMode: 'host' }],
  ['the processes of the sidecar', { PidMode: 'container:bottle-web-shop-0a1b2c-proxy' }],
  ['shared IPC', { IpcMode: 'shareable' }],
  ['the IPC of the host', { IpcMode: 'host' }],
  ['the users of the host', { UsernsMode: 'host' }],
  ['the host name of the host', { UTSMode: 'host' }],
  ['a control group of its choice', { CgroupParent: '/' }],
  ['a device', { Devices: [{ PathOnHost: '/dev/kmsg' }] }],
  ['a graphics card', { DeviceRequests: [] }],
  ['another runtime', { Runtime: 'other' }],
  ['a bind in the old form', { Binds: ['/:/host'] }],
  ['a published port', { PortBindings: { '80/tcp': [{}] } }],
  ['all ports published', { PublishAllPorts: true }],
  ['seccomp switched off', { SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] }],
  ['new privileges', { SecurityOpt: [] }],
  ['paths that are usually masked', { MaskedPaths: [] }],
  ['a writable root', { ReadonlyRootfs: false }],
  ['sysctls', { Sysctls: { 'net.ipv4.ip_forward': '1' } }],
  ['names of its own choice', { ExtraHosts: ['api.example:198.51.100.1'] }],
  ['volumes of the sidecar', { VolumesFrom: ['bottle-web-shop-0a1b2c-proxy'] }],
  ['no limit of processes', { PidsLimit: 0 }],
  ['unlimited processes', { PidsLimit: -1 }],
  ['no limit of memory', { Memory: 0, MemorySwap: 0 }],
  ['swap', { MemorySwap: -1 }],
  ['no limit of CPUs', { NanoCpus: 0 }],
  ['a life after its end', { AutoRemove: false }],
  ['a log of the engine', { LogConfig: { Type: 'json-file' } }],
  ['a tmpfs with devices', { Tmpfs: { '/tmp': 'rw,nosuid' } }],
];

describe.each(['sealed', 'internal'] as const)('an agent of the %s plan never gets', (topology) => {
  test.each(hostBreaks)('%s', (_, change) => {
    expect(() => check(changed(topology, 'agent', { HostConfig: change }))).toThrow(NotContained);
  });

  test.each([
    ['/var/run/docker.sock'],
    ['/run/docker.sock'],
    ['/home/someone/docker.sock'],
    ['/run/user/1000/podman/podman.sock'],
    ['/'],
    ['/proc'],
    ['/sys/fs/cgroup'],
    ['/dev'],
    ['/etc'],
    ['/etc/shadow'],
    ['/var/run'],
    ['/home/someone/.local/state/bottle'],
    ['/home/someone'],
    ['relative/path'],
    ['/home/someone/web-shop/../.ssh'],
  ])('the mount of %s', (source) => {
    const mount = { Type: 'bind', Source: source, Target: '/x', ReadOnly: true };
    expect(() => check(changed(topology, 'agent', { HostConfig: { Mounts: [mount] } }))).toThrow(NotContained);
  });

  test('a named volume', () => {
    const mount = { Type: 'volume', Source: 'other', Target: '/x', ReadOnly: true };
    expect(() => check(changed(topology, 'agent', { HostConfig: { Mounts: [mount] } }))).toThrow(NotContained);
  });

  test.each([['1337:1337'], ['0:0'], ['root']])('the user %s', (User) => {
    expect(() => check(changed(topology, 'agent', { User }))).toThrow(NotContained);
  });

  test('a network besides its own', () => {
    const EndpointsConfig = { other: { IPAMConfig: { IPv4Address: '10.0.0.1' } } };
    expect(() => check(changed(topology, 'agent', { NetworkingConfig: { EndpointsConfig } }))).toThrow(NotContained);
  });

  test('a second network later on', () => {
    const step: Step = { id: 'x', after: [], do: 'connect-network', role: 'agent', network: 'bridge', address: null };
    expect(() => check({ ...plans[topology], steps: [...plans[topology].steps, step] })).toThrow(NotContained);
  });

  test('a start before the proof', () => {
    const steps = plans[topology].steps.map((step) =>
      step.id === 'start-agent'
        ? { ...step, after: step.after.filter((id) => !/^ready-(relay|probe)$/.test(id)) }
        : step,
    );
    expect(() => check({ ...plans[topology], steps })).toThrow(NotContained);
  });
});

test('an agent is root only where the rule of users says so', () => {
  const user = { uid: 0, gid: 0, reason: 'because' };
  expect(() => planBottle(aBottle(), someFacts({ user }))).toThrow(NotContained);
  const allowed = { ...user, reason: 'the workspace belongs to root' };
  expect(() => planBottle(aBottle(), someFacts({ user: allowed }))).not.toThrow();
});

test('an internal network without the closed gateway is refused', () => {
  const steps = plans.internal.steps.map((step) =>
    step.do === 'create-network' ? { ...step, network: { ...step.network, Options: {} } } : step,
  );
  expect(() => check({ ...plans.internal, steps })).toThrow(NotContained);
});

test('the sidecar gets no capability', () => {
  expect(() =>
    check(changed('sealed', 'proxy', { HostConfig: { CapAdd: ['NET_ADMIN', 'SETGID', 'SETUID'] } })),
  ).toThrow(NotContained);
});

test('the relay gets no fourth capability', () => {
  const CapAdd = ['NET_ADMIN', 'SETGID', 'SETUID', 'NET_RAW'];
  expect(() => check(changed('sealed', 'relay', { HostConfig: { CapAdd } }))).toThrow(NotContained);
});

function check(plan: Plan): void {
  assertContained(plan, facts.forbiddenMounts);
}

function changed(
  topology: keyof typeof plans,
  role: Role,
  change: Omit<Partial<ContainerSpec>, 'HostConfig'> & { HostConfig?: object },
): Plan {
  const steps = plans[topology].steps.map((step): Step => {
    if (step.do !== 'create-container' || step.role !== role) return step;
    // The change is one that the types forbid: that is what the assertion is for.
    const HostConfig = { ...step.container.HostConfig, ...change.HostConfig } as HostConfig;
    return { ...step, container: { ...step.container, ...change, HostConfig } };
  });
  return { ...plans[topology], steps };
}
