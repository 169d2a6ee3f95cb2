// Upstreams for tests: TLS servers signed by a test CA, at the level of bytes or of node:http.
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type Authority, createAuthority } from '../../../src/ca/authority.ts';
import { until } from './proxy.ts';

/** One connection that the proxy made. */
export interface UpstreamPeer {
  readonly socket: Socket;
  /** Everything received, latin1. */
  received(): string;
  waitFor(text: string): Promise<void>;
  send(text: string | Buffer): void;
}

export interface Upstream {
  /** `127.0.0.1:PORT`, for the upstream map. */
  readonly address: string;
  readonly port: number;
  readonly peers: UpstreamPeer[];
  /** The connection with that number, once it is there. */
  peer(index: number): Promise<UpstreamPeer>;
  close(): void;
}

/** Signs every upstream's certificate; unrelated to the session's CA. */
export function testAuthority(): Authority {
  return createAuthority({ session: 'upstreams' });
}

/** An upstream that does what `serve` says with raw bytes. */
export async function rawUpstream(
  authority: Authority | null,
  serve: (peer: UpstreamPeer) => void = () => {},
): Promise<Upstream> {
  const peers: UpstreamPeer[] = [];
  const accept = (socket: Socket): void => {
    let received = '';
    const peer: UpstreamPeer = {
      socket,
      received: () => received,
      waitFor: (text) => until(() => received.includes(text), `the upstream to receive ${JSON.stringify(text)}`),
      send: (text) => {
        socket.write(text, 'latin1');
      },
    };
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    peers.push(peer);
    serve(peer);
  };
  const server = authority === null ? createTcpServer(accept) : createTlsServer(sniOptions(authority), accept);
  server.on('tlsClientError', () => {});
  const port = await listenOn(server);
  return {
    address: `127.0.0.1:${port}`,
    port,
    peers,
    peer: async (index) => {
      await until(() => peers.length > index, `connection ${index} to the upstream`);
      return peers[index]!;
    },
    close: () => {
      server.close();
      for (const { socket } of peers) socket.destroy();
    },
  };
}

/** What arrives from now on, on any connection. */
export function arrivals(upstream: Upstream): () => string {
  const before = upstream.peers.map((peer) => peer.received().length);
  return () => upstream.peers.map((peer, i) => peer.received().slice(before[i] ?? 0)).join('');
}

/** Answers every request with these bytes, on a connection that stays open. */
export function answering(response: string): (peer: UpstreamPeer) => void {
  return (peer) => {
    let answered = 0;
    peer.socket.on('data', () => {
      const heads = peer.received().split('\r\n\r\n').length - 1;
      for (; answered < heads; answered++) peer.send(response);
    });
  };
}

export interface HttpUpstream {
  readonly address: string;
  readonly port: number;
  readonly server: HttpServer;
  close(): void;
}

/** A node:http server behind TLS (or plain, without an authority). */
export async function httpUpstream(authority: Authority | null, listener: RequestListener): Promise<HttpUpstream> {
  const http = createHttpServer(listener);
  const sockets = new Set<Socket>();
  const front =
    authority === null
      ? http
      : createTlsServer(sniOptions(authority), (socket: TLSSocket) => http.emit('connection', socket));
  front.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  front.on('tlsClientError', () => {});
  const port = await listenOn(front);
  return {
    address: `127.0.0.1:${port}`,
    port,
    server: http,
    close: () => {
      front.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function sniOptions(authority: Authority) {
  return {
    SNICallback: (name: string, done: (error: Error | null, context: ReturnType<Authority['secureContext']>) => void) =>
      done(null, authority.secureContext(name)),
  };
}

export async function listenOn(server: Server | HttpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}
