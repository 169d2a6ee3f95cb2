// Gives a prepared session its name, its directory on disk, its placeholders, and its plan.

import { randomBytes } from 'node:crypto';
import { makePlaceholders } from '../../proxy/src/contract.ts';
import { firstEnd } from '../plan/expiry.ts';
import type { Facts } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import { planBottle } from '../plan/plan-bottle.ts';
import { compileProxyConfig } from '../plan/proxy-config.ts';
import { AUDIT_PATH } from '../plan/proxy-containers.ts';
import { proxyListen } from '../plan/proxy-listen.ts';
import type { Bottle } from '../spec/bottle.ts';
import { renderBottle } from '../spec/render.ts';
import { readFingerprintKey } from '../state/fingerprint-key.ts';
import { isTerminal, type PersonStreams } from './agent-streams.ts';
import { allCanaries, canaryFile, makeCanaries, NO_CANARIES } from './canaries.ts';
import { withCookieKey } from './cookie-key.ts';
import { freeSubnet, probeTargets, proxyHosts } from './gather-facts.ts';
import { readHostAddresses } from './host-addresses.ts';
import type { LiveFacts } from './live-values.ts';
import { ownerOf } from './owner.ts';
import type { Prepared } from './prepare-session.ts';
import { SessionRecord } from './session-record.ts';
import { terminalEnv } from './terminal.ts';

export interface Session {
  readonly record: SessionRecord;
  readonly live: LiveFacts;
  readonly tty: boolean;
  /** A new plan each time: of an internal network's subnet we only know that nobody we see has it. */
  makePlan(): Promise<Plan>;
}

/** What stands in a plan that has no internal network. */
const NO_SUBNET: Facts['subnet'] = { cidr: '', gateway: '', proxy: '', agent: '', probe: '' };

export function beginSession(prepared: Prepared, person: PersonStreams): Session {
  const { options, secrets, engine, workspace, listener } = prepared;
  const { bottle } = options;
  const id = `${bottle.name}-${randomBytes(3).toString('hex')}`;
  const owner = ownerOf(process.pid);
  const record = makeRecord(prepared, id, owner);
  const host = readHostAddresses();
  const canaries = bottle.dlp.canaries ? makeCanaries() : NO_CANARIES;
  const placeholders = new Map([
    ...canaries.variables.map(({ name, shown }): [string, string] => [name, shown]),
    ...makePlaceholders([...secrets].map(([name, secret]) => [name, secret.reveal()])),
  ]);
  const tty = isTerminal(person);
  const facts: Omit<Facts, 'subnet' | 'probe'> = {
    session: id,
    owner,
    images: prepared.images,
    imageStart: prepared.imageStart,
    user: workspace.user,
    command: options.command,
    terminal: {
      tty,
      env: tty ? terminalEnv(process.env) : {},
      size: tty ? [person.stdout.rows, person.stdout.columns] : null,
    },
    files: record.writeMountedFiles(workspace.user, canaryFile(canaries)),
    hidden: workspace.hidden,
    engineCpus: prepared.engineFacts.cpus,
    forbiddenMounts: prepared.forbiddenMounts,
    proxyHosts: { ...proxyHosts(bottle), ...options.proxyHosts },
    proxyNetworks: options.proxyNetworks ?? [],
  };
  const placed: Bottle = { ...bottle, workspace: { ...bottle.workspace, path: workspace.path } };
  let subnet = NO_SUBNET;
  const fingerprintKey = readFingerprintKey(prepared.stateDirectory);
  return {
    record,
    tty,
    live: {
      placeholders,
      listener,
      makeConfig: () =>
        compileProxyConfig(bottle, {
          session: id,
          ...proxyListen(bottle, subnet),
          secrets: withCookieKey(
            bottle,
            [...secrets].map(([name, secret]) => ({
              name,
              value: secret.reveal(),
              placeholder: placeholders.get(name) ?? '',
            })),
          ),
          upstream: { roots: prepared.roots, map: {}, refuse: host.own },
          auditPath: AUDIT_PATH,
          source: prepared.source,
          canaries: allCanaries(canaries).map(({ name, value }) => ({ name, value })),
          fingerprintKey,
        }),
    },
    makePlan: async () => {
      const internal = bottle.agent.network === 'internal';
      if (internal) subnet = await freeSubnet(engine, host);
      return planBottle(placed, {
        ...facts,
        subnet,
        probe: probeTargets(host, listener.port, internal ? subnet : null),
      });
    },
  };
}

function makeRecord(
  { options, stateDirectory, workspace, engine }: Prepared,
  id: string,
  owner: string,
): SessionRecord {
  const { bottle } = options;
  const now = new Date();
  const expiresAt = firstEnd(bottle, now);
  return new SessionRecord(
    stateDirectory,
    {
      v: 1,
      id,
      name: bottle.name,
      pid: process.pid,
      owner,
      status: 'starting',
      startedAt: now.toISOString(),
      endedAt: null,
      exitCode: null,
      topology: bottle.agent.network,
      spec: bottle.file,
      workspace: workspace.path,
      engine: engine.url,
      ...(expiresAt === null ? {} : { expiresAt }),
    },
    renderBottle(bottle),
  );
}
