// The floor that every ratio is taken against: the simplest intercepting forwarder on node:http. CONNECT, TLS terminated with one
// leaf certificate, each request forwarded through a keep-alive https.Agent. No policy, no scan, no record.
//
// stdin: {key, cert, ca, upstreamPort} as one JSON line. stdout: {"port":N}.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import tls from 'node:tls';

const lines = createInterface({ input: process.stdin });
const settings = JSON.parse((await lines[Symbol.asyncIterator]().next()).value as string) as {
  key: string;
  cert: string;
  ca: string;
  upstreamPort: number;
};
lines.on('close', () => process.exit(0));

const agent = new https.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, ca: settings.ca });
const inner = http.createServer((request, response) => {
  const upstream = https.request(
    {
      agent,
      host: '127.0.0.1',
      port: settings.upstreamPort,
      servername: 'origin.test',
      method: request.method,
      path: request.url,
      headers: request.headers,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
    },
  );
  upstream.on('error', () => response.destroy());
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy();
  });
  request.pipe(upstream);
});
inner.keepAliveTimeout = 0;
const terminator = tls.createServer(
  { key: settings.key, cert: settings.cert, ALPNProtocols: ['http/1.1'] },
  (socket) => {
    inner.emit('connection', socket);
  },
);
terminator.on('tlsClientError', () => undefined);

const front = http.createServer();
front.on('connect', (_request, socket: Socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  terminator.emit('connection', socket);
});
front.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (front.address() as { port: number }).port })}\n`);
});
