// The ways in, from a bare connection to requests: explicit proxy, CONNECT tunnel, captured connection; TLS or plain by the first bytes.
import type { Socket } from 'node:net';
import { AuditFailure } from '../audit/failure.ts';
import { newRecordId } from '../audit/record.ts';
import type { Stage, Via } from '../contract.ts';
import { renderRefusal } from '../pipeline/refusal.ts';
import type { RequestView } from '../pipeline/types.ts';
import type { AgentStream } from './agent.ts';
import { type Authority, parseAuthority, parseHost } from './authority.ts';
import { type ClientNames, helloEnd, looksLikeTls, readClientHello } from './client-hello.ts';
import type { Timed } from './deadlines.ts';
import { Exchange } from './exchange.ts';
import { awaitFirst } from './first-bytes.ts';
import { AgentConnection } from './h1/agent-connection.ts';
import { Malformed } from './h1/malformed.ts';
import type { Origin } from './h1/origin.ts';
import type { RequestHead } from './h1/request-head.ts';
import { AgentSession } from './h2/agent-session.ts';
import { type Expected, resolveAbsolute, resolveConnect, resolveOrigin } from './origins.ts';
import { draftRecord, NO_TRAFFIC, RecordStart } from './record.ts';
import { protocolRefusal } from './refusals.ts';
import type { Services } from './services.ts';
import { acceptSocks } from './socks/accept.ts';
import { SOCKS_VERSION } from './socks/request.ts';
import { acceptTls } from './tls-accept.ts';
import { HelloWatch } from './tunnel/hello-watch.ts';
import { Tunnel } from './tunnel/tunnel.ts';
import { connectVoice, SILENT, SOCKS_VOICE, TLS_VOICE, tlsAlert } from './tunnel/voices.ts';

/** A connection whose protocol is not known yet, and where it was going to. */
export interface Destination {
  readonly via: Via;
  /** What the CONNECT named; null for a captured connection. */
  readonly authority: Authority | null;
  /** The captured connection's original address; null when it is our own. */
  readonly address: string | null;
  readonly port: number;
}

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
      malformed: (problem, head, stream) => this.refuse(problem, head, stream, expected),
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
        if (problem.rule !== 'no-request' || destination.via === 'transparent') this.recordOnly(destination, problem);
        socket.destroy();
      },
    });
  }

  /** One connection too many. */
  recordOverload(): void {
    const reason = `more than ${this.services.limits.connections} connections at the same time`;
    const nowhere: Destination = { via: 'transparent', authority: null, address: null, port: 0 };
    this.recordOnly(nowhere, new Malformed('connections', reason));
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
    const { socket, rest } = connection.detach();
    this.open.delete(connection);
    this.acceptNamed(socket, 'connect', authority, rest);
    return null;
  }

  private acceptSocks(socket: Socket, first: Buffer): void {
    acceptSocks(socket, first, this.services, {
      onConnect: (authority, rest) => this.acceptNamed(socket, 'socks', authority, rest),
      onRefused: (problem, place) =>
        this.recordOnly({ via: 'socks', authority: place, address: null, port: place?.port ?? 0 }, problem),
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
        this.recordOnly(destination, new Malformed('default', `${judged.reason}; ${judged.fix}`), 'policy');
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
      this.recordOnly({ ...destination, authority: { host, port } }, problem);
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
      this.recordOnly(destination, new Malformed('server-name', reason));
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
        this.recordOnly({ ...destination, authority: { host, port } }, new Malformed('tls-handshake', reason));
      },
    });
  }

  /** How requests are read that come on a connection to somewhere. */
  private originOf(expected: Expected, isSecure: boolean): Origin {
    return {
      resolve: (head) => resolveOrigin(head, expected),
      connect: null,
      exchange: (request, stream) => new Exchange(this.services, request, stream),
      malformed: (problem, head, stream) => this.refuse(problem, head, stream, expected),
      isSecure,
    };
  }

  private serveStreams(socket: Socket, origin: Origin, { scheme }: Expected, destination: Destination): void {
    const session = new AgentSession(socket, this.services, {
      scheme,
      origin,
      onBroken: (problem) => this.recordOnly(destination, problem),
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

  /** A request that never became one: one record, one answer, the end of the connection. */
  private refuse(problem: Malformed, head: RequestHead | null, stream: AgentStream, expected: Expected): void {
    const { services } = this;
    const start = new RecordStart(newRecordId());
    const view = viewOf(head, expected);
    const refusal = protocolRefusal(problem.rule, problem.reason);
    const answer = renderRefusal(refusal, view, start.id, null);
    const { via, port } = view;
    const host = services.pipeline.recordText(view.host);
    const method = services.pipeline.recordText(view.method);
    const path = head === null ? '' : services.pipeline.recordPath(view);
    const outcome = { verdict: 'block', stage: 'protocol', rule: problem.rule, reason: problem.reason } as const;
    const traffic = { ...NO_TRAFFIC, status: answer.status };
    const draft = draftRecord(services.session, start, { via, host, port, method, path }, outcome, traffic);
    if (!this.append(draft)) {
      stream.reset();
      return;
    }
    stream.queueResponse(answer.status, answer.reason, answer.rawHeaders, 'length');
    if (answer.body.length > 0) stream.queueBody(answer.body);
    stream.finish([]);
  }

  /** Something happened before there could be a request. */
  private recordOnly(destination: Destination, problem: Malformed, stage: Stage = 'protocol'): void {
    const { via, authority, address, port } = destination;
    const outcome = { verdict: 'block', stage, rule: problem.rule, reason: problem.reason } as const;
    const host = this.services.pipeline.recordText(authority?.host ?? address ?? '');
    const subject = { via, host, port, method: '', path: '' };
    this.append(draftRecord(this.services.session, new RecordStart(newRecordId()), subject, outcome, NO_TRAFFIC));
  }

  private append(draft: Parameters<Services['audit']['append']>[0]): boolean {
    try {
      this.services.audit.append(draft);
      return true;
    } catch (error) {
      if (error instanceof AuditFailure) return false;
      throw error;
    }
  }
}

interface Sniffed {
  onTls(bytes: Buffer, names: ClientNames): void;
  onPlain(bytes: Buffer): void;
  onOther(problem: Malformed): void;
}

/** Waits for the bytes that tell TLS from plain HTTP from anything else. */
class Sniffer implements Timed {
  deadline: number;
  private bytes: Buffer;
  private readonly socket: Socket;
  private readonly services: Services;
  private readonly sniffed: Sniffed;
  private isDone = false;

  constructor(socket: Socket, services: Services, first: Buffer | null, sniffed: Sniffed) {
    this.socket = socket;
    this.services = services;
    this.sniffed = sniffed;
    this.bytes = first ?? Buffer.alloc(0);
    this.deadline = services.deadlines.now + services.limits.headTimeoutMs;
    services.deadlines.add(this);
    socket.on('data', this.onData);
    socket.on('end', this.onEnd);
    socket.on('close', this.onEnd);
    socket.on('error', ignore);
    if (this.bytes.length > 0) this.judge();
    // It may have ended before anybody listened.
    else if (socket.readableEnded || socket.destroyed) this.onEnd();
    else socket.resume();
  }

  private readonly onData = (chunk: Buffer): void => {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    this.judge();
  };

  private readonly onEnd = (): void => {
    this.end(() =>
      this.sniffed.onOther(
        this.bytes.length === 0
          ? new Malformed('no-request', 'the connection was closed without a request')
          : new Malformed('tls-handshake', 'TLS handshake not finished by client'),
      ),
    );
  };

  onDeadline(): void {
    const reason = 'the client sent nothing that TLS or HTTP begins with; other protocols are not passed on';
    this.end(() => this.sniffed.onOther(new Malformed('silent', reason)));
  }

  private judge(): void {
    const { bytes } = this;
    if (!looksLikeTls(bytes)) {
      const first = bytes[0]!;
      const isLetter = (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a) || first === 13;
      this.end(() => {
        if (isLetter) this.sniffed.onPlain(bytes);
        else this.sniffed.onOther(new Malformed('not-http', 'neither TLS nor HTTP; other protocols are not passed on'));
      });
      return;
    }
    const hello = readClientHello(bytes);
    if (hello.do === 'wait') return;
    this.end(() => {
      if (hello.do === 'hello') this.sniffed.onTls(bytes, hello);
      else this.sniffed.onOther(new Malformed('client-hello', 'the TLS handshake cannot be read'));
    });
  }

  private end(then: () => void): void {
    if (this.isDone) return;
    this.isDone = true;
    this.services.deadlines.delete(this);
    this.socket.off('data', this.onData);
    this.socket.off('end', this.onEnd);
    this.socket.off('close', this.onEnd);
    this.socket.pause();
    try {
      then();
    } catch (error) {
      this.services.reportBug(error);
      this.socket.destroy();
    }
  }
}

/** The upstream must be asked for exactly the host that was allowed: its address may serve others as well. */
function passthroughProblem(
  host: string,
  named: string | Malformed | null,
  { hasEncryptedHello }: ClientNames,
  isAlone: boolean,
): Malformed | null {
  if (!isAlone) return new Malformed('client-hello', 'the TLS handshake cannot be read');
  if (named === null)
    return new Malformed('no-server-name', `the TLS handshake does not name ${host}, so it is not passed on`);
  if (named !== host) return new Malformed('host-mismatch', 'TLS names another host than the connection');
  if (!hasEncryptedHello) return null;
  const reason = 'the TLS handshake holds an encrypted one (ECH), which may name another host';
  return new Malformed('encrypted-hello', reason);
}

/** The `close` that follows tells all that matters. */
function ignore(): void {}

/** For the record and the answer only: what a malformed request seems to have wanted. */
function viewOf(head: RequestHead | null, expected: Expected): RequestView {
  const parts = /^(?:[a-z][a-z0-9+.-]*:\/\/([^/?]*))?(.*)$/is.exec(head?.target ?? '');
  const path = parts?.[2] ?? '';
  const named = head === null ? null : parseAuthority(parts?.[1] ?? head.host ?? '', expected.port);
  const authority = expected.authority ?? (named instanceof Malformed ? null : named);
  return {
    via: expected.via,
    scheme: expected.scheme,
    host: authority?.host ?? '',
    port: authority?.port ?? expected.port,
    method: head?.method ?? '',
    target: path.startsWith('/') ? path : `/${path}`,
    rawHeaders: head?.rawHeaders ?? [],
  };
}
