// The physical limit here: a CONNECT proxy that copies bytes and reads nothing of them.
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { announce, readSettings } from './line.ts';

const { cert, originPort } = await readSettings();
const front = http.createServer();
front.on('connect', (_request, socket: Socket) => {
  const upstream = net.connect({ port: originPort, host: '127.0.0.1', noDelay: true });
  socket.setNoDelay(true);
  socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  socket.pipe(upstream).pipe(socket);
});
announce(front, cert);
