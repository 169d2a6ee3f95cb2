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
  /** Everything that came on all connections since the last call, latin1. */
  take(): string;
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
  let received: Buffer[] = [];
  let answerer: Answerer | null = null;
  const SNICallback = (name: string, done: (error: null, context: SecureContext) => void): void =>
    done(null, authority.secureContext(name));
  const accept = (socket: Socket): void => {
    connections.push(socket);
    socket.on('error', () => {}); // Cases cut connections on purpose.
    const cutter = new RequestCutter();
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      for (const request of cutter.add(chunk)) {
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
    take() {
      const text = Buffer.concat(received).toString('latin1');
      received = [];
      return text;
    },
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

/** Cuts what arrives into requests. What the proxy sends is well framed, so this may be simple. */
class RequestCutter {
  private bytes = Buffer.alloc(64 * 1024);
  private length = 0;
  /** Where the next line of a chunk begins; 0 = the head is not whole yet. */
  private at = 0;
  /** End of a request of known length; 0 = none. */
  private end = 0;

  /** The requests that became whole with this chunk, latin1. */
  add(chunk: Buffer): string[] {
    if (this.length + chunk.length > this.bytes.length) {
      const larger = Buffer.alloc((this.length + chunk.length) * 2);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    chunk.copy(this.bytes, this.length);
    this.length += chunk.length;
    const whole: string[] = [];
    for (let end = this.requestEnd(); end > 0; end = this.requestEnd()) {
      whole.push(this.bytes.toString('latin1', 0, end));
      this.bytes.copyWithin(0, end, this.length);
      this.length -= end;
      this.at = 0;
      this.end = 0;
    }
    return whole;
  }

  private requestEnd(): number {
    if (this.at === 0 && this.end === 0) {
      const headEnd = this.find('\r\n\r\n', 0);
      if (headEnd < 0) return 0;
      const head = this.bytes.toString('latin1', 0, headEnd);
      if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.at = headEnd + 4;
      else this.end = headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    }
    if (this.end > 0) return this.length >= this.end ? this.end : 0;
    for (;;) {
      const lineEnd = this.find('\r\n', this.at);
      if (lineEnd < 0) return 0;
      const size = Number.parseInt(this.bytes.toString('latin1', this.at, lineEnd), 16);
      if (size === 0) break;
      if (lineEnd + 2 + size + 2 > this.length) return 0;
      this.at = lineEnd + 2 + size + 2;
    }
    // The last chunk's line, then trailers, then an empty line.
    const end = this.find('\r\n\r\n', this.at);
    return end < 0 ? 0 : end + 4;
  }

  private find(text: string, from: number): number {
    const at = this.bytes.indexOf(text, from, 'latin1');
    return at < 0 || at + text.length > this.length ? -1 : at;
  }
}
