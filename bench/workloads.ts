// What is measured: each workload drives one contestant and says how many operations it did and how long they took.
import { once } from 'node:events';
import type tls from 'node:tls';
import { openTunnel, roundTrip, type Target } from './client.ts';

export interface Workload {
  readonly name: string;
  /** Unit of one operation, for the table. */
  readonly unit: string;
  run(target: Target): Promise<Outcome>;
}

export interface Outcome {
  readonly operations: number;
  readonly wallMs: number;
  /** Per-operation latency, median, in µs; null where throughput is the point. */
  readonly p50Micros: number | null;
}

const head = (method: string, path: string, length = 0): string =>
  `${method} ${path} HTTP/1.1\r\nHost: origin.test\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n` +
  `X-Request-Id: 6f1c2d9a-5f0e-4a3a-9a54-3f1f2b9f7d11\r\n${length > 0 ? `Content-Type: application/json\r\nContent-Length: ${length}\r\n` : ''}\r\n`;

/** A believable model request of about 100 KB: prose and code in JSON, no secrets. */
function jsonBody(): Buffer {
  const content =
    'function add(a, b) {\n  return a + b; // keeps the sign\n}\nThe tests pass; the next step is the parser. ';
  const messages = Array.from({ length: 900 }, (_, index) => ({ role: index % 2 ? 'assistant' : 'user', content }));
  return Buffer.from(JSON.stringify({ model: 'm', stream: false, messages }));
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function sequence(sockets: readonly tls.TLSSocket[], request: Buffer, perSocket: number): Promise<Outcome> {
  const latencies: number[] = [];
  const begun = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (let index = 0; index < perSocket; index += 1) {
        const sent = performance.now();
        await roundTrip(socket, request);
        latencies.push((performance.now() - sent) * 1000);
      }
    }),
  );
  return { operations: sockets.length * perSocket, wallMs: performance.now() - begun, p50Micros: median(latencies) };
}

async function onConnections(target: Target, count: number, request: Buffer, perSocket: number): Promise<Outcome> {
  const sockets = await Promise.all(Array.from({ length: count }, () => openTunnel(target)));
  await Promise.all(sockets.map((socket) => roundTrip(socket, request)));
  const outcome = await sequence(sockets, request, perSocket);
  for (const socket of sockets) socket.destroy();
  return outcome;
}

const MIB = 1024 * 1024;

async function upload(target: Target, mib: number): Promise<Outcome> {
  const socket = await openTunnel(target);
  const block = Buffer.alloc(256 * 1024, 'Plain words of a large file that holds nothing of interest. ');
  const begun = performance.now();
  const answered = roundTrip(socket, Buffer.from(head('PUT', '/upload', mib * MIB)));
  for (let sent = 0; sent < mib * MIB; sent += block.length) if (!socket.write(block)) await once(socket, 'drain');
  await answered;
  socket.destroy();
  return { operations: mib, wallMs: performance.now() - begun, p50Micros: null };
}

async function download(target: Target, mib: number): Promise<Outcome> {
  const socket = await openTunnel(target);
  const begun = performance.now();
  await roundTrip(socket, Buffer.from(head('GET', `/download?bytes=${mib * MIB}`)));
  socket.destroy();
  return { operations: mib, wallMs: performance.now() - begun, p50Micros: null };
}

/** Time from the origin's write to our read, over a stream of small events. */
async function serverSentEvents(target: Target, count: number): Promise<Outcome> {
  const socket = await openTunnel(target);
  const latencies: number[] = [];
  const begun = performance.now();
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      const now = process.hrtime.bigint();
      for (const [, sent] of chunk.toString('latin1').matchAll(/data: (\d+)/g)) {
        latencies.push(Number(now - BigInt(sent as string)) / 1000);
      }
      if (latencies.length === count) resolve();
    });
    socket.once('close', () => reject(new Error('the stream ended early')));
    socket.write(head('GET', `/events?n=${count}&every=4`));
  });
  socket.destroy();
  return { operations: count, wallMs: performance.now() - begun, p50Micros: median(latencies) };
}

async function newConnections(target: Target, count: number): Promise<Outcome> {
  const latencies: number[] = [];
  const request = Buffer.from(head('GET', '/small'));
  const begun = performance.now();
  for (let index = 0; index < count; index += 1) {
    const opened = performance.now();
    const socket = await openTunnel(target);
    await roundTrip(socket, request);
    socket.destroy();
    latencies.push((performance.now() - opened) * 1000);
  }
  return { operations: count, wallMs: performance.now() - begun, p50Micros: median(latencies) };
}

const json = jsonBody();
const post = Buffer.concat([Buffer.from(head('POST', '/json', json.length)), json]);

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'small keep-alive, 32 connections',
    unit: 'request',
    run: (t) => onConnections(t, 32, Buffer.from(head('GET', '/small')), 400),
  },
  {
    name: 'small keep-alive, 1 connection',
    unit: 'request',
    run: (t) => onConnections(t, 1, Buffer.from(head('GET', '/small')), 3_000),
  },
  { name: 'new connection + request', unit: 'connection', run: (t) => newConnections(t, 300) },
  {
    name: `POST of ${Math.round(json.length / 1024)} KiB JSON, scanned`,
    unit: 'request',
    run: (t) => onConnections(t, 8, post, 150),
  },
  { name: 'upload of 128 MiB', unit: 'MiB', run: (t) => upload(t, 128) },
  { name: 'download of 128 MiB', unit: 'MiB', run: (t) => download(t, 128) },
  { name: 'server-sent events', unit: 'event', run: (t) => serverSentEvents(t, 300) },
];
