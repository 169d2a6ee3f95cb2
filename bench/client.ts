// The bench's client: raw HTTP/1.1 through a CONNECT proxy, counting bytes instead of parsing messages.
import net from 'node:net';
import tls from 'node:tls';

export interface Target {
  readonly proxyPort: number;
  /** Certificates that the proxy's leaves are verified against, PEM. */
  readonly ca: string;
  readonly host: string;
  readonly port: number;
}

/** A TLS connection to the target through the proxy's CONNECT. */
export function openTunnel(target: Target, host = target.host): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const raw = net.connect(target.proxyPort, '127.0.0.1');
    raw.setNoDelay(true);
    raw.once('error', reject);
    raw.write(`CONNECT ${host}:${target.port} HTTP/1.1\r\nHost: ${host}:${target.port}\r\n\r\n`);
    let answer = '';
    const read = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!answer.includes('\r\n\r\n')) return;
      raw.off('data', read);
      if (!answer.startsWith('HTTP/1.1 200')) {
        reject(new Error(`CONNECT was answered: ${answer.slice(0, 60)}`));
        return;
      }
      const socket = tls.connect({ socket: raw, servername: host, ca: target.ca, ALPNProtocols: ['http/1.1'] });
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', reject);
    };
    raw.on('data', read);
  });
}

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
        total = Number(length);
        left = total;
        rest = head.length - end - 4;
      }
      left -= rest;
      if (left <= 0) {
        done();
        resolve(total);
      }
    };
    const onEnd = (): void => {
      done();
      reject(new Error('the connection closed before the response ended'));
    };
    const done = (): void => {
      socket.off('data', onData);
      socket.off('close', onEnd);
      socket.off('error', onEnd);
    };
    socket.on('data', onData);
    socket.on('close', onEnd);
    socket.on('error', onEnd);
    socket.write(request);
  });
}
