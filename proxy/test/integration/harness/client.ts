// Clients that send exactly the bytes they are told to, through the proxy.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type RunningProxy, until } from './proxy.ts';
import { later } from './undo.ts';

/** What a client must know of a proxy. */
export type ProxyPort = Pick<RunningProxy, 'port' | 'ca'>;

export interface RawClient {
  readonly socket: Socket;
  send(bytes: string | Buffer): void;
  /** Everything received, latin1. */
  received(): string;
  /** Waits until the received text holds this. */
  waitFor(text: string): Promise<string>;
  /** Waits until the proxy ended the connection, and gives all that came. */
  ended(): Promise<string>;
  close(): void;
}

export function rawClient(socket: Socket): RawClient {
  later(() => socket.destroy());
  let received = '';
  let isEnded = false;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  socket.on('end', () => {
    isEnded = true;
  });
  socket.on('close', () => {
    isEnded = true;
  });
  socket.on('error', () => {});
  return {
    socket,
    send: (bytes) => {
      socket.write(bytes, 'latin1');
    },
    received: () => received,
    waitFor: async (text) => {
      await until(() => received.includes(text), `the client to receive ${JSON.stringify(text)}; it has ${received}`);
      return received;
    },
    ended: async () => {
      await until(() => isEnded, 'the connection to end');
      return received;
    },
    close: () => socket.destroy(),
  };
}

/** A plain connection to the explicit proxy. */
export async function connectProxy(proxy: ProxyPort): Promise<RawClient> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return rawClient(socket);
}

/** The bare socket after a CONNECT that was answered 200. */
export async function openTunnel(proxy: ProxyPort, authority: string): Promise<Socket> {
  const client = await connectProxy(proxy);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await client.waitFor('\r\n\r\n');
  if (!client.received().startsWith('HTTP/1.1 200 ')) throw new Error(`CONNECT was answered ${client.received()}`);
  client.socket.removeAllListeners('data');
  client.socket.removeAllListeners('end');
  return client.socket;
}

/** TLS to `host` inside a CONNECT; `serverName` when it differs. */
export async function connectHost(proxy: ProxyPort, host: string, port = 443, serverName = host): Promise<RawClient> {
  const tunnel = await openTunnel(proxy, `${host}:${port}`);
  return secure(tunnel, proxy.ca, serverName);
}

/** TLS on an open connection. */
export async function secure(socket: Socket, ca: string, host: string): Promise<RawClient> {
  // Clients send no server name for an address.
  const secured = connectTls({ socket, servername: isIP(host) === 0 ? host : '', host, ca });
  await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
  return rawClient(secured);
}
