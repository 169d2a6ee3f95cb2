// Opens the connection to an upstream: checks the requested name, resolves, judges every address, pins a judged one, TLS.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ProxyConfig, Route, UpstreamProxy } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { parseAddress } from './address.ts';
import { type AddressJudge, type AddressRefusal, createAddressJudge } from './address-judge.ts';
import { type ClientIdentities, type ClientIdentity, readClientIdentities } from './client-identities.ts';
import { createLookup, type Lookup, type Resolve } from './dial-lookup.ts';
import { aboutProxy, createBypass, createProxyTunnel, viaOf } from './dial-proxy.ts';
import { DialRefused, timedOut } from './dial-refused.ts';
import { connectFirst, type Endpoint } from './dial-tcp.ts';
import { createTlsDialer } from './dial-tls.ts';

export { DialRefused } from './dial-refused.ts';

export interface DialerOptions {
  readonly upstream: ProxyConfig['upstream'];
  /** Where the upstream proxy's credential is; left out = nowhere. */
  readonly secrets?: ProxyConfig['secrets'];
  /** Whose client certificates are shown; left out = none. */
  readonly routes?: ProxyConfig['routes'];
  /** Name look-up, TCP and TLS together, in ms. */
  readonly connectTimeoutMs: number;
  /** What names this proxy to the upstream proxy; left out = ''. */
  readonly session?: string;
  /** Left out = the system's resolver. */
  readonly resolve?: Resolve;
}

export interface Dialer {
  /**
   * TLS for `https` routes (handshake finished, certificate verified), plain TCP for all others; throws DialRefused. `protocols`: what TLS offers
   * by ALPN (RFC 7301), best first; HTTP/1.1 alone when left out. `gone`: nobody waits any more, and the reason is thrown.
   */
  dial(
    route: Route,
    host: string,
    port: number,
    protocols?: readonly string[],
    gone?: AbortSignal,
  ): Promise<TLSSocket | Socket>;
  /** Connections of one identity are never used for another; '' = the upstream sees none. */
  identityOf(route: Route): string;
  /** Client certificates of new values; throws ProxyFailure, and all stays as it was. What it gives puts them in force. */
  renew(secrets: ProxyConfig['secrets']): () => void;
  /** Does now what the first dial would wait for (10 ms): call it once the proxy serves. */
  warm(): void;
  /** Forgets cached addresses and sessions; open sockets belong to the caller. */
  close(): void;
}

/** Throws ProxyFailure for a map entry that is none, RangeError for a CIDR that is none. */
export function createDialer({
  upstream,
  secrets = [],
  routes = [],
  session = '',
  connectTimeoutMs,
  resolve,
}: DialerOptions): Dialer {
  const judge = createAddressJudge(upstream.refuse);
  const map = readMap(upstream.map);
  const lookup = createLookup(resolve);
  const tls = createTlsDialer(upstream.roots);
  let identities: ClientIdentities = readClientIdentities({ routes, secrets });
  const { proxy } = upstream;
  const tunnel = proxy === undefined ? null : createProxyTunnel(proxy, secrets, viaOf(session));
  const isDirect = createBypass(proxy?.noProxy ?? []);

  /** The proxy is the person's own choice: its address is not judged. */
  const throughProxy = async ({ host, port, secure }: UpstreamProxy, signal: AbortSignal): Promise<Socket> => {
    const place = `${host}:${port}`;
    try {
      const found = map.has(place) ? [] : await orAborted(addressesOf(lookup, host), signal);
      const endpoints = map.get(place) ?? found.map((address) => ({ address, port }));
      const socket = await connectFirst(place, endpoints, signal);
      return secure ? await tls.secure(socket, host, port, ['http/1.1'], signal) : socket;
    } catch (error) {
      throw aboutProxy(error);
    }
  };

  return {
    dial: async (route, host, port, protocols = ['http/1.1'], gone) => {
      const place = `${host}:${port}`;
      // The requested host is judged before the map is consulted: being mapped is no permission for a private literal.
      refuseIf(judge.judgeHost(route, host));
      const identity = identities.of(route);
      if (identity !== null) refuseExpired(route, identity);
      const doing = { place, what: 'looking up its address' };
      const deadline = new AbortController();
      const onGone = (): void => deadline.abort(gone?.reason);
      gone?.addEventListener('abort', onGone);
      const timer = setTimeout(
        () => deadline.abort(timedOut(doing.place, doing.what, connectTimeoutMs)),
        connectTimeoutMs,
      );
      try {
        const { signal } = deadline;
        let socket: Socket;
        if (proxy !== undefined && tunnel !== null && !map.has(place) && !isDirect(host, port)) {
          Object.assign(doing, { place: `${proxy.host}:${proxy.port}`, what: 'connecting' });
          const toProxy = await throughProxy(proxy, signal);
          Object.assign(doing, { place, what: 'through the upstream proxy' });
          socket = await tunnel.open(toProxy, host, port, signal);
        } else {
          const endpoints = map.get(place) ?? (await findEndpoints(judge, lookup, route, host, port, signal));
          doing.what = 'connecting';
          socket = await connectFirst(place, endpoints, signal);
        }
        if (route.scheme !== 'https') return socket;
        doing.what = 'TLS handshake';
        return await tls.secure(socket, host, port, protocols, signal, identity);
      } finally {
        gone?.removeEventListener('abort', onGone);
        clearTimeout(timer);
      }
    },
    identityOf: (route) => identities.of(route)?.id ?? '',
    renew: (values) => {
      const renewed = identities.renewed(values);
      return () => {
        identities = renewed;
      };
    },
    warm: tls.warm,
    close: () => {
      lookup.clear();
      tls.clear();
    },
  };
}

async function addressesOf(lookup: Lookup, host: string): Promise<readonly string[]> {
  const literal = parseAddress(host);
  return literal === null ? lookup.addressesOf(host) : [literal.text];
}

/** Only judged addresses, in canonical text: nothing is resolved again after this. */
async function findEndpoints(
  judge: AddressJudge,
  lookup: Lookup,
  route: Route,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<readonly Endpoint[]> {
  const literal = parseAddress(host);
  if (literal !== null) return [{ address: literal.text, port }];
  const found = await orAborted(lookup.addressesOf(host), signal);
  const refusals = found.map((address) => judge.judgeResolved(route, host, address));
  const allowed = found.filter((_, i) => refusals[i] === null);
  // One good address among bad ones is enough; the bad ones are never dialled.
  if (allowed.length === 0) refuseIf(refusals[0] ?? null);
  return allowed.map((address) => ({ address, port }));
}

function refuseExpired(route: Route, { expires }: ClientIdentity): void {
  if (expires.getTime() > Date.now()) return;
  throw new DialRefused({
    stage: 'upstream',
    rule: 'client-certificate',
    reason: `the client certificate of ${route.id} has expired on ${expires.toISOString()}`,
    fix: 'renew the secret that holds it; `ttl_seconds` has it read again while the session runs',
  });
}

function refuseIf(refusal: AddressRefusal | null): void {
  if (refusal !== null) throw new DialRefused({ stage: 'address', ...refusal });
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort);
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}

function readMap(map: ProxyConfig['upstream']['map']): ReadonlyMap<string, readonly Endpoint[]> {
  // Many names may lead to one place.
  const read = new Map<string, readonly Endpoint[] | null>();
  return new Map(
    Object.entries(map).map(([from, to]) => {
      let endpoints = read.get(to);
      if (endpoints === undefined) {
        endpoints = readEndpoint(to);
        read.set(to, endpoints);
      }
      if (endpoints === null) {
        throw new ProxyFailure({
          what: 'cannot use the upstream map',
          why: `"${to}" (for "${from}") is not ip:port`,
          fix: 'write it like {"api.example:443": "192.0.2.7:8443"}',
        });
      }
      return [withoutBrackets(from), endpoints];
    }),
  );
}

function readEndpoint(text: string): readonly Endpoint[] | null {
  const plain = withoutBrackets(text);
  const address = parseAddress(plain.slice(0, plain.lastIndexOf(':')));
  const port = Number(plain.slice(plain.lastIndexOf(':') + 1));
  const isOne = address !== null && address.kind !== 'malformed' && port > 0 && port < 65536;
  return isOne ? [{ address: address.text, port }] : null;
}

/** `[2001:db8::1]:443` as it is asked for. */
function withoutBrackets(place: string): string {
  return place.toLowerCase().replace(/^\[(.*)\](?=:\d+$)/, '$1');
}
