// Requests on connections that stay: small ones, JSON of a model conversation, big transfers.
import { once } from 'node:events';
import { ending, openTunnel, roundTrip, type Target } from '../client.ts';
import { clockOf, head, type Load, median, type Outcome, type Workload } from './workload.ts';

const MIB = 1024 * 1024;

/** A believable model request of about 100 KB: prose and code in JSON, no secrets. */
export function jsonBody(): Buffer {
  const content =
    'function add(a, b) {\n  return a + b; // keeps the sign\n}\nThe tests pass; the next step is the parser. ';
  const messages = Array.from({ length: 760 }, (_, index) => ({ role: index % 2 ? 'assistant' : 'user', content }));
  return Buffer.from(JSON.stringify({ model: 'm', stream: false, messages }));
}

async function onConnections(load: Load, count: number, request: Buffer): Promise<Outcome> {
  const sockets = await Promise.all(Array.from({ length: count }, () => openTunnel(load.target)));
  await Promise.all(sockets.map((socket) => roundTrip(socket, request)));
  const latencies: number[] = [];
  const begun = performance.now();
  const goesOn = clockOf(load);
  await Promise.all(
    sockets.map(async (first, index) => {
      let socket = first;
      while (goesOn(latencies.length)) {
        const sent = performance.now();
        if (ending.has(socket)) {
          socket.destroy();
          socket = await openTunnel(load.target);
          sockets[index] = socket;
        }
        await roundTrip(socket, request);
        latencies.push((performance.now() - sent) * 1000);
      }
    }),
  );
  const wallMs = performance.now() - begun;
  for (const socket of sockets) socket.destroy();
  const operations = latencies.length;
  return { operations, wallMs, p50Micros: median(latencies), atOrigin: { requests: operations + count } };
}

async function upload(load: Load, mib: number): Promise<Outcome> {
  const socket = await openTunnel(load.target);
  const block = Buffer.alloc(256 * 1024, 'Plain words of a large file that holds nothing of interest. ');
  const begun = performance.now();
  const answered = roundTrip(socket, Buffer.from(head(load.target, 'PUT', '/upload', mib * MIB)));
  for (let sent = 0; sent < mib * MIB; sent += block.length) {
    // Whoever gives up on the way has an answer, or closes: no drain follows then.
    if (!socket.write(block)) await Promise.race([once(socket, 'drain'), answered]);
  }
  await answered;
  socket.destroy();
  return { operations: mib, wallMs: performance.now() - begun, p50Micros: null, atOrigin: { bodyBytes: mib * MIB } };
}

async function download(load: Load, mib: number): Promise<Outcome> {
  const socket = await openTunnel(load.target);
  const begun = performance.now();
  const bytes = await roundTrip(socket, Buffer.from(head(load.target, 'GET', `/download?bytes=${mib * MIB}`)));
  socket.destroy();
  if (bytes !== mib * MIB) throw new Error(`${bytes} bytes came of ${mib} MiB`);
  return { operations: mib, wallMs: performance.now() - begun, p50Micros: null, atOrigin: { requests: 1 } };
}

const json = jsonBody();
const small = (target: Target): Buffer => Buffer.from(head(target, 'GET', '/small'));
const post = (target: Target): Buffer => Buffer.concat([Buffer.from(head(target, 'POST', '/json', json.length)), json]);
const FULL_MIB = 256;

export const HTTP_WORKLOADS: readonly Workload[] = [
  {
    name: 'small keep-alive x32',
    unit: 'request',
    least: 8_000,
    run: (load) => onConnections(load, 32, small(load.target)),
  },
  {
    name: 'small keep-alive x1',
    unit: 'request',
    least: 1_000,
    run: (load) => onConnections(load, 1, small(load.target)),
  },
  {
    name: 'POST 100 KB JSON, scanned',
    unit: 'request',
    least: 400,
    run: (load) => onConnections(load, 8, post(load.target)),
  },
  { name: 'upload 256 MiB, scanned', unit: 'MiB', run: (load) => upload(load, FULL_MIB * load.scale) },
  { name: 'download 256 MiB', unit: 'MiB', run: (load) => download(load, FULL_MIB * load.scale) },
];

export const POST_JSON = HTTP_WORKLOADS[2] as Workload;
