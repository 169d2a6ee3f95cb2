// The ways in, from a bare connection to requests: explicit proxy, CONNECT tunnel, captured connection; TLS or plain by the first bytes.
import type { Socket } from 'node:net';
import { type Authority, parseHost } from './authority.ts';
import { type ClientNames, helloEnd } from './client-hello.ts';
import { viaOf } from './dial-proxy.ts';
import { type Destination, recordOnly, refuseMalformed, refuseTunnel } from './early-ends.ts';
import { Exchange } from './exchange.ts';
import { awaitFirst } from './first-bytes.ts';
import { AgentConnection } from './h1/agent-connection.ts';
import { fieldValue } from './h1/fields.ts';
import { Malformed } from './h1/malformed.ts';
import type { Origin } from './h1/origin.ts';
import type { RequestHead } from './h1/request-head.ts';
import { AgentSession } from './h2/agent-session.ts';
import { type Expected, resolveAbsolute, resolveConnect, resolveOrigin } from './origins.ts';
import type { Services } from './services.ts';
import { Sniffer } from './sniffer.ts';
import { acceptSocks } from './socks/accept.ts';
import { SOCKS_VERSION } from './socks/request.ts';
import { acceptTls } from './tls-accept.ts';
import { HelloWatch } from './tunnel/hello-watch.ts';
import { passthroughProblem } from './tunnel/passthrough.ts';
import { Tunnel } from './tunnel/tunnel.ts';
import { connectVoice, SILENT, SOCKS_VOICE, TLS_VOICE, tlsAlert } from './tunnel/voices.ts';

/** Connections that can be asked to end when the proxy stops. */
export interface Drainable {
  readonly isBusy: boolean;
  drain(): void;
  /** Ends after the next answer. */
  retire?(): void;
}

export class Entrance {
  private readonly services: Services;
  private readonly open = new Set<Drainable>();

  constructor(services: Services) {
    this.services = services;
  }

  /** A client of the explicit proxy: absolute-form, CONNECT and SOCKS5. */
  acceptExplicit(socket: Socket, first: Buffer | null = null): void {
    if (first === null || first.length === 0) {
      awaitFirst(socket, this.services, (bytes) => this.acceptExplicit(socket, bytes));
      return;
    }
    if (first[0] === SOCKS_VERSION) {
      this.acceptSocks(socket, first);
      return;
    }
    const expected: Expected = { via: 'absolute', scheme: 'http', authority: null, port: 0 };
    this.serveRequests(socket, first, {
      resolve: resolveAbsolute,
      connect: (head, connection) => this.connect(head, connection),
      exchange: (request, stream) => new Exchange(this.services, request, stream),
      malformed: (problem, head, stream) => refuseMalformed(this.services, problem, head, stream, expected),
      isSecure: false,
    });
  }

  /** A connection that was on its way to somewhere else. */
  acceptCaptured(socket: Socket, destination: Destination, first: Buffer | null = null): void {
    if (destination.via === 'transparent' && this.tunnelCaptured(socket, destination, first)) return;
    new Sniffer(socket, this.services, first, {
      onTls: (bytes, names) => {
        if (!this.passTls(socket, destination, bytes, names))
          this.acceptTls(socket, destination, bytes, names.serverName);
      },
      onPlain: (bytes) => {
        const { via, authority, port } = destination;
        this.serveRequests(socket, bytes, this.originOf({ via, scheme: 'http', authority, port }, false));
      },
      onOther: (problem) => {
        // A tunnel that was opened and closed unused is no exchange; a captured connection was meant for somebody.
        if (problem.rule !== 'no-request' || destination.via === 'transparent')
          recordOnly(this.services, destination, problem);
        socket.destroy();
      },
    });
  }

  /** One connection too many. */
  recordOverload(): void {
    const reason = `more than ${this.services.limits.connections} connections at the same time`;
    const nowhere: Destination = { via: 'transparent', authority: null, address: null, port: 0 };
    recordOnly(this.services, nowhere, new Malformed('connections', reason));
  }

  /** An exchange is running. */
  get isBusy(): boolean {
    for (const connection of this.open) if (connection.isBusy) return true;
    return false;
  }

  drain(): void {
    for (const connection of this.open) connection.drain();
  }

  retire(): void {
    for (const connection of this.open) connection.retire?.();
  }

  /** CONNECT is answered 200 for every host: a refusal inside TLS is one that the client shows. */
  private connect(head: RequestHead, connection: AgentConnection): Malformed | null {
    const authority = resolveConnect(head);
    if (authority instanceof Malformed) return authority;
    const via = fieldValue(head.rawHeaders, 'via');
    if (via?.includes(viaOf(this.services.session))) {
      return new Malformed('loop', 'the upstream proxy leads back to this proxy');
    }
    const { socket, rest } = connection.detach();
    this.open.delete(connection);
    this.acceptNamed(socket, 'connect', authority, rest);
    return null;
  }

  private acceptSocks(socket: Socket, first: Buffer): void {
    acceptSocks(socket, first, this.services, {
      onConnect: (authority, rest) => this.acceptNamed(socket, 'socks', authority, rest),
      onRefused: (problem, place) =>
        recordOnly(this.services, { via: 'socks', authority: place, address: null, port: place?.port ?? 0 }, problem),
    });
  }

  /** A tunnel to a place that its client named. */
  private acceptNamed(socket: Socket, via: 'connect' | 'socks', authority: Authority, rest: Buffer): void {
    const place = { via, ...authority };
    const voice = via === 'connect' ? connectVoice(place) : SOCKS_VOICE;
    const route = this.services.pipeline.judgeTunnel(authority.host, authority.port);
    if (route?.scheme === 'tcp') {
      // The upstream may be the one to speak first: nothing is waited for.
      new Tunnel(this.services, { agent: socket, place, route, first: rest, voice, watch: null });
      return;
    }
    const refusal = this.services.pipeline.judgeOpening(authority.host, authority.port);
    if (refusal !== null) {
      refuseTunnel(this.services, socket, place, voice, refusal);
      return;
    }
    socket.write(voice.opened);
    this.acceptCaptured(socket, { via, authority, address: null, port: authority.port }, rest);
  }

  /** A captured connection whose port belongs to a `tcp` route; false = it is none. */
  private tunnelCaptured(socket: Socket, destination: Destination, first: Buffer | null): boolean {
    const { via, address, port } = destination;
    const judged = this.services.pipeline.judgeCaptured(address, port);
    switch (judged.do) {
      case 'sniff':
        return false;
      case 'tunnel': {
        const { route, host } = judged;
        const place = { via, host, port };
        const rest = first ?? Buffer.alloc(0);
        new Tunnel(this.services, { agent: socket, place, route, first: rest, voice: SILENT, watch: null });
        return true;
      }
      case 'refuse':
        recordOnly(this.services, destination, new Malformed('default', `${judged.reason}; ${judged.fix}`), 'policy');
        socket.destroy();
        return true;
      default:
        return judged satisfies never;
    }
  }

  /** TLS that passes as it is (`tls: passthrough`), once its hello names the host; false = it is to be inspected. */
  private passTls(socket: Socket, destination: Destination, bytes: Buffer, names: ClientNames): boolean {
    const { via, authority, port } = destination;
    const { pipeline } = this.services;
    const named = names.serverName === null ? null : parseHost(names.serverName);
    const host = authority?.host ?? (named instanceof Malformed ? null : named);
    const route = host === null ? null : pipeline.judgeTunnel(host, port);
    if (host === null || route?.scheme !== 'tls') return false;
    const end = helloEnd(bytes);
    const problem = passthroughProblem(host, named, names, end !== null);
    if (problem !== null) {
      recordOnly(this.services, { ...destination, authority: { host, port } }, problem);
      socket.end(tlsAlert(), () => socket.destroy());
      return true;
    }
    const place = { via, host, port };
    const watch = new HelloWatch(names.serverName!.toLowerCase());
    const first = bytes.subarray(0, end ?? 0);
    // What the client said ahead is not part of the hello that was judged: it comes once more.
    if (first.length < bytes.length) socket.unshift(bytes.subarray(first.length));
    new Tunnel(this.services, { agent: socket, place, route, first, voice: TLS_VOICE, watch });
    return true;
  }

  private acceptTls(socket: Socket, destination: Destination, bytes: Buffer, serverName: string | null): void {
    const { via, port } = destination;
    const fallback = destination.authority?.host ?? destination.address ?? socket.localAddress ?? '';
    const host = serverName === null ? fallback : parseHost(serverName);
    if (host instanceof Malformed || host === '') {
      const reason = 'the TLS handshake names a host that cannot be one';
      recordOnly(this.services, destination, new Malformed('server-name', reason));
      socket.destroy();
      return;
    }
    socket.unshift(bytes);
    acceptTls(socket, host, this.services, {
      onSecure: (secured, alpn) => {
        const isHttp2 = alpn === 'h2';
        const connected = destination.authority;
        if (connected === null || connected.host === host) {
          const expected: Expected = { via, scheme: 'https', authority: { host, port }, port };
          if (isHttp2) this.serveStreams(secured, this.originOf(expected, true), expected, destination);
          else this.serveRequests(secured, null, this.originOf(expected, true));
          return;
        }
        const problem = new Malformed('host-mismatch', 'TLS names another host than the CONNECT');
        const expected: Expected = { via, scheme: 'https', authority: connected, port };
        // Every request on this connection is refused: its names disagree.
        const origin: Origin = { ...this.originOf(expected, true), resolve: () => problem };
        if (isHttp2) this.serveStreams(secured, origin, expected, destination);
        else this.serveRequests(secured, null, origin);
      },
      onFailed: () => {
        const reason = 'TLS handshake not finished by client (it may not trust the CA of this session)';
        recordOnly(
          this.services,
          { ...destination, authority: { host, port } },
          new Malformed('tls-handshake', reason),
        );
      },
    });
  }

  /** How requests are read that come on a connection to somewhere. */
  private originOf(expected: Expected, isSecure: boolean): Origin {
    return {
      resolve: (head) => resolveOrigin(head, expected),
      connect: null,
      exchange: (request, stream) => new Exchange(this.services, request, stream),
      malformed: (problem, head, stream) => refuseMalformed(this.services, problem, head, stream, expected),
      isSecure,
    };
  }

  private serveStreams(socket: Socket, origin: Origin, { scheme }: Expected, destination: Destination): void {
    const session = new AgentSession(socket, this.services, {
      scheme,
      origin,
      onBroken: (problem) => recordOnly(this.services, destination, problem),
    });
    this.open.add(session);
    socket.once('close', () => this.open.delete(session));
  }

  private serveRequests(socket: Socket, first: Buffer | null, origin: Origin): void {
    const connection = new AgentConnection(socket, this.services, origin);
    this.open.add(connection);
    socket.once('close', () => this.open.delete(connection));
    connection.start(first);
  }
}
