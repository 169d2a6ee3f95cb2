// A server on loopback that keeps every byte it is sent, in order of arrival, and answers as a case wants.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { createAuthority } from '../../../proxy/src/ca/authority.ts';

/** Gets the connection and one whole request as it arrived. */
export type Answerer = (socket: Socket, request: string) => void;

export interface RawUpstream {
  readonly port: number;
  /** PEM of the authority that signed its certificates. */
  readonly ca: string;
  /** Everything from all connections, latin1. */
  received(): string;
  readonly connections: readonly Socket[];
  /** How the next requests are answered; null = 200 with a short body. */
  answerWith(answerer: Answerer | null): void;
  close(): void;
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** `literal`: the address in the certificate that clients get who name nothing. */
export async function startRawUpstream(isSecure: boolean, literal = '10.9.9.9'): Promise<RawUpstream> {
  const authority = createAuthority({ session: 'hostile-upstream' });
  const connections: Socket[] = [];
  let received = '';
  let answerer: Answerer | null = null;
  const SNICallback = (name: string, done: (error: null, context: SecureContext) => void): void =>
    done(null, authority.secureContext(name));
  const accept = (socket: Socket): void => {
    connections.push(socket);
    socket.on('error', () => {}); // Cases cut connections on purpose.
    let pending = '';
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      received += text;
      pending += text;
      for (let end = requestEnd(pending); end > 0; end = requestEnd(pending)) {
        const request = pending.slice(0, end);
        pending = pending.slice(end);
        if (answerer === null) socket.write(OK);
        else answerer(socket, request);
      }
    });
  };
  const server = createServer((socket) => {
    if (!isSecure) accept(socket);
    else
      accept(new TLSSocket(socket, { isServer: true, secureContext: authority.secureContext(literal), SNICallback }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ca: authority.certificatePem,
    received: () => received,
    connections,
    answerWith: (next) => {
      answerer = next;
    },
    close: () => {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

/** Length of the first whole request in `text`, or 0. What the proxy sends is well framed, so this may be simple. */
function requestEnd(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const head = text.slice(0, headEnd);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const end = headEnd + 4 + length;
    return text.length >= end ? end : 0;
  }
  let at = headEnd + 4;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return 0;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) break;
    at = lineEnd + 2 + size + 2;
    if (at > text.length) return 0;
  }
  // The last chunk's line, then trailers, then an empty line.
  const end = text.indexOf('\r\n\r\n', at);
  return end < 0 ? 0 : end + 4;
}
