// The bench's origin: answers canned HTTP over TLS as cheaply as possible, so that it is never the bottleneck, and counts what it saw.
//
// GET /small -> 20 bytes; POST /json, PUT /upload -> 2 bytes after the body; GET /download?bytes=N -> N bytes;
// GET /events?every=MS -> server-sent events, each with its own send time (`process.hrtime`, same machine), the first one at once;
// GET /echo with an upgrade -> WebSocket, every message sent back; GET /counts -> JSON. HTTP/2: as /small, whatever is asked.
import http2 from 'node:http2';
import tls, { type TLSSocket } from 'node:tls';
import { announce, readSettings } from './line.ts';

export interface Counts {
  connections: number;
  requests: number;
  bodyBytes: number;
  events: number;
  messages: number;
}

const { key, cert } = await readSettings();
const counts: Counts = { connections: 0, requests: 0, bodyBytes: 0, events: 0, messages: 0 };

const SMALL = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 20\r\n\r\nabcdefghijklmnopqrst',
);
const OK = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
const BLOCK = Buffer.alloc(256 * 1024, 'The quick brown fox jumps over the lazy dog. ');

function download(socket: TLSSocket, total: number): void {
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

function events(socket: TLSSocket, everyMs: number): void {
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n');
  const send = (): void => {
    counts.events += 1;
    socket.write(`data: ${process.hrtime.bigint()}\n\n`);
  };
  send();
  const timer = setInterval(send, everyMs);
  socket.on('close', () => clearInterval(timer));
}

/** Messages of the bench's client are single masked frames; each comes back as it was, with the bytes as they are masked: nobody reads them. */
function echo(socket: TLSSocket): void {
  // The sum over the key is the client's affair: ours does not check it, and the proxies at hand pass it on.
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
      'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
  );
  socket.removeAllListeners('data');
  let input: Buffer[] = [];
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    input.push(chunk);
    bytes += chunk.length;
    while (bytes >= LARGEST_HEAD || (input.length === 1 && bytes >= SMALLEST_HEAD)) {
      const first = input[0]!.length >= LARGEST_HEAD ? input[0]! : Buffer.concat(input);
      const { start, length } = frameAt(first);
      const size = start + MASK_BYTES + length;
      if (bytes < size) return;
      const whole = first.length === bytes ? first : Buffer.concat(input);
      // A binary frame: the bytes under the client's mask are no text.
      whole[0] = 0x82;
      whole[1] = whole[1]! & 0x7f;
      counts.messages += 1;
      socket.cork();
      socket.write(whole.subarray(0, start));
      socket.write(whole.subarray(start + MASK_BYTES, size));
      socket.uncork();
      const rest = whole.subarray(size);
      input = rest.length === 0 ? [] : [rest];
      bytes = rest.length;
    }
  });
}

const SMALLEST_HEAD = 6;
const LARGEST_HEAD = 14;
const MASK_BYTES = 4;

/** Where a masked frame's key begins, and how long its payload is. */
function frameAt(bytes: Buffer): { readonly start: number; readonly length: number } {
  const short = bytes[1]! & 0x7f;
  if (short === 126) return { start: 4, length: bytes.readUInt16BE(2) };
  if (short === 127) return { start: 10, length: bytes.readUInt32BE(6) };
  return { start: 2, length: short };
}

/** Requests come one after another on a connection; only the few shapes that our own load generator sends are understood. */
function serve(socket: TLSSocket): void {
  let head = '';
  let bodyLeft = 0;
  socket.on('data', (chunk: Buffer) => {
    let at = 0;
    while (at < chunk.length) {
      if (bodyLeft > 0) {
        const taken = Math.min(bodyLeft, chunk.length - at);
        bodyLeft -= taken;
        at += taken;
        counts.bodyBytes += taken;
        if (bodyLeft === 0) socket.write(OK);
        continue;
      }
      const end = chunk.indexOf('\r\n\r\n', at);
      if (head === '' && end >= 0 && chunk[at] === 0x47 && chunk[at + 5] === 0x73) {
        counts.requests += 1;
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
      answer(head);
      head = '';
    }
  });

  function answer(text: string): void {
    const [method, target = '/'] = text.split(' ', 2);
    const url = new URL(target, 'https://origin.test');
    if (url.pathname === '/counts') {
      const body = JSON.stringify(counts);
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
      return;
    }
    counts.requests += 1;
    if (method !== 'GET') {
      const isChunked = /^transfer-encoding:/im.test(text);
      if (isChunked) throw new Error('the origin reads no chunks: the contestant changed the framing');
      bodyLeft = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0);
      if (bodyLeft === 0) socket.write(OK);
    } else if (url.pathname === '/download') download(socket, Number(url.searchParams.get('bytes')));
    else if (url.pathname === '/events') events(socket, Number(url.searchParams.get('every')));
    else if (url.pathname === '/echo') echo(socket);
    else socket.write(SMALL);
  }
}

const ALPN = ['h2', 'http/1.1'];
const server = tls.createServer({ key, cert, ALPNProtocols: ALPN, noDelay: true }, (socket) => {
  counts.connections += 1;
  socket.on('error', () => socket.destroy());
  if (socket.alpnProtocol !== 'h2') {
    serve(socket);
    return;
  }
  const session = http2.performServerHandshake(socket);
  session.on('error', () => socket.destroy());
  session.on('stream', (stream) => {
    counts.requests += 1;
    stream.on('error', () => stream.destroy());
    stream.respond({ ':status': 200, 'content-type': 'text/plain', 'content-length': '20' });
    stream.end('abcdefghijklmnopqrst');
  });
});
server.on('tlsClientError', () => undefined);
announce(server, cert);
