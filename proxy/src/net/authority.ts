// Host names and ports as they stand in CONNECT, Host, SNI and absolute URIs, made one spelling or refused. Pure.
import { isIPv4, isIPv6 } from 'node:net';
import { Malformed } from './h1/malformed.ts';

export interface Authority {
  /** Lower case, without trailing dot and brackets. */
  readonly host: string;
  readonly port: number;
}

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*$/;
/** WHATWG: a host whose last label is a number is an IPv4 address or nothing. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

/** `host`, `host:port`, `[v6]:port`; `defaultPort` null = a port is demanded (CONNECT). */
export function parseAuthority(text: string, defaultPort: number | null): Authority | Malformed {
  if (text.includes('@')) return new Malformed('userinfo', 'the authority has user information');
  const bracket = text.startsWith('[') ? text.indexOf(']') : -1;
  const colon = text.indexOf(':', bracket + 1);
  const hostText = colon < 0 ? text : text.slice(0, colon);
  const host = parseHost(hostText);
  if (host instanceof Malformed) return host;
  if (colon < 0) {
    return defaultPort === null ? new Malformed('port', 'the authority has no port') : { host, port: defaultPort };
  }
  const portText = text.slice(colon + 1);
  const port = Number(portText);
  if (!/^[1-9][0-9]{0,4}$/.test(portText) || port > 65_535) {
    return new Malformed('port', 'the port is not a number from 1 to 65535');
  }
  return { host, port };
}

/** A name or literal; IPv6 in brackets. */
export function parseHost(text: string): string | Malformed {
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1);
    if (!text.endsWith(']') || !isIPv6(inner) || inner.includes('%')) {
      return new Malformed('host', 'the host is not an IPv6 address in brackets');
    }
    // The URL parser writes every spelling of an address in the same way.
    return new URL(`http://[${inner}]/`).hostname.slice(1, -1);
  }
  const lower = text.toLowerCase();
  const host = lower.length > 1 && lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (NAME.test(host)) {
    if (!ENDS_IN_NUMBER.test(host) || isIPv4(host)) return host;
    return new Malformed('odd-address', 'the host is an IP address in an unusual spelling');
  }
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return new Malformed('idn', 'the host has bytes outside ASCII; use its xn-- form');
  }
  return new Malformed('host', 'the host has characters that no name has');
}

/** `host:port` for a person, the port only when it is not the scheme's own. */
export function formatAuthority(authority: Authority, defaultPort: number): string {
  const host = authority.host.includes(':') ? `[${authority.host}]` : authority.host;
  return authority.port === defaultPort ? host : `${host}:${authority.port}`;
}
