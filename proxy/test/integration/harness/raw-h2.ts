// HTTP/2 written frame by frame, for what node:http2's client would not send. Fields are literals without Huffman coding (RFC 7541, 6.2.2).
import type { TLSSocket } from 'node:tls';
import { openTunnel, type ProxyPort } from './client.ts';
import { secureOn } from './h2.ts';
import { until } from './proxy.ts';
import { later } from './undo.ts';

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

function integer(value: number, prefix: number): number[] {
  const most = (1 << prefix) - 1;
  if (value < most) return [value];
  const out = [most];
  for (let left = value - most; ; left >>>= 7) {
    if (left < 128) return [...out, left];
    out.push((left & 127) | 128);
  }
}

/** name, value, … as one header block. */
export function block(fields: readonly string[]): Buffer {
  const out: Buffer[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [Buffer.from(fields[i]!, 'latin1'), Buffer.from(fields[i + 1]!, 'latin1')];
    out.push(Buffer.from([0, ...integer(name.length, 7)]), name, Buffer.from(integer(value.length, 7)), value);
  }
  return Buffer.concat(out);
}

export const headers = (stream: number, fields: readonly string[], flags = END_STREAM | END_HEADERS): Buffer =>
  frame(TYPE.headers, flags, stream, block(fields));

export interface RawH2 {
  readonly socket: TLSSocket;
  readonly frames: readonly Frame[];
  send(...frames: readonly Buffer[]): void;
  isClosed(): boolean;
  /** Ends it as a machine that crashed does. */
  reset(): void;
  /** Waits until something about this stream, or the connection's end, has come. */
  judged(stream: number): Promise<string>;
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** `opening` goes out first: the preface and empty SETTINGS, unless a test is about something else; then theirs are not acknowledged. */
export async function connectRawH2(proxy: ProxyPort, host: string, opening?: Buffer): Promise<RawH2> {
  const tunnel = await openTunnel(proxy, `${host}:443`);
  const socket = await secureOn(tunnel, proxy.ca, host, ['h2']);
  later(() => socket.destroy());
  const frames: Frame[] = [];
  let waiting = Buffer.alloc(0);
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
  });
  socket.on('end', () => {
    isClosed = true;
  });
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 9) {
      const end = 9 + waiting.readUIntBE(0, 3);
      if (waiting.length < end) return;
      const [type, flags] = [waiting[3]!, waiting[4]!];
      const one = { type, flags, stream: waiting.readUInt32BE(5), payload: Buffer.from(waiting.subarray(9, end)) };
      frames.push(one);
      if (opening === undefined && type === TYPE.settings && (flags & 1) === 0 && !socket.destroyed) {
        socket.write(frame(TYPE.settings, 1, 0));
      }
      waiting = waiting.subarray(end);
    }
  });
  socket.write(opening ?? Buffer.concat([Buffer.from(PREFACE), frame(TYPE.settings, 0, 0)]));
  const about = (stream: number): string => {
    const [first] = frames.filter((one) => one.stream === stream && [TYPE.headers, TYPE.reset].includes(one.type as 1));
    if (first?.type === TYPE.headers) return 'answered';
    if (first?.type === TYPE.reset) return 'reset';
    if (frames.some(({ type }) => type === TYPE.goAway)) return 'goaway';
    return isClosed ? 'closed' : '';
  };
  return {
    socket,
    frames,
    send: (...some) => void (socket.destroyed || socket.write(Buffer.concat(some))),
    isClosed: () => isClosed,
    reset: () => void tunnel.resetAndDestroy(),
    judged: async (stream) => {
      await until(() => about(stream) !== '', `a word about stream ${stream}`);
      return about(stream);
    },
  };
}
