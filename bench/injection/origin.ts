// What all kinds of injection are measured against: HTTP/1.1 over TLS in this process, which keeps the last message, so that it can be judged what arrived.
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';

export interface Seen {
  /** Latin1, without the empty line. */
  readonly head: string;
  /** Of a WebSocket: its first message. */
  readonly body: Buffer;
  /** What the origin answered. */
  readonly answer: string;
  /** Common name of the certificate that the connection showed; '' = none. */
  readonly shownBy: string;
}

export interface Origin {
  readonly port: number;
  last(): Seen;
  close(): void;
}

const response = (body: string, fields = ''): Buffer =>
  Buffer.from(`HTTP/1.1 200 OK\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`);
const OK = response('ok');
/** The same every time. */
const TOKEN = randomBytes(20).toString('hex');
export const COOKIE = randomBytes(20).toString('hex');
const tokenAnswer = (token: string): Buffer =>
  response(`{"access_token":"${token}","token_type":"bearer","expires_in":3600}`, 'content-type: application/json\r\n');
const ANSWERS: Readonly<Record<string, () => Buffer>> = {
  '/token': () => tokenAnswer(TOKEN),
  '/token/new': () => tokenAnswer(randomBytes(20).toString('hex')),
  '/login': () => response('ok', `set-cookie: sid=${COOKIE}; Path=/; Secure\r\n`),
};
/** The sum over the key of RFC 6455's example, which our client sends. */
const UPGRADED =
  'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
  'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';
/** A text frame of two bytes. */
export const OK_FRAME = Buffer.from('\x81\x02ok', 'latin1');

export async function startOrigin(identity: { readonly key: string; readonly cert: string }): Promise<Origin> {
  let seen: Seen = { head: '', body: Buffer.alloc(0), answer: '', shownBy: '' };
  const sockets = new Set<TLSSocket>();
  // Everybody is asked for a certificate, and nobody has to have one.
  const options = { ...identity, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
  const server = tls.createServer({ ...options, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    serve(socket, (next) => {
      seen = next;
    });
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    last: () => seen,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** One request at a time, as our client sends them. */
function serve(socket: TLSSocket, note: (seen: Seen) => void): void {
  const shownBy = String(socket.getPeerCertificate()?.subject?.CN ?? '');
  let input: Buffer = Buffer.alloc(0);
  let isUpgraded = false;
  socket.on('data', (chunk: Buffer) => {
    input = input.length === 0 ? chunk : Buffer.concat([input, chunk]);
    if (isUpgraded) {
      const message = messageIn(input);
      if (message === null) return;
      note({ head: '', body: message, answer: 'ok', shownBy });
      socket.write(OK_FRAME);
      return;
    }
    const end = input.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = input.toString('latin1', 0, end);
    if (/^upgrade: websocket/im.test(head)) {
      isUpgraded = true;
      socket.write(UPGRADED);
    } else {
      // A changed framing would be another request than the one that is measured.
      if (/^transfer-encoding:/im.test(head)) throw new Error('the origin reads no chunks');
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (input.length < end + 4 + length) return;
      const answer = ANSWERS[head.split(' ', 2)[1] ?? '']?.() ?? OK;
      note({ head, body: input.subarray(end + 4), answer: answer.toString('latin1'), shownBy });
      socket.write(answer);
    }
    input = Buffer.alloc(0);
  });
}

/** A masked frame of less than 126 bytes; null = not all of it is here. */
function messageIn(bytes: Buffer): Buffer | null {
  const length = (bytes[1] ?? 0) & 0x7f;
  if (bytes.length < 6 + length) return null;
  return bytes.subarray(6, 6 + length).map((byte, at) => byte ^ bytes[2 + (at & 3)]!) as Buffer;
}
