// The bench's client: raw bytes through a CONNECT proxy, counting instead of parsing.
import net from 'node:net';
import tls from 'node:tls';

export interface Target {
  /** null = no proxy: straight to the origin. */
  readonly proxyPort: number | null;
  /** Certificates that the leaves are verified against, PEM. */
  readonly ca: string;
  readonly host: string;
  /** The origin's port. */
  readonly port: number;
}

export interface TunnelOptions {
  /** Another name than the target's. */
  readonly host?: string;
  readonly alpn?: readonly string[];
}

/** A TLS connection to the target, through the proxy's CONNECT where there is one. */
export async function openTunnel(target: Target, options: TunnelOptions = {}): Promise<tls.TLSSocket> {
  const host = options.host ?? target.host;
  const raw = await connect(target.proxyPort ?? target.port);
  if (target.proxyPort !== null) await askForTunnel(raw, `${host}:${target.port}`);
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: raw,
      servername: host,
      ca: target.ca,
      ALPNProtocols: [...(options.alpn ?? ['http/1.1'])],
    });
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      // Who reads on it hears of its end by `close`.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

function connect(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

function askForTunnel(raw: net.Socket, authority: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const read = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!answer.includes('\r\n\r\n')) return;
      raw.off('data', read);
      if (answer.startsWith('HTTP/1.1 200')) resolve();
      else reject(new Error(`CONNECT was answered: ${answer.slice(0, 60)}`));
    };
    raw.on('data', read);
    raw.once('close', () => reject(new Error('CONNECT was answered by a closed connection')));
    raw.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  });
}

/** Connections whose last answer said that it was the last. */
export const ending = new WeakSet<tls.TLSSocket>();

/** Sends `request` and resolves with the number of body bytes once a whole response with a content-length has come. */
export function roundTrip(socket: tls.TLSSocket, request: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = '';
    let left = -1;
    let total = 0;
    const onData = (chunk: Buffer): void => {
      let rest = chunk.length;
      if (left < 0) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = /^content-length: (\d+)/im.exec(head)?.[1];
        if (!head.startsWith('HTTP/1.1 200') || length === undefined) {
          done();
          reject(new Error(`unexpected answer: ${head.slice(0, 200)}`));
          return;
        }
        if (/^connection: close/im.test(head)) ending.add(socket);
        total = Number(length);
        left = total;
        rest = head.length - end - 4;
      }
      left -= rest;
      if (left > 0) return;
      done();
      resolve(total);
    };
    const onClose = (): void => {
      done();
      reject(new Error('the connection closed before the response ended'));
    };
    const done = (): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
    };
    socket.on('data', onData);
    socket.on('close', onClose);
    socket.write(request);
  });
}
