// TLS terminated and bytes piped: a bare relay for any protocol, with nothing that understands it. One upstream connection for each of the client's.
import tls from 'node:tls';
import { readSettings } from './line.ts';
import { terminate } from './terminator.ts';

const { cert, originPort } = await readSettings();
const secureContext = tls.createSecureContext({ ca: cert });
const sessions = new Map<string, Buffer>();

terminate(['h2', 'http/1.1'], (socket) => {
  const servername = socket.servername || 'origin.test';
  const session = sessions.get(servername);
  const upstream = tls.connect({
    host: '127.0.0.1',
    port: originPort,
    servername,
    secureContext,
    ALPNProtocols: [socket.alpnProtocol || 'http/1.1'],
    ...(session === undefined ? {} : { session }),
  });
  upstream.setNoDelay(true);
  upstream.on('session', (fresh) => sessions.set(servername, fresh));
  socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
  socket.pipe(upstream).pipe(socket);
});
