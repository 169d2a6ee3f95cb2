// The floor that every ratio is taken against: the simplest intercepting forwarder on node:http and node:http2. TLS terminated, each
// request forwarded through a keep-alive https.Agent (HTTP/2: one session), upgrades piped. No policy, no scan, no record.
import http from 'node:http';
import http2, { type ClientHttp2Session, type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { readSettings } from './line.ts';
import { terminate } from './terminator.ts';

const { cert, originPort } = await readSettings();
const agent = new https.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, ca: cert });
const place = { host: '127.0.0.1', port: originPort };
/** Each name has its own upstream connection, as with any forwarder. */
const nameOf = (host = ''): string => host.replace(/:\d+$/, '');

const inner = http.createServer((request, response) => {
  const { method, url: path, headers } = request;
  const servername = nameOf(headers.host);
  const upstream = https.request({ agent, ...place, servername, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy();
  });
  request.pipe(upstream);
});
inner.keepAliveTimeout = 0;
inner.on('upgrade', (request, socket: Duplex, head: Buffer) => {
  const { method, url: path, headers } = request;
  const servername = nameOf(headers.host);
  const upstream = https.request({ agent: false, ca: cert, ...place, servername, method, path, headers });
  upstream.on('error', () => socket.destroy());
  upstream.on('upgrade', (answer, raw, rest) => {
    const fields = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields.join('')}\r\n`);
    socket.write(rest);
    raw.write(head);
    raw.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('error', () => raw.destroy()).on('close', () => raw.destroy());
    socket.pipe(raw).pipe(socket);
  });
  upstream.end();
});

let session: ClientHttp2Session | null = null;
function upstreamSession(): ClientHttp2Session {
  if (session === null || session.closed || session.destroyed) {
    session = http2.connect(`https://origin.test:${originPort}`, { ca: cert, ...place, servername: 'origin.test' });
    session.on('error', () => {
      session = null;
    });
  }
  return session;
}

function forwardStream(stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  const upstream = upstreamSession().request(headers);
  upstream.on('response', (answer) => stream.respond(answer));
  upstream.on('error', () => stream.destroy());
  stream.on('error', () => upstream.destroy());
  stream.pipe(upstream).pipe(stream);
}

terminate(['h2', 'http/1.1'], (socket) => {
  if (socket.alpnProtocol !== 'h2') {
    inner.emit('connection', socket);
    return;
  }
  const serving = http2.performServerHandshake(socket);
  serving.on('stream', forwardStream);
  serving.on('error', () => socket.destroy());
});
