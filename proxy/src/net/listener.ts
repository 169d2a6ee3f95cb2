// The listening sockets of the proxy, and what each of their connections is.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { ONE_MORE_THREAD, type ProxyConfig, type RelayHello } from '../contract.ts';
import { ProxyFailure } from '../failure.ts';
import { createDnsResponder, type DnsServer, listenDns, serveDnsStream } from './dns-server.ts';
import { Entrance } from './entrance.ts';
import type { Services } from './services.ts';

export interface Listening {
  /** `ADDR:PORT` of the explicit proxy; null when off. */
  readonly explicit: string | null;
  /** Tells relays that one more thread listens. */
  announceThread(): void;
  /** Every connection ends after its next answer. */
  retireConnections(): void;
  /** Takes no more connections, lets exchanges end for a moment, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** Which thread of the proxy listens: all but the only one share their ports with others. */
export type Place =
  | { readonly kind: 'only' }
  | { readonly kind: 'first' }
  | { readonly kind: 'further'; readonly index: number };

/** The relay captures this port for programs that know of the proxy. */
const EXPLICIT_PORT = 3128;
const MAX_HELLO_BYTES = 1024;
const POLL_MS = 5;

export async function listen(config: ProxyConfig, services: Services, place: Place): Promise<Listening> {
  const entrance = new Entrance(services);
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  const lifelines = new Set<Socket>();
  let dns: DnsServer | null = null;

  /** Every connection counts, whichever way it came. */
  const serve = (accept: (socket: Socket) => void): Server => {
    // Half-open, since a client may end its side and wait for the answer.
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      socket.on('error', ignore);
      if (services.connections.value >= services.limits.connections) {
        socket.destroy();
        entrance.recordOverload();
        return;
      }
      sockets.add(socket);
      services.connections.add(1);
      socket.once('close', () => {
        sockets.delete(socket);
        services.connections.add(-1);
      });
      accept(socket);
    });
    servers.push(server);
    return server;
  };

  const respond = createDnsResponder({
    session: config.session,
    answer: config.dnsAnswer,
    judgeName: (name, type) => services.pipeline.judgeName(name, type),
    record: (draft) => services.audit.append(draft),
  });

  const acceptRelayed = (socket: Socket): void => {
    readHello(socket, (hello, rest) => {
      switch (hello.kind) {
        case 'lifeline':
          lifelines.add(socket);
          socket.on('close', () => lifelines.delete(socket));
          socket.on('end', () => socket.destroy());
          socket.resume();
          break;
        case 'dns':
          if (rest.length > 0) socket.unshift(rest);
          serveDnsStream(socket, respond);
          break;
        case 'tcp':
          if (hello.port === EXPLICIT_PORT) entrance.acceptExplicit(socket, rest);
          else {
            const { address, port } = hello;
            entrance.acceptCaptured(socket, { via: 'transparent', authority: null, address, port }, rest);
          }
          break;
        default:
          hello satisfies never;
      }
    });
  };

  let explicit: string | null = null;
  try {
    if (config.listen.explicit !== null) {
      explicit = await bind(
        serve((socket) => entrance.acceptExplicit(socket)),
        config.listen.explicit,
        place,
      );
    }
    if (config.listen.relaySocket !== null) {
      const { relaySocket } = config.listen;
      const path = place.kind === 'further' ? `${relaySocket}.${place.index}` : relaySocket;
      await bindUnix(serve(acceptRelayed), path);
    }
    if (config.listen.transparent !== null) {
      const { address, tlsPorts, httpPorts } = config.listen.transparent;
      for (const port of [...tlsPorts, ...httpPorts]) {
        const accept = (socket: Socket): void =>
          entrance.acceptCaptured(socket, { via: 'transparent', authority: null, address: null, port });
        await bind(serve(accept), `${address}:${port}`, place);
      }
    }
    // Datagrams are few: the first thread answers them all.
    if (config.listen.dns !== null && place.kind !== 'further') dns = await listenDns(config.listen.dns, respond);
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }

  return {
    explicit,
    announceThread: () => {
      for (const lifeline of lifelines) lifeline.write(ONE_MORE_THREAD);
    },
    retireConnections: () => entrance.retire(),
    close: async (graceMs) => {
      for (const server of servers) server.close();
      await dns?.close();
      entrance.drain();
      const until = performance.now() + graceMs;
      while (entrance.isBusy && performance.now() < until) await pause();
      for (const socket of sockets) socket.destroy();
      // What their `close` tells is still recorded.
      while (sockets.size > 0) await pause();
    },
  };
}

async function pause(): Promise<void> {
  await new Promise((done) => setTimeout(done, POLL_MS));
}

/** The relay's first line; whatever follows it belongs to the captured connection. */
function readHello(socket: Socket, then: (hello: RelayHello, rest: Buffer) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf(10);
    if (end < 0 && bytes.length <= MAX_HELLO_BYTES) return;
    socket.off('data', onData);
    socket.pause();
    const hello = end < 0 ? null : parseHello(bytes.toString('utf8', 0, end));
    if (hello === null) socket.destroy();
    else then(hello, bytes.subarray(end + 1));
  };
  socket.on('data', onData);
  socket.resume();
}

/** Only relays reach the socket, but what they say is checked all the same. */
function parseHello(line: string): RelayHello | null {
  let hello: unknown;
  try {
    hello = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof hello !== 'object' || hello === null || !('kind' in hello)) return null;
  if (hello.kind === 'dns' || hello.kind === 'lifeline') return { kind: hello.kind };
  if (hello.kind !== 'tcp' || !('address' in hello) || !('port' in hello)) return null;
  const { address, port } = hello;
  return typeof address === 'string' && typeof port === 'number' ? { kind: 'tcp', address, port } : null;
}

async function bind(server: Server, at: string, place: Place): Promise<string> {
  const colon = at.lastIndexOf(':');
  const host = at.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = Number(at.slice(colon + 1));
  if (place.kind === 'first' && port !== 0) await assertFree(at, host, port);
  await listening(server, at, () => server.listen({ port, host, reusePort: place.kind !== 'only' }));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has no TCP address');
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

/** With shared ports a second proxy on the same one would go unnoticed, and get half of the connections. */
async function assertFree(at: string, host: string, port: number): Promise<void> {
  const probe = createServer();
  await listening(probe, at, () => probe.listen({ port, host }));
  await new Promise((closed) => probe.close(closed));
}

async function bindUnix(server: Server, path: string): Promise<void> {
  // A socket file that an earlier process left behind would keep us from binding.
  rmSync(path, { force: true });
  await listening(server, path, () => server.listen(path));
  // The relay has given up root by the time it connects; who sees the directory is decided by its mounts.
  chmodSync(path, 0o666);
}

async function listening(server: Server, place: string, start: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'something else listens there' : (error.code ?? error.message);
      reject(new ProxyFailure({ what: `cannot listen on ${place}`, why, fix: 'choose another address', cause: error }));
    });
    server.once('listening', () => {
      server.removeAllListeners('error');
      // Accepting can fail for want of descriptors: that costs the connection, not the proxy.
      server.on('error', ignore);
      resolve();
    });
    start();
  });
}

/** The `close` that follows tells all that matters. */
function ignore(): void {}
