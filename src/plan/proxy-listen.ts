// Where the sidecar listens, and what its DNS answers, in each topology. Pure.
import type { ProxyConfig } from '../../proxy/src/contract.ts';
import type { Bottle } from '../spec/bottle.ts';
import type { Subnet } from './facts.ts';
import { routePorts } from './proxy-config.ts';
import { EXPLICIT_PORT, RELAY_SOCKET } from './proxy-containers.ts';

/** The address that the relay's loopback has besides 127.0.0.1. */
const RELAY_ADDRESS = '198.18.0.1';
const DNS_PORT = 53;

export function proxyListen(bottle: Bottle, subnet: Subnet): Pick<ProxyConfig, 'listen' | 'dnsAnswer'> {
  if (bottle.agent.network === 'sealed') {
    return {
      listen: { explicit: null, relaySocket: RELAY_SOCKET, transparent: null, dns: null },
      dnsAnswer: RELAY_ADDRESS,
    };
  }
  const address = subnet.proxy;
  return {
    listen: {
      explicit: `${address}:${EXPLICIT_PORT}`,
      relaySocket: null,
      transparent: { address, ...transparentPorts(bottle) },
      dns: `${address}:${DNS_PORT}`,
    },
    dnsAnswer: address,
  };
}

/** Ports that a spec names besides the usual ones: the relay captures them too. */
export function capturedPorts(bottle: Bottle): readonly number[] {
  return routePorts(bottle).filter((port) => ![80, 443, DNS_PORT, EXPLICIT_PORT].includes(port));
}

function transparentPorts(bottle: Bottle): {
  readonly tlsPorts: readonly number[];
  readonly httpPorts: readonly number[];
} {
  const plain = new Set(bottle.egress.allow.filter(({ scheme }) => scheme === 'http').flatMap(({ ports }) => ports));
  const more = capturedPorts(bottle);
  return {
    tlsPorts: [443, ...more.filter((port) => !plain.has(port))],
    httpPorts: [80, ...more.filter((port) => plain.has(port))],
  };
}
