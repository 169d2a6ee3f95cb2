// The bench's origin: answers canned HTTP/1.1 over TLS as cheaply as possible, so that it is never the bottleneck.
//
// GET /small -> 20 bytes; POST /json -> 2 bytes after the body; PUT /upload -> 2 bytes; GET /download?bytes=N -> N bytes;
// GET /events?n=N&every=MS -> server-sent events, each holding its own send time (`process.hrtime`, same machine).
// stdin: {key, cert} as one JSON line. stdout: {"port":N}.
import { createInterface } from 'node:readline';
import tls from 'node:tls';

const lines = createInterface({ input: process.stdin });
const settings = JSON.parse((await lines[Symbol.asyncIterator]().next()).value as string) as {
  key: string;
  cert: string;
};
lines.on('close', () => process.exit(0));

const SMALL = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 20\r\n\r\nabcdefghijklmnopqrst',
);
const OK = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
const BLOCK = Buffer.alloc(256 * 1024, 'The quick brown fox jumps over the lazy dog. ');

function download(socket: tls.TLSSocket, total: number): void {
  socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
  let left = total;
  const pump = (): void => {
    while (left > 0) {
      const size = Math.min(left, BLOCK.length);
      left -= size;
      if (!socket.write(size === BLOCK.length ? BLOCK : BLOCK.subarray(0, size))) {
        socket.once('drain', pump);
        return;
      }
    }
  };
  pump();
}

function events(socket: tls.TLSSocket, count: number, everyMs: number): void {
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n');
  let sent = 0;
  const timer = setInterval(() => {
    socket.write(`data: ${process.hrtime.bigint()}\n\n`);
    sent += 1;
    if (sent === count) {
      clearInterval(timer);
      socket.end();
    }
  }, everyMs);
  socket.on('close', () => clearInterval(timer));
}

/** Requests come one after another on a connection; only the few shapes that our own load generator sends are understood. */
function serve(socket: tls.TLSSocket): void {
  let head = '';
  let bodyLeft = 0;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    let at = 0;
    while (at < chunk.length) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, chunk.length - at);
        bodyLeft -= taken;
        at += taken;
        if (bodyLeft === 0) socket.write(OK);
        continue;
      }
      const end = chunk.indexOf('\r\n\r\n', at);
      if (head === '' && end >= 0 && chunk[at] === 0x47 && chunk[at + 5] === 0x73) {
        socket.write(SMALL);
        at = end + 4;
        continue;
      }
      if (end < 0) {
        head += chunk.toString('latin1', at);
        return;
      }
      head += chunk.toString('latin1', at, end);
      at = end + 4;
      const [method, target = '/'] = head.split(' ', 2);
      const url = new URL(target, 'https://origin.test');
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      head = '';
      if (method !== 'GET') {
        bodyLeft = Number(length ?? 0);
        if (bodyLeft === 0) socket.write(OK);
      } else if (url.pathname === '/download') download(socket, Number(url.searchParams.get('bytes')));
      else if (url.pathname === '/events')
        events(socket, Number(url.searchParams.get('n')), Number(url.searchParams.get('every')));
      else socket.write(SMALL);
    }
  });
}

const server = tls.createServer({ key: settings.key, cert: settings.cert, ALPNProtocols: ['http/1.1'] }, serve);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as { port: number }).port })}\n`);
});
