// What `bottle proxy` does: checks everything, starts the proxy, tells where it is, and stays until it is told to go.

import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ControlMessage, ProxyConfig } from '../../proxy/src/contract.ts';
import { makePlaceholders } from '../../proxy/src/contract.ts';
import { type ControlSocket, openControl } from '../control/control-socket.ts';
import { placeholderNames } from '../plan/agent-env.ts';
import { compileProxyConfig } from '../plan/proxy-config.ts';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printLine, printNote, printWarning } from '../report/output.ts';
import { printable, printableLines } from '../report/printable.ts';
import { type FreshSecrets, keepFresh } from '../secrets/keep-fresh.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { assertNotOver } from '../session/assert-not-over.ts';
import { withCookieKey } from '../session/cookie-key.ts';
import { readHostAddresses } from '../session/host-addresses.ts';
import type { Bottle } from '../spec/bottle.ts';
import { loadSpec } from '../spec/load.ts';
import { readFingerprintKey } from '../state/fingerprint-key.ts';
import { proxyControl, stateDir } from '../state/paths.ts';
import { loadHostTrust, proxyRoots } from '../trust/host-trust.ts';
import { readSource } from '../workspace/index-source.ts';
import { parseListenAddress } from './listen-address.ts';
import { type ServingProxy, serveProxy } from './serve.ts';
import { parseUpstreamMap } from './upstream-map.ts';

export interface ProxyOptions {
  readonly spec: string;
  readonly listen: string;
  readonly caOut: string;
  readonly log: string;
  readonly upstreamMap?: string;
  readonly upstreamCa?: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function runProxy(options: ProxyOptions): Promise<void> {
  const listen = parseListenAddress(options.listen);
  const map = await readMap(options.upstreamMap);
  assertDirectory(options.caOut, '--ca-out');
  assertDirectory(options.log, '--log');
  const bottle = loadSpec(options.spec);
  assertNotOver(bottle, new Date());
  const roots = loadHostTrust(process.env, [
    ...proxyRoots(bottle),
    ...(options.upstreamCa === undefined ? [] : [{ file: options.upstreamCa, source: '--upstream-ca' }]),
  ]);
  const surroundings = { env: process.env, specFile: bottle.file, roots };
  const { secrets, warnings, lives } = await resolveSecrets(bottle.secrets, surroundings);
  for (const warning of warnings) printWarning(warning);
  if (!listen.isLoopback) {
    printWarning(
      `${listen.text} can be reached from outside this machine; everybody who does gets the spec's credentials`,
    );
  }

  const placeholders = makePlaceholders([...secrets].map(([name, secret]) => [name, secret.reveal()]));
  const config = compileProxyConfig(bottle, {
    session: `${bottle.name}-${randomBytes(3).toString('hex')}`,
    listen: { explicit: listen.text, relaySocket: null, transparent: null, dns: null },
    dnsAnswer: '127.0.0.1',
    secrets: withCookieKey(
      bottle,
      Object.keys(bottle.secrets).map((name) => ({
        name,
        value: secrets.get(name)?.reveal() ?? '',
        placeholder: placeholders.get(name) ?? '',
      })),
    ),
    upstream: { roots, map, refuse: readHostAddresses().own },
    auditPath: resolve(options.log),
    source: await readSource(bottle),
    fingerprintKey: readFingerprintKey(stateDir()),
  });
  const fresh = (tell: (message: ControlMessage) => void) =>
    keepFresh({
      ...{ sources: bottle.secrets, current: secrets, lives, surroundings, tell, onFailure: printWarning },
    });
  await serveUntilStopped(config, options, shownPlaceholders(bottle, placeholders), fresh);
}

async function serveUntilStopped(
  config: ProxyConfig,
  options: ProxyOptions,
  placeholders: Readonly<Record<string, string>>,
  keepFreshBy: (tell: (message: ControlMessage) => void) => FreshSecrets,
): Promise<void> {
  // From here on a signal ends things in order, also while the proxy is still starting.
  let isStopping = false;
  let proxy: ServingProxy | null = null;
  let control: ControlSocket | null = null;
  let secrets: FreshSecrets | null = null;
  const onSignal = () => {
    isStopping = true;
    void proxy?.stop();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    control = await openControl(proxyControl(stateDir(), config.session), (word) => proxy?.tell(word));
    const { onLine } = control;
    const fresh = keepFreshBy((message) => proxy?.tell(message));
    secrets = fresh;
    const onEvent = (line: string) => {
      onLine(line);
      fresh.onLine(line);
    };
    proxy = await serveProxy(config, (text) => printNote(printableLines(text.trimEnd())), onEvent);
    try {
      await writeWhole(options.caOut, proxy.ca);
      const { listening } = proxy;
      const said = { listening, ca: options.caOut, placeholders, control: control.path };
      if (!isStopping) printLine(JSON.stringify(said));
    } finally {
      if (isStopping) await proxy.stop();
    }
    const end = await proxy.ended;
    if (isStopping) return;
    throw new BottleError({
      what: 'the proxy ended by itself',
      why: printable(end.stderrTail.trim().split('\n').at(-1) || `with ${end.signal ?? `exit code ${end.code}`}`),
      fix: 'set BOTTLE_DEBUG=1 and report it',
    });
  } finally {
    const read = secrets?.close();
    await proxy?.stop();
    await read;
    await control?.close();
    rmSync(dirname(proxyControl(stateDir(), config.session)), { recursive: true, force: true });
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

function shownPlaceholders(bottle: Bottle, placeholders: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(placeholderNames(bottle).map((name) => [name, placeholders.get(name) ?? '']));
}

async function readMap(file: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (file === undefined) return {};
  try {
    return parseUpstreamMap(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof BottleError) throw error;
    throw new BottleError({
      what: `cannot read --upstream-map ${file}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'give the path of a JSON file',
      exitCode: EXIT.input,
      cause: error,
    });
  }
}

function assertDirectory(file: string, option: string): void {
  const directory = dirname(resolve(file));
  if (existsSync(directory)) return;
  throw new BottleError({
    what: `cannot write ${option} ${file}`,
    why: `there is no directory ${directory}`,
    fix: 'make it, or give another path',
    exitCode: EXIT.input,
  });
}

/** Readers see the whole certificate or the file that was there before. */
async function writeWhole(file: string, text: string): Promise<void> {
  const draft = join(dirname(resolve(file)), `.${basename(file)}.${process.pid}`);
  try {
    await writeFile(draft, text, { mode: 0o644 });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new BottleError({
      what: `cannot write --ca-out ${file}`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'give a path that you may write',
      cause: error,
    });
  }
}
