// TLS towards the client for the floors: a CONNECT front, and leaves minted for the names that are asked for.
import http from 'node:http';
import type { Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { createAuthority } from '../../proxy/src/ca/authority.ts';
import { announce } from './line.ts';

export function terminate(protocols: readonly string[], accept: (socket: TLSSocket) => void): void {
  const authority = createAuthority({ session: 'floor' });
  const inner = tls.createServer(
    {
      ALPNProtocols: [...protocols],
      SNICallback: (name, done) => done(null, authority.secureContext(name)),
    },
    accept,
  );
  inner.on('tlsClientError', () => undefined);
  const front = http.createServer();
  front.on('connect', (_request, socket: Socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    inner.emit('connection', socket);
  });
  announce(front, authority.certificatePem);
}
