// HTTP/2 at both ends, with node:http2: a client through the proxy, and an upstream that speaks what it is told to.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  createServer as createHttp2,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectTls, createServer as createTls, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Authority } from '../../../src/ca/authority.ts';
import { openTunnel, type ProxyPort } from './client.ts';
import { later } from './undo.ts';
import { listenOn } from './upstream.ts';

export type Fields = readonly string[];

export interface H2Answer {
  readonly status: number;
  /** name, value, … without pseudo-fields. */
  readonly fields: Fields;
  readonly body: Buffer;
  readonly trailers: Fields;
  /** Code of the RST_STREAM that ended it; 0 = none. */
  readonly rstCode: number;
}

/** TLS to `host` through a CONNECT, with these ALPN protocols. */
export async function secureTunnel(proxy: ProxyPort, host: string, protocols: readonly string[]): Promise<TLSSocket> {
  return secureOn(await openTunnel(proxy, `${host}:443`), proxy.ca, host, protocols);
}

export async function secureOn(
  socket: Socket,
  ca: string,
  host: string,
  protocols: readonly string[],
): Promise<TLSSocket> {
  const secured = connectTls({ socket, servername: host, host, ca, ALPNProtocols: [...protocols] });
  await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
  return secured;
}

export async function connectH2(proxy: ProxyPort, host: string): Promise<ClientHttp2Session> {
  const socket = await secureTunnel(proxy, host, ['h2']);
  const session = connectHttp2(`https://${host}`, { createConnection: () => socket });
  session.on('error', () => {});
  later(() => session.destroy());
  return session;
}

/** Pseudo-fields in front of `fields`, as a list. */
export function requestList(host: string, method: string, path: string, fields: Fields = []): string[] {
  return [':method', method, ':scheme', 'https', ':authority', host, ':path', path, ...fields];
}

export function open(session: ClientHttp2Session, list: Fields, options: object = {}): ClientHttp2Stream {
  const stream = session.request(list, options);
  stream.on('error', () => {});
  return stream;
}

/** Resolves when the stream is closed, whatever closed it. */
export function answerOf(stream: ClientHttp2Stream): Promise<H2Answer> {
  let fields: Fields = [];
  let trailers: Fields = [];
  const pieces: Buffer[] = [];
  stream.on('response', (_headers, _flags, raw: Fields) => {
    fields = raw;
  });
  stream.on('trailers', (_headers, _flags, raw: Fields) => {
    trailers = raw;
  });
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve) => {
    stream.once('close', () => {
      const at = fields.indexOf(':status');
      resolve({
        status: at < 0 ? 0 : Number(fields[at + 1]),
        fields: fields.slice(at < 0 ? 0 : at + 2),
        body: Buffer.concat(pieces),
        trailers,
        rstCode: stream.rstCode ?? 0,
      });
    });
  });
}

export async function ask(
  session: ClientHttp2Session,
  list: Fields,
  body: string | Buffer | null = null,
): Promise<H2Answer> {
  const stream = open(session, list, { endStream: body === null });
  const answer = answerOf(stream);
  if (body !== null) Readable.from(piecesOf(Buffer.from(body))).pipe(stream);
  return answer;
}

function* piecesOf(body: Buffer): Generator<Buffer, void, void> {
  for (let at = 0; at < body.length; at += 32_768) yield body.subarray(at, at + 32_768);
}

export interface H2Request {
  readonly stream: ServerHttp2Stream;
  readonly raw: Fields;
  readonly body: Buffer;
  readonly trailers: Fields;
}

export interface H2Upstream {
  readonly address: string;
  readonly requests: H2Request[];
  /** Connections that were made. */
  readonly sockets: Socket[];
}

/** Gives each stream to `serve` at once; `requests` holds those whose body has ended. */
export async function h2Upstream(
  authority: Authority,
  serve: (stream: ServerHttp2Stream, raw: Fields) => void,
  protocols: readonly string[] = ['h2'],
): Promise<H2Upstream> {
  const requests: H2Request[] = [];
  const http2 = createHttp2({ settings: { maxConcurrentStreams: 200 } });
  http2.on('sessionError', () => {});
  http2.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: Fields) => {
    const pieces: Buffer[] = [];
    let trailers: Fields = [];
    stream.on('error', () => {});
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('trailers', (_t, _f, list: Fields) => {
      trailers = list;
    });
    stream.on('end', () => requests.push({ stream, raw, body: Buffer.concat(pieces), trailers }));
    serve(stream, raw);
  });
  const { address, sockets } = await tlsFront(authority, protocols, (socket) => http2.emit('connection', socket));
  return { address, requests, sockets };
}

/** A TLS server with these ALPN protocols that hands its connections on. */
export async function tlsFront(
  authority: Authority,
  protocols: readonly string[],
  accept: (socket: TLSSocket) => void,
): Promise<{ readonly address: string; readonly sockets: TLSSocket[] }> {
  const sockets: TLSSocket[] = [];
  const options: TlsOptions = {
    SNICallback: (name, done) => done(null, authority.secureContext(name)),
    ALPNProtocols: [...protocols],
  };
  const front = createTls(options, (socket) => {
    socket.on('error', () => {});
    socket.setNoDelay(true);
    sockets.push(socket);
    accept(socket);
  });
  front.on('tlsClientError', () => {});
  const port = await listenOn(front);
  later(() => {
    front.close();
    for (const socket of sockets) socket.destroy();
  });
  return { address: `127.0.0.1:${port}`, sockets };
}
