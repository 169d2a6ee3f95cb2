// WebSockets through the proxy: the `ws` package on both ends, or bare frames that no library would send.
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws';
import type { Authority } from '../../../src/ca/authority.ts';
import { openTunnel } from './client.ts';
import { type RunningProxy, until } from './proxy.ts';
import { HOST, proxyTo, type SettingOptions } from './setting.ts';
import { later } from './undo.ts';
import { testAuthority } from './upstream.ts';

export type Deflate = boolean | PerMessageDeflateOptions;

/** What one connection's upstream heard. */
export interface Heard {
  readonly messages: { text: string; isBinary: boolean }[];
  readonly pings: string[];
  readonly pongs: string[];
  closed: { code: number; reason: string } | null;
  /** As the request offered them. */
  extensions: string | undefined;
  readonly path: string;
  readonly socket: WebSocket;
}

export interface EchoUpstream {
  readonly address: string;
  /** One a connection. */
  readonly heard: Heard[];
  first(): Promise<Heard>;
}

/** Compresses whatever may be compressed. */
export function always(deflate: Deflate): Deflate {
  return deflate === false ? false : { threshold: 0, ...(deflate === true ? {} : deflate) };
}

/** A WebSocket server behind TLS (or not) that sends back what it hears, unless `talk` does something else. */
export async function echoUpstream(
  authority: Authority | null,
  deflate: Deflate,
  talk: (socket: WebSocket, heard: Heard) => void = echo,
): Promise<EchoUpstream> {
  const heard: Heard[] = [];
  const http = createServer();
  const options = { server: http, perMessageDeflate: always(deflate), maxPayload: 64 * 1024 * 1024 };
  const sockets = new WebSocketServer(options);
  sockets.on('connection', (socket, request) => {
    const extensions = request.headers['sec-websocket-extensions'];
    const one: Heard = {
      messages: [],
      pings: [],
      pongs: [],
      closed: null,
      extensions,
      path: request.url ?? '',
      socket,
    };
    heard.push(one);
    socket.on('error', () => {});
    socket.on('ping', (data) => one.pings.push(data.toString('latin1')));
    socket.on('pong', (data) => one.pongs.push(data.toString('latin1')));
    socket.on('message', (data: Buffer, isBinary) => {
      one.messages.push({ text: data.toString('latin1'), isBinary });
    });
    socket.on('close', (code, reason) => {
      one.closed = { code, reason: reason.toString() };
    });
    talk(socket, one);
  });
  const front =
    authority === null
      ? http
      : createTlsServer(
          { SNICallback: (name: string, done: SniDone) => done(null, authority.secureContext(name)) },
          (socket) => http.emit('connection', socket),
        );
  front.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  later(() => {
    for (const socket of sockets.clients) socket.terminate();
    front.close();
  });
  const address = front.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    address: `127.0.0.1:${address.port}`,
    heard,
    first: async () => {
      await until(() => heard.length > 0, 'a connection to the upstream');
      return heard[0]!;
    },
  };
}

type SniDone = (error: Error | null, context: ReturnType<Authority['secureContext']>) => void;

export function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

export interface WebSocketSetting extends SettingOptions {
  readonly deflate?: Deflate;
  readonly talk?: (socket: WebSocket, heard: Heard) => void;
}

export async function webSocketSetting(
  options: WebSocketSetting = {},
): Promise<{ proxy: RunningProxy; upstream: EchoUpstream }> {
  const authority = testAuthority();
  const upstream = await echoUpstream(authority, options.deflate ?? true, options.talk);
  return { upstream, proxy: await proxyTo(upstream, authority.certificatePem, options) };
}

export interface Talk {
  readonly socket: WebSocket;
  readonly messages: string[];
  readonly pongs: string[];
  closed: { code: number; reason: string } | null;
}

/** A client of the `ws` package. */
export async function openWebSocket(proxy: RunningProxy, deflate: Deflate = true): Promise<Talk> {
  const secured = await openSecured(proxy);
  const options = { createConnection: () => secured, perMessageDeflate: always(deflate), maxPayload: 64 * 1024 * 1024 };
  const socket = new WebSocket(`wss://${HOST}/live`, options);
  const talk: Talk = { socket, messages: [], pongs: [], closed: null };
  socket.on('message', (data: Buffer) => talk.messages.push(data.toString('latin1')));
  socket.on('pong', (data) => talk.pongs.push(data.toString('latin1')));
  socket.on('close', (code, reason) => {
    talk.closed = { code, reason: reason.toString() };
  });
  later(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('error', () => {});
  return talk;
}

async function openSecured(proxy: RunningProxy): Promise<Socket> {
  const tunnel = await openTunnel(proxy, `${HOST}:443`);
  const secured = connectTls({ socket: tunnel, servername: HOST, ca: proxy.ca });
  await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
  return secured;
}

export interface Frame {
  readonly isFinal?: boolean;
  /** The three reserved bits: 4 = compressed. */
  readonly reserved?: number;
  readonly opcode: number;
  readonly payload?: string | Buffer;
  /** How many bytes the length takes: 0, 2 or 8; the shortest when left out. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** A frame's bytes; the mask is always the same. */
export function frameBytes(frame: Frame, isMasked: boolean): Buffer {
  const { payload: given = '' } = frame;
  const payload = typeof given === 'string' ? Buffer.from(given, 'latin1') : given;
  const size = frame.lengthBytes ?? (payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8);
  const length = Buffer.alloc(size);
  if (size === 2) length.writeUInt16BE(payload.length);
  if (size === 8) length.writeBigUInt64BE(BigInt(payload.length));
  const first = ((frame.isFinal ?? true) ? 0x80 : 0) | ((frame.reserved ?? 0) << 4) | frame.opcode;
  const second = (isMasked ? 0x80 : 0) | (size === 0 ? payload.length : size === 2 ? 126 : 127);
  const mask = Buffer.from(isMasked ? [0x37, 0xfa, 0x21, 0x3d] : []);
  const masked = isMasked ? payload.map((byte, i) => byte ^ mask[i & 3]!) : payload;
  return Buffer.concat([Buffer.from([first, second]), length, mask, masked]);
}

/** What was received, frame by frame. */
export function readFrames(bytes: Buffer): { opcode: number; isFinal: boolean; reserved: number; payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at]!;
    const isMasked = (bytes[at + 1]! & 0x80) !== 0;
    let length = bytes[at + 1]! & 0x7f;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const mask = isMasked ? bytes.subarray(at, at + 4) : null;
    if (isMasked) at += 4;
    if (at + length > bytes.length) break;
    const raw = bytes.subarray(at, at + length);
    const payload = mask === null ? raw : Buffer.from(raw.map((byte, i) => byte ^ mask[i & 3]!));
    frames.push({ opcode: first & 15, isFinal: (first & 0x80) !== 0, reserved: (first >> 4) & 7, payload });
    at += length;
  }
  return frames;
}

export const HANDSHAKE_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const HANDSHAKE_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export interface RawWebSocket {
  readonly socket: Socket;
  /** The head of the answer. */
  readonly head: string;
  send(frame: Frame): void;
  write(bytes: Buffer): void;
  /** Everything behind the head. */
  received(): Buffer;
  frames(): ReturnType<typeof readFrames>;
  isEnded(): boolean;
}

/** A client that sends frames as they are given. */
export async function openRaw(
  socket: Socket,
  host: string,
  extensions: string | null,
  path = '/live',
): Promise<RawWebSocket> {
  let bytes = Buffer.alloc(0);
  let isEnded = false;
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  socket.on('error', () => {});
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      isEnded = true;
    });
  }
  later(() => socket.destroy());
  const offer = extensions === null ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${HANDSHAKE_KEY}\r\n${offer}\r\n`,
  );
  await until(() => bytes.includes('\r\n\r\n') || isEnded, 'the answer to the handshake');
  const end = bytes.indexOf('\r\n\r\n') + 4;
  const head = bytes.toString('latin1', 0, end);
  const received = (): Buffer => bytes.subarray(end);
  return {
    socket,
    head,
    send: (frame) => {
      socket.write(frameBytes(frame, true));
    },
    write: (data) => {
      socket.write(data);
    },
    received,
    frames: () => readFrames(received()),
    isEnded: () => isEnded,
  };
}

export async function openRawThrough(proxy: RunningProxy, extensions: string | null): Promise<RawWebSocket> {
  return openRaw(await openSecured(proxy), HOST, extensions);
}
