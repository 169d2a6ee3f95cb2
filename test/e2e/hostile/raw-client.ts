// A client that sends exactly the bytes it is told to, plainly or inside CONNECT and TLS.
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Rig } from './rig.ts';

export interface RawClient {
  readonly socket: Socket;
  send(bytes: string | Buffer): void;
  received(): string;
  readonly isEnded: boolean;
  /** The next whole answer, or what came until the end of the connection. */
  answer(toHead?: boolean): Promise<Answer>;
  close(): void;
}

export interface Answer {
  /** 0 = the connection ended without one. */
  readonly status: number;
  /** With the status line, latin1. */
  readonly head: string;
  readonly body: string;
  /** Heads of 1xx answers before it. */
  readonly interims: string;
  /** Value of x-bottle-block; '' for none. */
  readonly blockedBy: string;
}

export interface OpenOptions {
  readonly port?: number;
  /** What the ClientHello names; null = nothing. Default: the host. */
  readonly serverName?: string | null;
}

const GIVE_UP_MS = 25_000;

export function rawClient(socket: Socket): RawClient {
  let received = '';
  let isEnded = false;
  const looks = new Set<() => void>();
  const look = (): void => {
    for (const one of looks) one();
  };
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    look();
  });
  for (const event of ['end', 'close'] as const) {
    socket.on(event, () => {
      isEnded = true;
      look();
    });
  }
  socket.on('error', () => {}); // `close` follows.
  return {
    socket,
    send: (bytes) => {
      socket.write(bytes, 'latin1');
    },
    received: () => received,
    get isEnded() {
      return isEnded;
    },
    answer: (toHead = false) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          looks.delete(one);
          reject(new Error(`no whole answer in ${GIVE_UP_MS} ms: ${JSON.stringify(received.slice(0, 500))}`));
        }, GIVE_UP_MS);
        const one = (): void => {
          const length = answerLength(received, isEnded, toHead);
          if (length === 0 && !isEnded) return;
          clearTimeout(timer);
          looks.delete(one);
          const text = received.slice(0, length);
          received = received.slice(length);
          resolve(parseAnswer(text));
        };
        looks.add(one);
        one();
      }),
    close: () => socket.destroy(),
  };
}

export async function openPlain({ port }: Pick<Rig, 'port'>): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return rawClient(socket);
}

/** The bare connection after a CONNECT; throws the answer when that is not 200. */
export async function openTunnel(rig: Rig, authority: string): Promise<Socket> {
  const client = await openPlain(rig);
  client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const { status, head, body } = await client.answer();
  if (status !== 200) throw new Error(`CONNECT ${authority}: ${head}${body}`);
  for (const event of ['data', 'end', 'close']) client.socket.removeAllListeners(event);
  return client.socket;
}

export async function openHost(rig: Rig, host: string, options: OpenOptions = {}): Promise<RawClient> {
  const socket = await openTunnel(rig, `${host}:${options.port ?? 443}`);
  const bare = host.replace(/^\[|\]$/g, '');
  const name = options.serverName === undefined ? bare : options.serverName;
  return secure(rig, socket, name === null || isIP(name) !== 0 ? null : name.replace(/\.$/, ''));
}

/** The name in the certificate is not checked here: cases ask for strange ones. */
export async function secure(rig: Rig, socket: Socket, serverName: string | null): Promise<RawClient> {
  const secured = connectTls({
    socket,
    ca: rig.ca,
    checkServerIdentity: () => undefined,
    ...(serverName === null ? {} : { servername: serverName }),
  });
  await new Promise((resolve, reject) => {
    secured.once('secureConnect', resolve).once('error', reject);
    secured.once('close', () => reject(new Error('closed during the handshake')));
  });
  return rawClient(secured);
}

/** One request on a connection of its own. */
export async function send(rig: Rig, host: string, request: string | Buffer, options?: OpenOptions): Promise<Answer> {
  const client = await openHost(rig, host, options);
  client.send(request);
  try {
    return await client.answer(request.toString('latin1').startsWith('HEAD '));
  } finally {
    client.close();
  }
}

/** A request as text; `Content-Length` is added for a body. */
export function request(
  line: string,
  host: string,
  fields: readonly string[] = [],
  body: string | Buffer | null = null,
): Buffer {
  const bytes = body === null ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(body, 'utf8');
  const length = body === null ? [] : [`Content-Length: ${bytes.length}`];
  const head = [`${line} HTTP/1.1`, `Host: ${host}`, ...fields, ...length, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

function parseAnswer(whole: string): Answer {
  const interims = /^(?:HTTP\/1\.1 1(?!01)\d\d(?:[^\r]|\r(?!\n\r\n))*\r\n\r\n)*/.exec(whole)?.[0] ?? '';
  const text = whole.slice(interims.length);
  const headEnd = text.indexOf('\r\n\r\n');
  const head = headEnd < 0 ? text : text.slice(0, headEnd);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    head,
    body: headEnd < 0 ? '' : text.slice(headEnd + 4),
    interims,
    blockedBy: /\r\nx-bottle-block: ([^\r\n]*)/i.exec(head)?.[1] ?? '',
  };
}

/** Length of the first whole final answer; 0 = not whole yet. */
function answerLength(text: string, isEnded: boolean, toHead: boolean): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return isEnded ? text.length : 0;
  const head = text.slice(0, headEnd);
  if (/^HTTP\/1\.1 1(?!01)\d\d/.test(head)) {
    const rest = answerLength(text.slice(headEnd + 4), isEnded, toHead);
    return rest === 0 ? 0 : headEnd + 4 + rest;
  }
  if (toHead) return headEnd + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = headEnd + 4 + Number(length);
    return text.length >= end ? end : isEnded ? text.length : 0;
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const end = text.indexOf('\r\n0\r\n', headEnd);
    const last = end < 0 ? -1 : text.indexOf('\r\n\r\n', end + 3);
    return last < 0 ? (isEnded ? text.length : 0) : last + 4;
  }
  return headEnd + 4;
}
