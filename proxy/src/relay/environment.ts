// The relay's settings, out of its environment.
import type { ProbeTargets } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { readProbeTargets } from '../probe/targets.ts';

export interface RelaySettings {
  /** Path of the sidecar's unix socket. */
  readonly socketPath: string;
  /** TCP ports whose connections are passed on. */
  readonly ports: readonly number[];
  readonly probe: ProbeTargets;
}

const ALWAYS = [80, 443, 3128];
const DNS_PORT = 53;

export function readRelaySettings(environment: NodeJS.ProcessEnv): RelaySettings {
  const { BOTTLE_SOCKET: socketPath = '', BOTTLE_PORTS: list = '' } = environment;
  if (!socketPath.startsWith('/')) throw unreadable('BOTTLE_SOCKET', 'it is not an absolute path');
  const extra = list.split(',').filter((text) => text !== '');
  for (const text of extra) {
    const isPort = /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
    if (!isPort) throw unreadable('BOTTLE_PORTS', `"${text}" is not a port`);
  }
  // 53 is the relay's own DNS, over TCP as well.
  const ports = new Set([...ALWAYS, ...extra.map(Number)].filter((port) => port !== DNS_PORT));
  return { socketPath, ports: [...ports], probe: readProbeTargets(environment) };
}

function unreadable(name: string, why: string): ProxyFailure {
  return new ProxyFailure({ what: `cannot read ${name}`, why, fix: 'start the relay through `bottle start`' });
}
