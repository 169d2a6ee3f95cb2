// Everything before the first container: secrets, engine, images, workspace, state on disk; and then the plan.
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { connectEngine, type Engine } from '../engine/connect.ts';
import type { UndoStack } from '../engine/undo-stack.ts';
import type { Facts } from '../plan/facts.ts';
import type { Plan } from '../plan/plan.ts';
import { planBottle } from '../plan/plan-bottle.ts';
import { compileProxyConfig } from '../plan/proxy-config.ts';
import { AUDIT_PATH } from '../plan/proxy-containers.ts';
import { proxyListen } from '../plan/proxy-listen.ts';
import { printNote } from '../report/output.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import type { Bottle } from '../spec/bottle.ts';
import { renderBottle } from '../spec/render.ts';
import { stateDir } from '../state/paths.ts';
import { loadHostTrust } from '../trust/host-trust.ts';
import { isTerminal, type PersonStreams } from './agent-streams.ts';
import {
  forbiddenMounts,
  freeSubnet,
  probeTargets,
  proxyHosts,
  readEngineFacts,
  readWorkspace,
} from './gather-facts.ts';
import { readHostAddresses } from './host-addresses.ts';
import type { LiveFacts } from './live-values.ts';
import { ownerOf } from './owner.ts';
import { makePlaceholders } from './placeholders.ts';
import { openProbeListener } from './probe-listener.ts';
import { reapSessions } from './reap-sessions.ts';
import { SessionRecord } from './session-record.ts';
import { terminalEnv } from './terminal.ts';
import type { Timings } from './timings.ts';

export interface StartOptions {
  readonly bottle: Bottle;
  /** Instead of the spec's command; null = the spec's. */
  readonly command: readonly string[] | null;
  /** `--host` */
  readonly host?: string | undefined;
  /** For the sidecar alone: networks of services on this engine, and addresses of names. Used by the demo and by tests. */
  readonly proxyNetworks?: readonly string[];
  readonly proxyHosts?: Readonly<Record<string, string>>;
}

export interface Prepared {
  readonly bottle: Bottle;
  readonly engine: Engine;
  readonly record: SessionRecord;
  readonly live: LiveFacts;
  readonly tty: boolean;
  /** Ends quietly; what it finds is of no concern to this session. */
  readonly reaping: Promise<void>;
  /** A new plan each time: of an internal network's subnet we only know that nobody we see has it. */
  makePlan(): Promise<Plan>;
}

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export async function prepareSession(
  options: StartOptions,
  person: PersonStreams,
  undo: UndoStack,
  timings: Timings,
): Promise<Prepared> {
  const { bottle } = options;
  const stateDirectory = stateDir();
  const { secrets, warnings } = await timings.measure('secrets', () =>
    resolveSecrets(bottle.secrets, { env: process.env, specFile: bottle.file }),
  );
  for (const warning of warnings) printNote(`bottle: ${warning}`);

  const engine = await timings.measure('connect', () => connectEngine({ host: options.host }));
  const reaping = reapSessions(engine.docker, stateDirectory).then(
    () => undefined,
    () => undefined, // `bottle reap` says what is wrong; this start does not depend on it
  );
  const [engineFacts, images, listener] = await timings.measure('images', () =>
    Promise.all([readEngineFacts(engine), findImages(engine, bottle), openProbeListener()]),
  );
  undo.push('probe listener', () => listener.close());

  const sockets = forbiddenMounts(engine.url, stateDirectory);
  const workspace = await timings.measure('workspace', () =>
    readWorkspace(bottle, stateDirectory, sockets, engineFacts.root),
  );
  if (workspace.user.uid === 0) {
    printNote('bottle: warning: the workspace belongs to root, so the agent runs as root without any capability');
  }
  const id = `${bottle.name}-${randomBytes(3).toString('hex')}`;
  const owner = ownerOf(process.pid);
  const record = new SessionRecord(
    stateDirectory,
    {
      v: 1,
      id,
      name: bottle.name,
      pid: process.pid,
      owner,
      status: 'starting',
      startedAt: new Date().toISOString(),
      endedAt: null,
      exitCode: null,
      topology: bottle.agent.network,
      spec: bottle.file,
      workspace: workspace.path,
      engine: engine.url,
    },
    renderBottle(bottle),
  );
  const host = readHostAddresses();
  const placeholders = makePlaceholders(secrets.keys());
  const roots = loadHostTrust();
  const tty = isTerminal(person);
  const facts: Omit<Facts, 'subnet' | 'probe'> = {
    session: id,
    owner,
    images,
    user: workspace.user,
    command: options.command,
    terminal: {
      tty,
      env: tty ? terminalEnv(process.env) : {},
      size: tty ? [person.stdout.rows, person.stdout.columns] : null,
    },
    files: record.writeMountedFiles(workspace.user),
    hidden: workspace.hidden,
    engineCpus: engineFacts.cpus,
    forbiddenMounts: sockets,
    proxyHosts: { ...proxyHosts(bottle), ...options.proxyHosts },
    proxyNetworks: options.proxyNetworks ?? [],
  };
  const placed: Bottle = { ...bottle, workspace: { ...bottle.workspace, path: workspace.path } };
  let subnet = NO_SUBNET;
  return {
    bottle,
    engine,
    record,
    reaping,
    tty,
    live: {
      placeholders,
      listener,
      makeConfig: () =>
        compileProxyConfig(bottle, {
          session: id,
          ...proxyListen(bottle, subnet),
          secrets: [...secrets].map(([name, secret]) => ({
            name,
            value: secret.reveal(),
            placeholder: placeholders.get(name) ?? '',
          })),
          upstream: { roots, map: {}, refuse: host.own },
          auditPath: AUDIT_PATH,
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

/** What stands in a plan that has no internal network. */
export const NO_SUBNET: Facts['subnet'] = { cidr: '', gateway: '', proxy: '', agent: '', probe: '' };

async function findImages(engine: Engine, bottle: Bottle): Promise<Facts['images']> {
  const { ensureImages } = await import('../images/ensure.ts');
  const images = await ensureImages(engine.docker, {
    repoRoot: REPOSITORY,
    onProgress: (line) => printNote(`bottle: ${line}`),
  });
  return { agent: bottle.agent.image ?? images.agent, proxy: images.proxy };
}
