// From a bottle and what we know of the machine to the steps of a session. Pure: decides everything, does nothing.
import type { Bottle } from '../spec/bottle.ts';
import { agentContainer } from './agent-container.ts';
import { plantedNames } from './agent-env.ts';
import { assertContained } from './assert-contained.ts';
import type { Facts } from './facts.ts';
import { sessionLabels } from './hardening.ts';
import type { NetworkSpec, Plan, Role, Step } from './plan.ts';
import { EGRESS_NETWORK, type Labels, probeContainer, proxyContainer, relayContainer } from './proxy-containers.ts';
import { capturedPorts } from './proxy-listen.ts';
import { TRUST } from './trust-paths.ts';

const READY_TIMEOUT_MS = 20_000;

export function planBottle(bottle: Bottle, facts: Facts): Plan {
  const labels: Labels = (role) => sessionLabels({ id: facts.session, name: bottle.name, owner: facts.owner }, role);
  const steps =
    bottle.agent.network === 'sealed' ? sealedSteps(bottle, facts, labels) : internalSteps(bottle, facts, labels);
  const plan: Plan = {
    session: facts.session,
    name: bottle.name,
    topology: bottle.agent.network,
    agentUser: facts.user,
    steps,
  };
  assertContained(plan, facts.forbiddenMounts);
  return plan;
}

/** The agent has no network interface: it lives in the namespace of a relay, whose loopback owns every address. */
function sealedSteps(bottle: Bottle, facts: Facts, labels: Labels): readonly Step[] {
  const relay = containerName(facts, 'relay');
  const agent = agentContainer(bottle, facts, labels, { kind: 'sealed', relay });
  return [
    egressNetwork(),
    create('relay', facts, relayContainer(facts, labels, capturedPorts(bottle)), []),
    // Names of other containers are looked up when a container is created.
    create('proxy', facts, proxyContainer(facts, labels, relay), ['egress-network', 'create-relay']),
    ...serviceNetworks(facts),
    // Not before the sidecar is on its way: that one decides how long a start takes.
    create('agent', facts, agent, ['create-relay', 'attach-proxy'], plantedNames(bottle)),
    ...run('proxy', facts.proxyNetworks.map(serviceStep)),
    sendConfig(bottle),
    ready('proxy', 'start-proxy', 'send-config'),
    ...run('relay'),
    ready('relay', 'start-relay'),
    ...startAgent(facts, ['ready-proxy', 'ready-relay']),
  ];
}

/** The agent has one interface, on a network without a gateway whose only other member is the sidecar. */
function internalSteps(bottle: Bottle, facts: Facts, labels: Labels): readonly Step[] {
  const network = `bottle-${facts.session}`;
  const agent = agentContainer(bottle, facts, labels, { kind: 'internal', network });
  return [
    egressNetwork(),
    { id: 'internal-network', after: [], do: 'create-network', name: network, network: internalNetwork(facts, labels) },
    create('proxy', facts, proxyContainer(facts, labels, null), ['egress-network']),
    ...serviceNetworks(facts),
    {
      id: 'connect-proxy',
      after: ['create-proxy', 'internal-network'],
      do: 'connect-network',
      role: 'proxy',
      network,
      address: facts.subnet.proxy,
    },
    create('agent', facts, agent, ['internal-network'], plantedNames(bottle)),
    create('probe', facts, probeContainer(facts, labels, network, agent), ['internal-network']),
    ...run('proxy', ['connect-proxy', ...facts.proxyNetworks.map(serviceStep)]),
    sendConfig(bottle),
    ready('proxy', 'start-proxy', 'send-config'),
    ...run('probe', ['ready-proxy']),
    ready('probe', 'start-probe'),
    ...startAgent(facts, ['ready-proxy', 'ready-probe']),
  ];
}

function egressNetwork(): Step {
  const network: NetworkSpec = {
    Driver: 'bridge',
    Internal: false,
    EnableIPv6: false,
    Options: {
      'com.docker.network.bridge.enable_icc': 'false',
      // Two starts at the same moment: older engines make two networks of one name, but never two of one bridge.
      'com.docker.network.bridge.name': EGRESS_NETWORK,
    },
    Labels: { 'bottle.role': 'egress' },
  };
  return { id: 'egress-network', after: [], do: 'ensure-network', name: EGRESS_NETWORK, network };
}

function internalNetwork({ subnet }: Facts, labels: Labels): NetworkSpec {
  return {
    Driver: 'bridge',
    Internal: true,
    EnableIPv6: false,
    // A plain internal network gives the host an address in it. The second option is newer, and ignored by older engines.
    Options: {
      'com.docker.network.bridge.inhibit_ipv4': 'true',
      'com.docker.network.bridge.gateway_mode_ipv4': 'isolated',
    },
    Labels: labels('network'),
    IPAM: { Config: [{ Subnet: subnet.cidr, Gateway: subnet.gateway }] },
  };
}

function create(
  role: Role,
  facts: Facts,
  container: Extract<Step, { do: 'create-container' }>['container'],
  after: readonly string[],
  placeholders: readonly string[] = [],
): Step {
  return {
    id: `create-${role}`,
    after,
    do: 'create-container',
    role,
    name: containerName(facts, role),
    container,
    placeholders,
  };
}

/** Output is attached before the start, so that none is lost. */
function run(role: Role, after: readonly string[] = []): readonly Step[] {
  return [
    { id: `attach-${role}`, after: [`create-${role}`], do: 'attach', role },
    { id: `start-${role}`, after: [`attach-${role}`, ...after], do: 'start', role },
  ];
}

function sendConfig(bottle: Bottle): Step {
  return {
    id: 'send-config',
    // Before it starts: the engine keeps it until the proxy reads, and nothing waits for the engine's word that it has started.
    after: ['attach-proxy'],
    do: 'send-config',
    role: 'proxy',
    secrets: Object.keys(bottle.secrets),
  };
}

function ready(role: Exclude<Role, 'agent'>, ...after: string[]): Step {
  return { id: `ready-${role}`, after, do: 'await-ready', role, timeoutMs: READY_TIMEOUT_MS };
}

function startAgent(facts: Facts, after: readonly string[]): readonly Step[] {
  const { trustDirectory } = facts.files;
  return [
    {
      id: 'write-trust',
      after: ['ready-proxy'],
      do: 'write-trust',
      files: [
        { path: `${trustDirectory}/${TRUST.certificateFile}`, content: 'certificate' },
        { path: `${trustDirectory}/${TRUST.javaFile}`, content: 'java' },
      ],
    },
    ...run('agent', ['write-trust', ...after]),
  ];
}

function serviceNetworks(facts: Facts): readonly Step[] {
  return facts.proxyNetworks.map((network) => ({
    id: serviceStep(network),
    after: ['create-proxy'],
    do: 'connect-network',
    role: 'proxy',
    network,
    address: null,
  }));
}

function serviceStep(network: string): string {
  return `connect-proxy-${network}`;
}

function containerName(facts: Facts, role: Role): string {
  return `bottle-${facts.session}-${role}`;
}
