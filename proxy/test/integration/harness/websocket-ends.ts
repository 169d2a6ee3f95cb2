// WebSockets on HTTP/1.1 and on streams of HTTP/2 (RFC 8441), frame by frame, at either end: the same script for both.
import { createHash } from 'node:crypto';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Authority } from '../../../src/ca/authority.ts';
import { connectH2, open, tlsFront } from './h2.ts';
import { type RunningProxy, until } from './proxy.ts';
import { HOST } from './setting.ts';
import { type Frame, frameBytes, openRawThrough, readFrames } from './websocket.ts';

export type Protocol = 'h1' | 'h2';
type Frames = ReturnType<typeof readFrames>;

/** What the upstream heard of one WebSocket. */
export interface HeardFrames {
  /** Of the handshake. */
  readonly fields: readonly string[];
  frames(): Frames;
  isEnded(): boolean;
}

export interface FrameEcho {
  readonly address: string;
  readonly heard: HeardFrames[];
  /** Connections that were made. */
  readonly sockets: readonly unknown[];
}

export interface EchoOptions {
  /** Of HTTP/2: offer RFC 8441. */
  readonly isOffered?: boolean;
  /** Answered instead of opening one. */
  readonly status?: number;
}

/** Sends each data frame back as it came, answers pings, and closes as it is told to. */
export async function frameEcho(
  authority: Authority,
  protocol: Protocol,
  { isOffered = true, status = 200 }: EchoOptions = {},
): Promise<FrameEcho> {
  const heard: HeardFrames[] = [];
  const serve = (duplex: Duplex, fields: readonly string[], first: Buffer): void => {
    let bytes: Buffer = first;
    let isEnded = false;
    let answered = 0;
    const answer = (): void => {
      const frames = readFrames(bytes);
      for (const frame of frames.slice(answered)) {
        const opcode = frame.opcode === PING ? PONG : frame.opcode;
        duplex.write(frameBytes({ ...frame, opcode }, false));
        if (opcode === CLOSE) duplex.end();
      }
      answered = frames.length;
    };
    duplex.on('error', () => {});
    duplex.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      answer();
    });
    for (const event of ['end', 'close']) duplex.on(event, () => (isEnded = true));
    heard.push({ fields, frames: () => readFrames(bytes), isEnded: () => isEnded });
    answer();
  };
  if (protocol === 'h1') {
    const front = await tlsFront(authority, ['http/1.1'], (socket) => {
      let head = '';
      socket.on('data', function onHead(chunk: Buffer) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.off('data', onHead);
        const fields = head.slice(0, end).split(/\r\n|: /);
        const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1];
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Up: 1\r\n\r\n`,
        );
        serve(socket, fields, Buffer.from(head.slice(end + 4), 'latin1'));
      });
    });
    return { ...front, heard };
  }
  const http2 = createHttp2({ settings: { enableConnectProtocol: isOffered } });
  http2.on('sessionError', () => {});
  http2.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: readonly string[]) => {
    stream.on('error', () => {});
    if (status !== 200) {
      stream.respond({ ':status': status });
      stream.end('not here');
      return;
    }
    stream.respond({ ':status': 200, 'x-up': '1' });
    serve(stream, raw, Buffer.alloc(0));
  });
  const front = await tlsFront(authority, ['h2'], (socket) => http2.emit('connection', socket));
  return { ...front, heard };
}

const CLOSE = 8;
const PING = 9;
const PONG = 10;

export interface FrameAgent {
  /** As it stood in the answer, lower-case names in order. */
  readonly fields: readonly string[];
  send(...frames: readonly Frame[]): void;
  frames(): Frames;
  isEnded(): boolean;
  /** Without a word. */
  vanish(): void;
}

/** An agent that opens a WebSocket through the proxy. */
export async function frameAgent(proxy: RunningProxy, protocol: Protocol): Promise<FrameAgent> {
  if (protocol === 'h1') {
    const raw = await openRawThrough(proxy, null);
    return {
      fields: raw.head.trimEnd().toLowerCase().split('\r\n'),
      send: (...frames) => raw.write(Buffer.concat(frames.map((frame) => frameBytes(frame, true)))),
      frames: raw.frames,
      isEnded: raw.isEnded,
      vanish: () => raw.socket.destroy(),
    };
  }
  const session = await connectH2(proxy, HOST);
  await until(() => session.remoteSettings?.enableConnectProtocol === true, 'the settings');
  const pseudo = [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':authority', HOST];
  const stream = open(session, [...pseudo, ':path', '/live', 'sec-websocket-version', '13']);
  let bytes = Buffer.alloc(0);
  let isEnded = false;
  stream.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  for (const event of ['end', 'close']) stream.on(event, () => (isEnded = true));
  const fields = await new Promise<readonly string[]>((resolve) =>
    stream.once('response', (_headers, _flags, raw: readonly string[]) => resolve(raw)),
  );
  return {
    fields,
    send: (...frames) => void stream.write(Buffer.concat(frames.map((frame) => frameBytes(frame, true)))),
    frames: () => readFrames(bytes),
    isEnded: () => isEnded,
    vanish: () => session.destroy(),
  };
}
