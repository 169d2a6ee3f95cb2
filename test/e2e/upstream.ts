// An HTTPS service with an authority of its own, which keeps what it was sent; and a client that goes through a proxy.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, isIP } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { createAuthority } from '../../proxy/src/ca/authority.ts';

export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Upstream {
  readonly port: number;
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  readonly arrived: readonly Arrived[];
  close(): Promise<void>;
}

/** Answers every request with 200 and `hello METHOD URL`; `/401` with that status. */
export async function startUpstream(): Promise<Upstream> {
  const authority = createAuthority({ session: 'upstream' });
  const arrived: Arrived[] = [];
  const server = createServer({
    SNICallback: (name, done) => done(null, authority.secureContext(name)),
  });
  server.on('request', async (request, response) => {
    const { method = '', url = '', headers } = request;
    arrived.push({ method, url, headers, body: await text(request) });
    if (url === '/401') response.statusCode = 401;
    response.end(`hello ${method} ${url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ca: authority.certificatePem,
    arrived,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request by CONNECT, on a connection of its own; trusts `ca` alone. */
export async function fetchThrough(proxy: string, ca: string, url: string, sent: Sent = {}): Promise<Answer> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(proxy.split(':').at(-1)), '127.0.0.1');
  const place = `${hostname}:${port || 443}`;
  socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`);
  const head = await new Promise<string>((resolve, reject) => {
    socket.once('data', (bytes) => resolve(bytes.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the proxy closed the connection')));
  });
  if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`CONNECT was answered with ${head}`);
  const tls = connectTls({ socket, ca, host: hostname, ...(isIP(hostname) === 0 ? { servername: hostname } : {}) });
  return new Promise((resolve, reject) => {
    tls.once('error', reject);
    const request = httpRequest(
      {
        createConnection: () => tls,
        method: sent.method ?? 'GET',
        path: pathname + search,
        headers: { host: port === '' ? hostname : place, connection: 'close', ...sent.headers },
      },
      (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          reject,
        );
      },
    );
    request.once('error', reject);
    request.end(sent.body);
  });
}
