// What stays open and talks: server-sent events, HTTP/2 streams, WebSockets.
import http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { openTunnel, type Target } from '../client.ts';
import { jsonBody } from './http.ts';
import { clockOf, head, type Load, median, type Outcome, type Workload } from './workload.ts';

interface EventStream {
  readonly socket: TLSSocket;
  readonly firstMicros: number;
}

/** `onLate` gets each event's time on the way, from the origin's write to our read, in µs. */
async function openEvents(target: Target, everyMs: number, onLate: (micros: number) => void): Promise<EventStream> {
  const socket = await openTunnel(target);
  const asked = performance.now();
  return new Promise((resolve, reject) => {
    let isOpen = false;
    socket.on('data', (chunk: Buffer) => {
      const now = process.hrtime.bigint();
      for (const [, sent] of chunk.toString('latin1').matchAll(/data: (\d+)/g)) {
        if (isOpen) onLate(Number(now - BigInt(sent as string)) / 1000);
        isOpen = true;
        resolve({ socket, firstMicros: (performance.now() - asked) * 1000 });
      }
    });
    socket.once('close', () => reject(new Error('the stream ended early')));
    socket.write(head(target, 'GET', `/events?every=${everyMs}`));
  });
}

async function events(load: Load, streams: number, everyMs: number): Promise<Outcome> {
  const latencies: number[] = [];
  const open: EventStream[] = [];
  while (open.length < streams) {
    const batch = Array.from({ length: Math.min(32, streams - open.length) }, () =>
      openEvents(load.target, everyMs, (micros) => latencies.push(micros)),
    );
    open.push(...(await Promise.all(batch)));
  }
  latencies.length = 0;
  const begun = performance.now();
  await new Promise((resolve) => setTimeout(resolve, Math.max(load.seconds * 1000, everyMs * 3)));
  const operations = latencies.length;
  const wallMs = performance.now() - begun;
  for (const { socket } of open) socket.destroy();
  return { operations, wallMs, p50Micros: median(latencies), atOrigin: { events: operations, requests: streams } };
}

async function firstEvents(load: Load): Promise<Outcome> {
  const latencies: number[] = [];
  const begun = performance.now();
  while (performance.now() < begun + load.seconds * 1000) {
    const { socket, firstMicros } = await openEvents(load.target, 60_000, () => {});
    socket.destroy();
    latencies.push(firstMicros);
  }
  const operations = latencies.length;
  const wallMs = performance.now() - begun;
  return { operations, wallMs, p50Micros: median(latencies), atOrigin: { events: operations } };
}

/** One connection, 32 streams at a time. */
async function multiplex(load: Load): Promise<Outcome | null> {
  const socket = await openTunnel(load.target, { alpn: ['h2', 'http/1.1'] });
  if (socket.alpnProtocol !== 'h2') {
    socket.destroy();
    return null;
  }
  const session = http2.connect(`https://${load.target.host}`, { createConnection: () => socket });
  const fields = { ':path': '/small', ':authority': `${load.target.host}:${load.target.port}`, accept: '*/*' };
  const request = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = session.request(fields);
      let bytes = 0;
      stream.on('response', ({ ':status': status }) => {
        if (status !== 200) reject(new Error(`a stream was answered ${status}`));
      });
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      stream.on('end', () => (bytes === 20 ? resolve() : reject(new Error(`${bytes} bytes came on a stream`))));
      stream.on('error', reject);
    });
  await request();
  const latencies: number[] = [];
  const begun = performance.now();
  const goesOn = clockOf(load);
  const goOn = async (): Promise<void> => {
    while (goesOn(latencies.length)) {
      const sent = performance.now();
      await request();
      latencies.push((performance.now() - sent) * 1000);
    }
  };
  await Promise.all(Array.from({ length: 32 }, goOn));
  const operations = latencies.length;
  const wallMs = performance.now() - begun;
  session.destroy();
  return { operations, wallMs, p50Micros: median(latencies), atOrigin: { requests: operations } };
}

const upgrade = ({ host, port }: Target): string =>
  `GET /echo HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  // The example of RFC 6455: the origin's answer to it is fixed.
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
/** A believable message: of a language server, or of a model conversation. */
const SMALL_MESSAGE = 'a message of a language server, sixty-four bytes of text, more..';
const LARGE_MESSAGE = jsonBody().toString();

interface Frame {
  readonly bytes: Buffer;
  /** Size of the answer: the same without the mask's key. */
  readonly answerBytes: number;
}

/** A masked text frame. */
function frame(text: string): Frame {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x81;
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  else if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  const key = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  const masked = payload.map((byte, at) => byte ^ key[at & 3]!);
  return { bytes: Buffer.concat([head, key, masked]), answerBytes: head.length + length };
}

async function openEcho(target: Target): Promise<TLSSocket> {
  const socket = await openTunnel(target);
  return new Promise((resolve, reject) => {
    let answer = '';
    const read = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      if (!answer.includes('\r\n\r\n')) return;
      socket.off('data', read);
      if (answer.startsWith('HTTP/1.1 101')) resolve(socket);
      else reject(new Error(`the upgrade was answered: ${answer.slice(0, 60)}`));
    };
    socket.on('data', read);
    socket.write(upgrade(target));
  });
}

async function echoes(load: Load, connections: number, message: Frame): Promise<Outcome> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => openEcho(load.target)));
  const latencies: number[] = [];
  const begun = performance.now();
  const goesOn = clockOf(load);
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let sent = performance.now();
          let bytes = 0;
          socket.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes < message.answerBytes) return;
            bytes = 0;
            const now = performance.now();
            latencies.push((now - sent) * 1000);
            if (!goesOn(latencies.length)) {
              resolve();
              return;
            }
            sent = now;
            socket.write(message.bytes);
          });
          socket.once('close', () => reject(new Error('a WebSocket was closed')));
          socket.write(message.bytes);
        }),
    ),
  );
  const operations = latencies.length;
  const wallMs = performance.now() - begun;
  for (const socket of sockets) socket.destroy();
  return { operations, wallMs, p50Micros: median(latencies), atOrigin: { messages: operations } };
}

export const STREAM_WORKLOADS: readonly Workload[] = [
  { name: 'SSE, first event', unit: 'stream', run: firstEvents },
  { name: 'SSE, 50 streams', unit: 'event', run: (load) => events(load, 50, 20) },
  {
    name: 'SSE, 1,000 streams',
    unit: 'event',
    run: (load) => events(load, Math.ceil(1_000 * Math.min(1, load.scale * 8)), 1_000),
  },
  { name: 'HTTP/2, 32 streams', unit: 'request', least: 4_000, run: multiplex },
  { name: 'WebSocket echo x8', unit: 'message', least: 8_000, run: (load) => echoes(load, 8, frame(SMALL_MESSAGE)) },
  {
    name: 'WebSocket echo, 100 KB, scanned',
    unit: 'message',
    least: 300,
    run: (load) => echoes(load, 4, frame(LARGE_MESSAGE)),
  },
];
