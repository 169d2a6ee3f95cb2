// The self-probe: tries to get out of the agent's namespace, everything at once and briefly, and reports what happened.
import type { ProbeReport, ProbeTargets } from '../contract.ts';
import { RELAY_ADDRESS } from '../relay/namespace.ts';
import { type Captures, NO_CAPTURES } from './captures.ts';
import {
  type CheckVerdict,
  judgeCapabilities,
  judgeDnsServer,
  judgeInterfaces,
  judgeIPv6,
  judgeName,
  judgeProxy,
  judgeRawSocket,
  judgeRoutes,
  judgeTcp,
} from './judge.ts';
import { askDnsServer, reachTcp, resolveMadeUpName } from './reach.ts';
import { readCapabilities, readInterfaces, readIPv6Addresses, readRoutes, tryRawSocket } from './system.ts';
import { parsePlace } from './targets.ts';

export { readProbeTargets } from './targets.ts';

export interface ProbeOptions {
  /** Bound of every attempt, in ms; default 300. Engines whose next hop is dead take 3 s to say so: silence counts as not reached. */
  readonly timeoutMs?: number;
  /** What the relay's own listeners took in (sealed). */
  readonly captures?: Captures;
}

type Check = ProbeReport['checks'][number];

export async function runProbe(targets: ProbeTargets, options: ProbeOptions = {}): Promise<ProbeReport> {
  const { timeoutMs = 300, captures = NO_CAPTURES } = options;
  const { topology, proxy } = targets;
  // The address that our DNS gives to every name: the relay's, or the sidecar's own.
  const ours = proxy === null ? RELAY_ADDRESS : parsePlace(proxy).address;

  const checks = await Promise.all([
    check('interfaces', () => judgeInterfaces(topology, readInterfaces())),
    check('routes', () => judgeRoutes(topology, readRoutes())),
    check('ipv6', () => judgeIPv6(readIPv6Addresses())),
    check('capabilities', () => judgeCapabilities(readCapabilities())),
    check('raw-socket', async () => judgeRawSocket(await tryRawSocket(timeoutMs))),
    check('name', async () => judgeName(await resolveMadeUpName(timeoutMs), ours)),
    ...targets.tcp.map((target) =>
      check(`tcp ${target}`, async () => judgeTcp(target, await reachTcp(parsePlace(target), timeoutMs, captures))),
    ),
    ...targets.dns.map((server) =>
      check(`dns ${server}`, async () =>
        judgeDnsServer(server, await askDnsServer(parsePlace(server), timeoutMs, captures)),
      ),
    ),
    ...(proxy === null
      ? []
      : [check('proxy', async () => judgeProxy(proxy, await reachTcp(parsePlace(proxy), timeoutMs, NO_CAPTURES)))]),
  ]);
  return { ok: checks.every((each) => each.ok), checks };
}

async function check(name: string, run: () => CheckVerdict | Promise<CheckVerdict>): Promise<Check> {
  const startedMs = performance.now();
  const verdict = await run();
  return { check: name, ...verdict, ms: Math.round(performance.now() - startedMs) };
}
