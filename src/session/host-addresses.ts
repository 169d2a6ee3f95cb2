// What this machine is on the network: its own addresses, its resolvers, and the names that only its hosts file knows.
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface HostAddresses {
  /** IPv4 addresses of every interface but loopback. */
  readonly ipv4: readonly string[];
  /** Every address of every interface as CIDR of that address alone, loopback left out. */
  readonly own: readonly string[];
  /** Networks of the interfaces, as CIDR. */
  readonly networks: readonly string[];
}

export function readHostAddresses(interfaces = networkInterfaces()): HostAddresses {
  const all = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal);
  return {
    ipv4: all.filter(({ family }) => family === 'IPv4').map(({ address }) => address),
    own: [...new Set(all.map(({ address, family }) => `${address.split('%')[0]}/${family === 'IPv4' ? 32 : 128}`))],
    networks: all.flatMap(({ cidr, family }) => (cidr !== null && family === 'IPv4' ? [cidr] : [])),
  };
}

/** Resolvers of this machine that a container might reach: IPv4, loopback left out. */
export function parseNameservers(resolvConf: string): readonly string[] {
  return resolvConf
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((address) => address !== undefined)
    .filter((address) => isIPv4(address) && !address.startsWith('127.'));
}

/**
 * Addresses that the hosts file gives to the wanted names. The engine's resolver does not know that file, so the sidecar gets
 * these entries. Loopback is left out: in the sidecar it would be the sidecar itself.
 */
export function parseHosts(text: string, wanted: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || !isIPv4(address) || address.startsWith('127.') || address === '0.0.0.0') continue;
    for (const name of names.map((each) => each.toLowerCase())) {
      if (wanted.some((host) => covers(host, name))) found[name] ??= address;
    }
  }
  return found;
}

export function readTextIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a machine without this file has nothing to say there
  }
}

function covers(host: string, name: string): boolean {
  return host.startsWith('*.') ? name.endsWith(host.slice(1)) : name === host;
}
