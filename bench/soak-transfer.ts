// One very large body up and one down through the real proxy: what it holds must not depend on how much has passed.
import { createServer as createHttpServer } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority } from '../proxy/src/ca/authority.ts';
import { openTunnel } from '../proxy/test/integration/harness/client.ts';
import { routeTo, testConfig } from '../proxy/test/integration/harness/config.ts';
import { startProxy } from '../proxy/test/integration/harness/proxy.ts';
import { listenOn } from '../proxy/test/integration/harness/upstream.ts';
import { INSPECTED, openHeap } from './heap.ts';
import { residentMb } from './soak.ts';

export interface TransferStep {
  readonly way: 'up' | 'down';
  readonly gib: number;
  readonly seconds: number;
  readonly residentMb: number;
  readonly heapMb: number;
}

const HOST = 'soak.example';
const GIB = 1024 ** 3;
/** Text that every detector has to read, and of a length that divides a GiB. */
const PIECE = Buffer.from('all work and no play makes a dull file,\n'.repeat(1639)).subarray(0, 65_536);

/** Fails when a body arrives with another length than it left, or without its record. */
export async function transfer(gib: number, onStep: (step: TransferStep) => void = () => {}): Promise<void> {
  process.env.NODE_OPTIONS = INSPECTED;
  const authority = createAuthority({ session: 'soak-upstream' });
  const bytes = gib * GIB;
  const http = createHttpServer((request, response) => {
    let received = 0;
    request.on('data', (piece: Buffer) => {
      received += piece.length;
    });
    request.on('end', () => {
      if (request.method === 'POST') {
        response.end(String(received));
        return;
      }
      response.writeHead(200, { 'content-length': bytes });
      let left = bytes;
      const pump = (): void => {
        while (left > 0) {
          left -= PIECE.length;
          if (!response.write(PIECE)) {
            response.once('drain', pump);
            return;
          }
        }
        response.end();
      };
      pump();
    });
  });
  http.requestTimeout = 0;
  const secureContext = authority.secureContext(HOST);
  const front = createTlsServer({ SNICallback: (_name, done) => done(null, secureContext) }, (socket) =>
    http.emit('connection', socket),
  );
  const port = await listenOn(front);
  const proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes: [routeTo(HOST)],
      roots: authority.certificatePem,
      map: { [`${HOST}:443`]: `127.0.0.1:${port}` },
    }),
  );
  const heap = await openHeap(proxy);
  const began = performance.now();
  const measure = async (way: 'up' | 'down', done: number): Promise<void> =>
    onStep({
      way,
      gib: done / GIB,
      seconds: (performance.now() - began) / 1000,
      residentMb: residentMb(proxy.pid),
      heapMb: await heap.aliveMb(),
    });
  const open = async (method: string) =>
    requestHttps({
      method,
      host: HOST,
      path: '/',
      ca: proxy.ca,
      agent: false,
      socket: await openTunnel(proxy, `${HOST}:443`),
      headers: method === 'POST' ? { 'content-length': bytes } : {},
    } as object);
  try {
    const up = await open('POST');
    const answered = new Promise<string>((resolve, reject) => {
      up.once('error', reject);
      up.once('response', async (response) => resolve(String((await response.toArray())[0])));
    });
    for (let sent = 0; sent < bytes; sent += PIECE.length) {
      if (sent % GIB === 0) await measure('up', sent);
      if (!up.write(PIECE)) await new Promise((resolve) => up.once('drain', resolve));
    }
    up.end();
    const received = await answered;
    if (received !== String(bytes)) throw new Error(`${received} of ${bytes} bytes arrived`);
    await measure('up', bytes);
    const down = await open('GET');
    const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
      down.once('response', resolve).once('error', reject).end();
    });
    let got = 0;
    let told = 0;
    for await (const piece of response) {
      got += piece.length;
      if (got - told < GIB) continue;
      told += GIB;
      await measure('down', told);
    }
    if (got !== bytes) throw new Error(`${got} of ${bytes} bytes came`);
    const records = await proxy.recorded(2);
    if (records.length !== 2 || records[0]!.bytes_out !== bytes || records[1]!.bytes_in !== bytes) {
      throw new Error(`records of other transfers: ${JSON.stringify(records)}`);
    }
  } finally {
    heap.close();
    await proxy.stop();
    front.close();
  }
}
