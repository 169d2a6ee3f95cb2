// One kind of injection over the wire: a few requests one after another, how long each took, and what the proxy's CPU did meanwhile.
import { ending, openTunnel, roundTrip, type Target } from '../client.ts';
import { ORIGIN } from '../machine.ts';
import type { Measured } from '../process.ts';
import type { Asked, Given, Kind } from './kinds.ts';
import { OK_FRAME, type Origin } from './origin.ts';

/** A kind on its route, with bodies of one size. */
export interface Case {
  readonly kind: Kind;
  readonly bytes: number;
  readonly proxy: Measured;
  readonly origin: Origin;
}

export interface Turn {
  /** Of each request. */
  readonly micros: readonly number[];
  /** Of the proxy, a request. */
  readonly cpuMicros: number;
}

/** A name of its own below the origin's, as a host name. */
export const hostOf = ({ name }: Kind): string => `${name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.${ORIGIN}`;

export interface Ready {
  take(requests: number): Promise<Turn>;
  close(): void;
}

/** Judged, and open: its turns follow one another on one connection. Throws when what it would measure is not what it says. */
export async function openCase(one: Case): Promise<Ready> {
  const { kind, proxy, origin } = one;
  const target = { proxyPort: proxy.port, ca: proxy.ca, host: hostOf(kind), port: origin.port };
  try {
    return kind.message === undefined ? await onConnection(one, target) : await inMessages(one, target, kind.message);
  } catch (error) {
    throw new Error(`${kind.name}, ${one.bytes} bytes: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

async function onConnection({ kind, bytes, proxy, origin }: Case, target: Target): Promise<Ready> {
  const { host, port } = target;
  const given: Given = {
    ...{ host, port },
    body: (token) => jsonBody(bytes, token),
    get: (path) => once(target, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)),
  };
  const request = requestOf(await kind.ask(given), given);
  judge(kind, origin, await once(target, request));
  let socket = await openTunnel(target);
  await roundTrip(socket, request);
  return {
    take: async (requests) => {
      if (ending.has(socket) || socket.destroyed) {
        socket.destroy();
        socket = await openTunnel(target);
      }
      return measure(proxy, requests, () => roundTrip(socket, request));
    },
    close: () => socket.destroy(),
  };
}

async function inMessages({ kind, proxy, origin }: Case, target: Target, text: string): Promise<Ready> {
  const message = Buffer.from(text);
  judge(kind, origin, await say(target, message));
  return { take: (requests) => measure(proxy, requests, () => say(target, message)), close: () => {} };
}

function judge(kind: Kind, origin: Origin, answer: string): void {
  if (kind.isRight(origin.last(), answer)) return;
  throw new Error(`not what it is measured by: ${origin.last().head}\n${answer}`);
}

async function measure(proxy: Measured, requests: number, operate: () => Promise<unknown>): Promise<Turn> {
  const micros: number[] = [];
  const before = proxy.cpuMicros();
  for (let i = 0; i < requests; i++) {
    const begun = performance.now();
    await operate();
    micros.push((performance.now() - begun) * 1000);
  }
  return { micros, cpuMicros: (proxy.cpuMicros() - before) / requests };
}

/** One request on a connection of its own: all of the answer. */
async function once(target: Target, request: Buffer): Promise<string> {
  const socket = await openTunnel(target);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  await roundTrip(socket, request);
  socket.destroy();
  return answer;
}

const UPGRADE = [
  ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  // The example of RFC 6455: the origin's answer to it is fixed.
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');

/** A WebSocket of its own, one message, and what came back. `message`: less than 126 bytes. */
async function say(target: Target, message: Buffer): Promise<string> {
  const socket = await openTunnel(target);
  const ok = OK_FRAME.toString('latin1');
  return new Promise((resolve, reject) => {
    let answer = '';
    let isOpen = false;
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (!isOpen && answer.includes('\r\n\r\n')) {
        isOpen = true;
        const key = [0x12, 0x34, 0x56, 0x78];
        const masked = message.map((byte, at) => byte ^ key[at & 3]!);
        socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | message.length, ...key]), masked]));
      }
      if (!answer.endsWith(ok)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.once('close', () => reject(new Error(`the WebSocket was closed: ${answer.slice(0, 60)}`)));
    socket.write(`GET /live HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\n${UPGRADE}\r\n\r\n`);
  });
}

function requestOf({ target = '/json', fields = {}, body }: Asked, { host, port, body: usual }: Given): Buffer {
  const sent = body ?? usual();
  const own = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head =
    `POST ${target} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: bench/1\r\nAccept: */*\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${sent.length}\r\n${own.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), sent]);
}

const SENTENCE = 'The tests pass; the next step is the parser, which keeps the sign of what it adds. ';

function jsonBody(bytes: number, token?: string): Buffer {
  const start = `{${token === undefined ? '' : `"token":"${token}",`}"role":"user","content":"`;
  const room = bytes - start.length - 2;
  return Buffer.from(`${start}${SENTENCE.repeat(Math.ceil(room / SENTENCE.length)).slice(0, room)}"}`);
}
