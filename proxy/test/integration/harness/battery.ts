// What real clients of other people are asked to do through the proxy, and the upstream they do it with. Each program of fixtures/clients does it
// with its library and prints one JSON object of results; nothing in them knows that there is a proxy but the variables of their environment.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { tlsFront } from './h2.ts';
import { type RunningProxy, until } from './proxy.ts';
import { HOST, proxyTo } from './setting.ts';
import { later } from './undo.ts';
import { testAuthority } from './upstream.ts';

const run = promisify(execFile);

export const TEXT = 'all work and no play makes a dull file\n'.repeat(5_000);
/** More than may be held (`limits.holdBytes`): it goes up and comes down as a stream. */
const LARGE = 'all work and no play makes a dull file\n'.repeat(200_000);
const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

const ENCODED = {
  gzip: gzipSync(TEXT),
  deflate: deflateSync(TEXT),
  br: brotliCompressSync(TEXT),
  zstd: zstdCompressSync(TEXT),
};

/** What every client has to come to; one leaves out what its library cannot do. */
export const RESULTS = {
  /** Five requests after each other. */
  hello: Array.from({ length: 5 }, () => 'hello'),
  /** 7.8 MB with their length, without it, and down. */
  upload: `POST ${digest(LARGE)}`,
  chunked: `PUT ${digest(LARGE)}`,
  download: digest(LARGE),
  /** The second event is sent when the client says that it has the first. */
  stream: ['data: first', 'data: second'],
  /** 302, and 307 with the body once more. */
  redirect: 'hello',
  kept: `POST ${digest('kept')}`,
  gzip: digest(TEXT),
  deflate: digest(TEXT),
  br: digest(TEXT),
  zstd: digest(TEXT),
  empty: '204 ',
  head: `200 ${LARGE.length}`,
  part: `206 ${TEXT.slice(5, 25)}`,
  status: '418 short and stout',
  /** Ten at a time. */
  together: Array.from({ length: 10 }, (_, n) => `POST ${digest(String(n))}`),
  /** Of the request's last hop. */
  version: 'HTTP/1.1',
  /** As the client sees it. */
  refused: '403 true policy',
  /** Text, binary, and the code of the close. */
  socket: ['text hello', 'binary 0001ff', 'close 4321 enough'],
} as const;
export type Result = keyof typeof RESULTS;

export interface Battery {
  readonly proxy: RunningProxy;
  /** Runs a client and gives what it printed. */
  play(command: string, args: readonly string[]): Promise<Record<string, unknown>>;
}

export async function startBattery(): Promise<Battery> {
  const authority = testAuthority();
  const going = new Set<string>();
  const serve = (request: IncomingMessage, response: ServerResponse): void =>
    void answer(request, response, going).catch((error: Error) => response.destroy(error));
  const http1 = createServer(serve);
  const http2 = createHttp2((request, response) =>
    serve(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  http2.on('sessionError', () => {});
  const sockets = new WebSocketServer({ server: http1, path: '/socket' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  const front = await tlsFront(authority, ['h2', 'http/1.1'], (socket) =>
    (socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket),
  );
  later(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  const proxy = await proxyTo(front, authority.certificatePem);
  const ca = join(proxy.directory, 'ca.pem');
  writeFileSync(ca, proxy.ca);
  const through = `http://127.0.0.1:${proxy.port}`;
  const env = {
    PATH: process.env.PATH,
    BASE: `https://${HOST}`,
    HTTPS_PROXY: through,
    https_proxy: through,
    NODE_USE_ENV_PROXY: '1',
    NODE_EXTRA_CA_CERTS: ca,
    SSL_CERT_FILE: ca,
    REQUESTS_CA_BUNDLE: ca,
  };
  return {
    proxy,
    play: async (command, args) => {
      const { stdout } = await run(command, args, { env, timeout: 60_000, maxBuffer: 1 << 24 });
      return JSON.parse(stdout) as Record<string, unknown>;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, going: Set<string>): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', `https://${HOST}`);
  if (pathname === '/moved') {
    request.resume();
    response.writeHead(request.method === 'POST' ? 307 : 302, {
      location: request.method === 'POST' ? '/digest' : '/hello',
      'content-length': 0,
    });
    response.end();
    return;
  }
  const hash = createHash('sha256');
  for await (const piece of request) hash.update(piece as Buffer);
  switch (pathname) {
    case '/digest':
      response.end(`${request.method} ${hash.digest('hex')}`);
      return;
    case '/large':
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': LARGE.length });
      response.end(request.method === 'HEAD' ? undefined : LARGE);
      return;
    case '/stream':
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      await until(() => going.delete(search), 'the client to have the first event');
      response.end('data: second\n\n');
      return;
    case '/go':
      going.add(search);
      response.writeHead(204).end();
      return;
    case '/empty':
      response.writeHead(204).end();
      return;
    case '/part':
      if (request.headers.range === 'bytes=5-24') {
        response.writeHead(206, { 'content-range': `bytes 5-24/${TEXT.length}`, 'content-length': 20 });
        response.end(TEXT.slice(5, 25));
      } else response.writeHead(416).end();
      return;
    case '/teapot':
      response.writeHead(418, { 'content-type': 'text/plain' }).end('short and stout');
      return;
    case '/gzip':
    case '/deflate':
    case '/br':
    case '/zstd': {
      const encoding = pathname.slice(1) as keyof typeof ENCODED;
      response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': encoding });
      response.end(ENCODED[encoding]);
      return;
    }
    default:
      response.writeHead(200, { 'content-type': 'text/plain' }).end('hello');
  }
}
