// An upstream of HTTP/2 that keeps what came frame by frame, and sends the frames that it is told to.
import type { TLSSocket } from 'node:tls';
import type { Authority } from '../../../src/ca/authority.ts';
import { tlsFront } from './h2.ts';
import { HeaderReader } from './hpack.ts';
import { block, END_HEADERS, END_STREAM, type Frame, frame, TYPE } from './raw-h2.ts';

export interface FramedRequest {
  readonly stream: number;
  /** As the frames held them. */
  readonly fields: readonly string[];
  body: string;
  /** null = none came. */
  trailers: readonly string[] | null;
  isEnded: boolean;
  /** Code of the reset that came; null = none. */
  reset: number | null;
}

/** One connection that the proxy made. */
export interface FramedPeer {
  readonly socket: TLSSocket;
  readonly requests: FramedRequest[];
  readonly frames: Frame[];
  send(...frames: readonly Buffer[]): void;
}

export interface FramedUpstream {
  readonly address: string;
  readonly peers: FramedPeer[];
  /** Of all connections, in the order in which they began. */
  requests(): FramedRequest[];
}

const PREFACE_BYTES = 24;
const ACK = 1;
/** INITIAL_WINDOW_SIZE, so that no body waits. */
const SETTINGS = Buffer.from('00047fffffff', 'hex');

/** `onRequest` when a head has come, `onEnd` when the request is complete. */
export async function framedUpstream(
  authority: Authority,
  on: {
    readonly request?: (peer: FramedPeer, request: FramedRequest) => void;
    readonly end?: (peer: FramedPeer, request: FramedRequest) => void;
  },
  protocols: readonly string[] = ['h2'],
): Promise<FramedUpstream> {
  const peers: FramedPeer[] = [];
  const all: FramedRequest[] = [];
  const front = await tlsFront(authority, protocols, (socket) => {
    const reader = new HeaderReader();
    const send = (...some: readonly Buffer[]) => void (socket.destroyed || socket.write(Buffer.concat(some)));
    const peer: FramedPeer = { socket, requests: [], frames: [], send };
    peers.push(peer);
    let waiting = Buffer.alloc(0);
    let isOpened = false;
    let begun: Buffer[] = [];
    const take = (one: Frame): void => {
      peer.frames.push(one);
      const known = peer.requests.find(({ stream }) => stream === one.stream);
      const isEnd = (one.flags & END_STREAM) !== 0 && one.type !== TYPE.continuation;
      if (one.type === TYPE.settings && (one.flags & ACK) === 0) send(frame(TYPE.settings, ACK, 0));
      if (one.type === TYPE.ping && (one.flags & ACK) === 0) send(frame(TYPE.ping, ACK, 0, one.payload));
      if (one.type === TYPE.reset && known !== undefined) known.reset = one.payload.readUInt32BE(0);
      if (one.type === TYPE.data && known !== undefined) {
        known.body += one.payload.toString('latin1');
        known.isEnded ||= isEnd;
        if (isEnd) on.end?.(peer, known);
      }
      if (one.type !== TYPE.headers && one.type !== TYPE.continuation) return;
      // Flag 0x20: five bytes of priority stand before the fields.
      begun.push(one.type === TYPE.headers && (one.flags & 0x20) !== 0 ? one.payload.subarray(5) : one.payload);
      if ((one.flags & END_HEADERS) === 0) return;
      const fields = reader.read(Buffer.concat(begun));
      begun = [];
      if (known !== undefined) {
        known.trailers = fields;
        known.isEnded = true;
        on.end?.(peer, known);
        return;
      }
      const request = { stream: one.stream, fields, body: '', trailers: null, isEnded: isEnd, reset: null };
      peer.requests.push(request);
      all.push(request);
      on.request?.(peer, request);
      if (isEnd) on.end?.(peer, request);
    };
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      if (!isOpened && waiting.length >= PREFACE_BYTES) {
        isOpened = true;
        waiting = waiting.subarray(PREFACE_BYTES);
      }
      while (isOpened && waiting.length >= 9) {
        const end = 9 + waiting.readUIntBE(0, 3);
        if (waiting.length < end) return;
        const payload = Buffer.from(waiting.subarray(9, end));
        const one = { type: waiting[3]!, flags: waiting[4]!, stream: waiting.readUInt32BE(5), payload };
        waiting = waiting.subarray(end);
        take(one);
      }
    });
    send(frame(TYPE.settings, 0, 0, SETTINGS), frame(TYPE.windowUpdate, 0, 0, Buffer.from('3fffffff', 'hex')));
  });
  return { address: front.address, peers, requests: () => all };
}

/** A whole answer. */
export const answerFrames = (stream: number, status = 200, body = 'hi'): Buffer =>
  Buffer.concat([
    frame(TYPE.headers, END_HEADERS, stream, block([':status', String(status), 'x-up', '1'])),
    frame(TYPE.data, END_STREAM, stream, body),
  ]);

export const resetFrame = (stream: number, code: number): Buffer => frame(TYPE.reset, 0, stream, number32(code));

export const goAwayFrame = (lastStream: number, code: number): Buffer =>
  frame(TYPE.goAway, 0, 0, Buffer.concat([number32(lastStream), number32(code)]));

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
