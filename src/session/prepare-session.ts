// Everything before the first thing that would have to be undone: secrets, engine, images, workspace. A signal may end us here as it likes.
import { fileURLToPath } from 'node:url';
import { connectEngine, type Engine } from '../engine/connect.ts';
import { readImageStart } from '../engine/image-start.ts';
import type { Facts } from '../plan/facts.ts';
import { printNote, printWarning } from '../report/output.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import type { Secret } from '../secrets/secret.ts';
import type { Bottle } from '../spec/bottle.ts';
import { stateDir } from '../state/paths.ts';
import { loadHostTrust, proxyRoots } from '../trust/host-trust.ts';
import { readSource } from '../workspace/index-source.ts';
import { assertNotOver } from './assert-not-over.ts';
import {
  type EngineFacts,
  forbiddenMounts,
  readEngineFacts,
  readWorkspace,
  type WorkspaceFacts,
} from './gather-facts.ts';
import { openProbeListener, type ProbeListener } from './probe-listener.ts';
import { reapSessions } from './reap-sessions.ts';
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
  readonly options: StartOptions;
  readonly stateDirectory: string;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** As ResolvedSecrets. */
  readonly lives: ReadonlyMap<string, number>;
  /** PEM text: what upstream certificates are verified against. */
  readonly roots: string;
  readonly engine: Engine;
  readonly engineFacts: EngineFacts;
  readonly images: Facts['images'];
  readonly imageStart: Facts['imageStart'];
  readonly forbiddenMounts: readonly string[];
  readonly workspace: WorkspaceFacts;
  readonly listener: ProbeListener;
  /** Shingles of the workspace's source; '' = not searched for. */
  readonly source: string;
  /** Ends quietly; what it finds is of no concern to this session. */
  readonly reaping: Promise<void>;
}

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export async function prepareSession(options: StartOptions, timings: Timings): Promise<Prepared> {
  const { bottle } = options;
  assertNotOver(bottle, new Date());
  const stateDirectory = stateDir();
  const roots = loadHostTrust(process.env, proxyRoots(bottle));
  const { secrets, warnings, lives } = await timings.measure('secrets', () =>
    resolveSecrets(bottle.secrets, { env: process.env, specFile: bottle.file, roots }),
  );
  for (const warning of warnings) printWarning(warning);

  // Beside everything else: it only reads files.
  const indexing = readSource(bottle);
  indexing.catch(() => {}); // awaited below; a failure before that ends the start by itself
  const engine = await timings.measure('connect', () => connectEngine({ host: options.host }));
  const reaping = reapSessions(engine.docker, stateDirectory).then(
    () => undefined,
    () => undefined, // `bottle reap` says what is wrong; this start does not depend on it
  );
  const [engineFacts, images, listener] = await timings.measure('images', () =>
    Promise.all([readEngineFacts(engine), findImages(engine, bottle), openProbeListener()]),
  );
  const imageStart = bottle.agent.files.length === 0 ? null : await readImageStart(engine.docker, images.agent);
  const sockets = forbiddenMounts(engine.url, stateDirectory);
  const workspace = await timings.measure('workspace', () =>
    readWorkspace(bottle, stateDirectory, sockets, engineFacts.root),
  );
  if (workspace.user.uid === 0) {
    printWarning('the workspace belongs to root, so the agent runs as root, without any capability');
  }
  return {
    options,
    stateDirectory,
    secrets,
    lives,
    roots,
    engine,
    engineFacts,
    images,
    imageStart,
    forbiddenMounts: sockets,
    workspace,
    listener,
    source: await indexing,
    reaping,
  };
}

async function findImages(engine: Engine, bottle: Bottle): Promise<Facts['images']> {
  const { ensureImages } = await import('../images/ensure.ts');
  const images = await ensureImages(engine.docker, {
    repoRoot: REPOSITORY,
    onProgress: (line) => printNote(`bottle: ${line}`),
  });
  return { agent: bottle.agent.image ?? images.agent, proxy: images.proxy };
}
