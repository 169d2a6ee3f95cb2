// The addresses of this machine: never an upstream unless a rule says allow_private, even where they are public.
import { networkInterfaces } from 'node:os';

/** As CIDRs of one address each, without loopback (refused anyway). */
export function ownAddresses(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): string[] {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  const own = all
    .filter(({ internal }) => !internal)
    .map(({ address, family }) => `${bare(address)}/${family === 'IPv6' ? 128 : 32}`);
  return [...new Set(own)];
}

/** Without the zone of a link-local address. */
function bare(address: string): string {
  return address.replace(/%.*$/, '');
}
