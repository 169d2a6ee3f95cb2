// The upstream of the soak: good and bad answers by path.
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createAuthority } from '../proxy/src/ca/authority.ts';

export interface SoakUpstream {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** PEM of what signed its certificate. */
  readonly roots: string;
  close(): void;
}

const LARGE = 'x'.repeat(1024 * 1024);

export async function startSoakUpstream(host: string): Promise<SoakUpstream> {
  const authority = createAuthority({ session: 'soak-upstream' });
  const open = new Set<Socket>();
  const server = createServer((raw) => {
    open.add(raw);
    raw.on('close', () => open.delete(raw)).on('error', ignore);
    const socket = new TLSSocket(raw, { isServer: true, secureContext: authority.secureContext(host) });
    socket.on('error', ignore);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let whole = wholeRequest(text); whole !== null; whole = wholeRequest(text)) {
        text = text.slice(whole.length);
        answer(socket, raw, whole);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    address: `127.0.0.1:${address.port}`,
    roots: authority.certificatePem,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

interface Whole {
  readonly path: string;
  readonly bodyBytes: number;
  /** Of the text that it took. */
  readonly length: number;
}

/** What the proxy sends is well framed. */
function wholeRequest(text: string): Whole | null {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = text.slice(0, headEnd);
  const path = head.split(' ')[1] ?? '';
  const from = headEnd + 4;
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const end = text.indexOf('\r\n0\r\n', from - 2);
    const last = end < 0 ? -1 : text.indexOf('\r\n\r\n', end + 3);
    if (last < 0) return null;
    const sizes = text.slice(from, end).matchAll(/^([0-9a-f]+)\r\n\{/gm);
    const bodyBytes = [...sizes].reduce((sum, [, size]) => sum + Number.parseInt(size!, 16), 0);
    return { path, bodyBytes, length: last + 4 };
  }
  const size = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return path !== '/early' && text.length < from + size ? null : { path, bodyBytes: size, length: from + size };
}

function answer(socket: TLSSocket, raw: Socket, { path, bodyBytes }: Whole): void {
  const ok = (body: string): void => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  };
  switch (path) {
    case '/stream': {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
      for (let i = 1; i <= 5; i++) socket.write(`f\r\ndata: event ${i}\n\n\r\n`);
      break;
    }
    case '/large':
      ok(LARGE);
      break;
    case '/never':
      break;
    case '/closes':
      socket.end();
      break;
    case '/truncates':
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc');
      break;
    case '/resets':
      raw.resetAndDestroy();
      break;
    case '/nonsense':
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab');
      break;
    case '/ws':
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      break;
    case '/echo':
      ok(`got ${bodyBytes}`);
      break;
    default:
      ok(path.slice(1));
  }
}

/** `close` follows. */
function ignore(): void {}
