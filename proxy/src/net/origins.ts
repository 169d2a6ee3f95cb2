// What a request may name on the connection it came by: every place that names the host must agree. Pure.
import type { Via } from '../contract.ts';
import type { AgentRequest } from './agent.ts';
import { type Authority, parseAuthority } from './authority.ts';
import { Malformed } from './h1/malformed.ts';
import type { RequestHead } from './h1/request-head.ts';

export interface Expected {
  readonly via: Via;
  readonly scheme: 'https' | 'http';
  /** What CONNECT and SNI named; null when nothing did (plain HTTP that was captured). */
  readonly authority: Authority | null;
  /** The port that the connection was made to. */
  readonly port: number;
}

const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)(.*)$/i;

/** A request inside a tunnel or on a captured connection. */
export function resolveOrigin(head: RequestHead, expected: Expected): AgentRequest | Malformed {
  let target = head.target;
  let named = expected.authority;
  if (!target.startsWith('/') && target !== '*') {
    const absolute = parseAbsolute(target);
    if (absolute instanceof Malformed) return absolute;
    if (absolute.scheme !== expected.scheme) return mismatch('the URL and the connection disagree about TLS');
    if (named !== null && !isSame(named, absolute.authority)) {
      return mismatch('the URL names another host than the connection');
    }
    named = absolute.authority;
    target = absolute.target;
  }
  const host = head.host === null ? null : parseAuthority(head.host, defaultPort(expected.scheme));
  if (host instanceof Malformed) return host;
  if (host !== null && named !== null && !isSame(named, host)) {
    return mismatch('the Host field names another host than the connection');
  }
  const authority = named ?? host;
  if (authority === null) return new Malformed('missing-host', 'the request names no host');
  if (authority.port !== expected.port) return mismatch('the Host field names another port than the connection');
  return request(head, expected.via, expected.scheme, authority, target);
}

/** A request to the explicit proxy: the whole URL. */
export function resolveAbsolute(head: RequestHead): AgentRequest | Malformed {
  if (head.target.startsWith('/') || head.target === '*') {
    return new Malformed('not-absolute', 'a request to a proxy must name the whole URL');
  }
  const absolute = parseAbsolute(head.target);
  if (absolute instanceof Malformed) return absolute;
  const { scheme, authority, target } = absolute;
  if (head.host !== null) {
    const host = parseAuthority(head.host, defaultPort(scheme));
    if (host instanceof Malformed) return host;
    if (!isSame(authority, host)) return mismatch('the Host field names another host than the URL');
  }
  return request(head, 'absolute', scheme, authority, target);
}

/** Where a CONNECT leads. */
export function resolveConnect(head: RequestHead): Authority | Malformed {
  const authority = parseAuthority(head.target, null);
  if (authority instanceof Malformed || head.host === null) return authority;
  // Some clients leave the port out here.
  const host = parseAuthority(head.host, authority.port);
  if (host instanceof Malformed) return host;
  return isSame(authority, host) ? authority : mismatch('the Host field names another host than the CONNECT');
}

export function defaultPort(scheme: 'https' | 'http'): number {
  return scheme === 'https' ? 443 : 80;
}

function request(
  head: RequestHead,
  via: Via,
  scheme: 'https' | 'http',
  authority: Authority,
  target: string,
): AgentRequest {
  const { method, rawHeaders, body, contentLength, expectContinue, isWebSocket, isHttp10, isHttp2 } = head;
  return {
    via,
    scheme,
    host: authority.host,
    port: authority.port,
    method,
    target,
    rawHeaders,
    body,
    contentLength,
    expectContinue,
    isWebSocket,
    isHttp10,
    isHttp2,
  };
}

function parseAbsolute(text: string): { scheme: 'https' | 'http'; authority: Authority; target: string } | Malformed {
  const parts = ABSOLUTE.exec(text);
  if (parts === null) return new Malformed('target-form', 'the target is neither a path nor a URL');
  const scheme = parts[1]!.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return new Malformed('scheme', 'the URL is neither http nor https');
  const authority = parseAuthority(parts[2]!, defaultPort(scheme));
  if (authority instanceof Malformed) return authority;
  const rest = parts[3]!;
  return { scheme, authority, target: rest.startsWith('/') ? rest : `/${rest}` };
}

function isSame(a: Authority, b: Authority): boolean {
  return a.host === b.host && a.port === b.port;
}

function mismatch(reason: string): Malformed {
  return new Malformed('host-mismatch', reason);
}
