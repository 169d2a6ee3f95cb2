// May this route's traffic go to that host or address? Asked for the requested host first, then for each resolved address. Pure.
import type { Route } from '../contract.ts';
import { type Address, type AddressKind, isWithin, type Network, nameKind, network, parseAddress } from './address.ts';

export interface AddressRefusal {
  readonly rule: 'private-address' | 'metadata-address' | 'malformed-address';
  readonly reason: string;
  readonly fix: string;
}

export interface AddressJudge {
  /** The host as requested, before any look-up or map; null = go on. */
  judgeHost(route: Route, host: string): AddressRefusal | null;
  /** An address that the host resolved to. */
  judgeResolved(route: Route, host: string, address: string): AddressRefusal | null;
}

/** `refuse`: CIDRs of the machine that runs us; throws RangeError when one is not a network. */
export function createAddressJudge(refuse: readonly string[]): AddressJudge {
  const own = refuse.map(network);
  return {
    judgeHost: (route, host) => {
      const address = parseAddress(host);
      if (address === null) return judgeKind(route, nameKind(host) ?? 'public', host, host);
      return judgeAddress(own, route, address, host);
    },
    judgeResolved: (route, host, text) => {
      const address = parseAddress(text);
      if (address === null) throw new TypeError(`not an address: ${text}`);
      return judgeAddress(own, route, address, host);
    },
  };
}

function judgeAddress(own: readonly Network[], route: Route, address: Address, host: string): AddressRefusal | null {
  const isOwn = [address.bytes, ...address.embedded].some((bytes) => own.some((range) => isWithin(bytes, range)));
  // A metadata address inside one of our own networks stays a metadata address.
  const kind = isOwn && address.kind === 'public' ? 'private' : address.kind;
  return judgeKind(route, kind, host, address.text);
}

function judgeKind(route: Route, kind: AddressKind, host: string, place: string): AddressRefusal | null {
  switch (kind) {
    case 'public':
      return null;
    case 'malformed':
      return {
        rule: 'malformed-address',
        reason: `${host} looks like an IP address but is none`,
        fix: 'write the address in its usual form',
      };
    case 'metadata':
      // allow_private on a name or pattern does not open it: whoever wants this must write the metadata host itself.
      if (route.allowPrivate && isMetadataHost(route.host)) return null;
      return {
        rule: 'metadata-address',
        reason:
          host === place
            ? `${host} is a cloud metadata service`
            : `${host} resolves to ${place}, a cloud metadata service`,
        fix: `a route for the host "${place}" itself with allow_private: true would allow it; think twice`,
      };
    case 'private':
    case 'loopback':
    case 'link-local':
    case 'multicast':
    case 'unspecified':
    case 'shared':
    case 'benchmarking':
    case 'reserved':
      if (route.allowPrivate) return null;
      return {
        rule: 'private-address',
        reason: host === place ? `${host} is a ${kind} address` : `${host} resolves to ${place}, a ${kind} address`,
        fix: `set allow_private: true on the rule for "${route.host}" if this is meant`,
      };
    default:
      return kind satisfies never;
  }
}

function isMetadataHost(host: string): boolean {
  return (parseAddress(host)?.kind ?? nameKind(host)) === 'metadata';
}
