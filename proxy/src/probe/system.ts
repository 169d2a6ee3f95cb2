// What /proc says about this namespace and this process: interfaces, routes, addresses, capabilities; and one try of a raw socket.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { CapabilityFacts, InterfaceFacts, RawSocketOutcome, RouteFact } from './judge.ts';

const BUSYBOX_PATHS = ['/bin/busybox', '/usr/bin/busybox'];

export function findBusybox(): string | null {
  return BUSYBOX_PATHS.find((path) => existsSync(path)) ?? null;
}

export function readInterfaces(): InterfaceFacts {
  return {
    present: parseDevices(readFileSync('/proc/self/net/dev', 'utf8')),
    addressed: Object.keys(networkInterfaces()),
  };
}

export function readRoutes(): readonly RouteFact[] {
  return parseRoutes(readFileSync('/proc/self/net/route', 'utf8'));
}

export function readIPv6Addresses(): readonly string[] {
  // The file is not there when the kernel has no IPv6.
  return existsSync('/proc/self/net/if_inet6')
    ? parseIPv6Addresses(readFileSync('/proc/self/net/if_inet6', 'utf8'))
    : [];
}

/** `task`: a directory below /proc. */
export function readCapabilities(task = '/proc/self'): CapabilityFacts {
  return parseCapabilities(readFileSync(`${task}/status`, 'utf8'));
}

export function parseDevices(text: string): readonly string[] {
  return text
    .split('\n')
    .slice(2)
    .filter((line) => line.includes(':'))
    .map((line) => line.slice(0, line.indexOf(':')).trim());
}

export function parseRoutes(text: string): readonly RouteFact[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [device = '', destination = '', gateway = ''] = line.split('\t');
      return { device: device.trim(), destination: littleEndianIPv4(destination), gateway: littleEndianIPv4(gateway) };
    });
}

export function parseIPv6Addresses(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.slice(0, 32))
    .filter((digits) => /^[0-9a-f]{32}$/.test(digits))
    .map((digits) => new URL(`http://[${digits.match(/.{4}/g)!.join(':')}]`).hostname.slice(1, -1));
}

export function parseCapabilities(status: string): CapabilityFacts {
  const set = (name: string): bigint => {
    const digits = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
    if (digits === undefined) throw new TypeError(`no ${name} in /proc/self/status`);
    return BigInt(`0x${digits}`);
  };
  return { effective: set('CapEff'), permitted: set('CapPrm'), bounding: set('CapBnd') };
}

/** An ARP question needs AF_PACKET, which needs NET_RAW: any other outcome than "not permitted" means that it was granted. */
export function tryRawSocket(timeoutMs: number): Promise<RawSocketOutcome> {
  const busybox = findBusybox();
  if (busybox === null) return Promise.resolve({ kind: 'untried' });
  const { promise, resolve } = Promise.withResolvers<RawSocketOutcome>();
  execFile(
    busybox,
    ['arping', '-c', '1', '-w', '1', '-I', 'lo', '127.0.0.1'],
    { timeout: timeoutMs },
    (error, stdout, stderr) => {
      const said = `${stderr}${stdout}`.trim().replace(/\s+/g, ' ').slice(0, 200);
      if (error !== null && /not permitted|permission denied/i.test(said)) resolve({ kind: 'refused' });
      else if (/applet not found/.test(said)) resolve({ kind: 'untried' });
      else resolve({ kind: 'not-refused', detail: said === '' ? String(error?.message ?? 'it opened') : said });
    },
  );
  return promise;
}

/** /proc/net/route prints an address as the host reads it from memory: all our platforms are little-endian. */
function littleEndianIPv4(hexDigits: string): string {
  return Buffer.from(hexDigits, 'hex').reverse().join('.');
}
