// Services as their vendors document them, as far as a preset is about them: who is asked for which credential, what is answered, and what to
// who comes without. All behind one HTTPS server that keeps every request, whole.
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createAuthority } from '../../../proxy/src/ca/authority.ts';

export interface Arrived {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Head and body as text, to look for what must not be there. */
  readonly all: string;
}

export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is no text goes as JSON. */
  readonly body: unknown;
}

export interface FakeService {
  readonly hosts: readonly string[];
  /** null when the credential is right; otherwise the vendor's answer to who has none, or a wrong one. */
  authenticate(request: Arrived): Answered | null;
  /** By `METHOD /path`; `*` is one piece of a path, `**` any. The first that fits answers. */
  readonly routes: Readonly<Record<string, (request: Arrived) => Answered | Promise<Answered>>>;
  /** Tokens that it has given out: who asked must not have seen them. */
  readonly issued?: readonly string[];
  /** The vendor's answer to a path that there is not. */
  readonly notFound: Answered;
}

export interface FakeServer {
  readonly port: number;
  /** PEM of the authority that signed its certificates. */
  readonly ca: string;
  /** What arrived since the last call. */
  take(): readonly Arrived[];
  close(): Promise<void>;
}

/** With this field in a request, the answer holds the head as it arrived, in its body and in a field. */
export const ECHO = 'x-fake-echo';

export async function startFakes(services: readonly FakeService[]): Promise<FakeServer> {
  const authority = createAuthority({ session: 'fakes' });
  let arrived: Arrived[] = [];
  const server = createServer({ SNICallback: (name, done) => done(null, authority.secureContext(name)) });
  server.on('request', async (incoming, response) => {
    const { method = '', url = '', headers, rawHeaders } = incoming;
    const body = await buffer(incoming);
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    const { pathname, searchParams } = new URL(url, 'https://fake');
    const all = [method, url, ...rawHeaders, body.toString('latin1')].join('\n');
    const request = { method, host, path: decodeURIComponent(pathname), query: searchParams, url, headers, body, all };
    arrived.push(request);
    const answer = await answerOf(services, request);
    const { status = 200, headers: fields = {}, body: given } = answer;
    const echo = headers[ECHO] === undefined ? '' : `\n${rawHeaders.join('\n')}\n`;
    const text = Buffer.isBuffer(given)
      ? given
      : Buffer.from((typeof given === 'string' ? given : JSON.stringify(given)) + echo);
    const type = Buffer.isBuffer(given)
      ? 'application/octet-stream'
      : typeof given === 'string'
        ? 'text/plain'
        : 'application/json';
    response.writeHead(status, {
      'content-type': type,
      ...(echo === '' ? {} : { 'x-echo': headers.authorization ?? '' }),
      ...fields,
      'content-length': text.length,
    });
    response.end(method === 'HEAD' ? undefined : text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ca: authority.certificatePem,
    take() {
      const taken = arrived;
      arrived = [];
      return taken;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerOf(services: readonly FakeService[], request: Arrived): Promise<Answered> {
  const service = services.find(({ hosts }) => hosts.includes(request.host));
  if (service === undefined) return { status: 421, body: `nobody is called ${request.host}` };
  const refusal = service.authenticate(request);
  if (refusal !== null) return refusal;
  const route = Object.entries(service.routes).find(([pattern]) => fits(pattern, request));
  return route === undefined ? service.notFound : route[1](request);
}

function fits(pattern: string, { method, path }: Arrived): boolean {
  const [methods = '', glob = ''] = pattern.split(' ');
  const form = glob
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*|\*/g, (star) => (star === '*' ? '[^/]*' : '.*'));
  return methods.split(',').includes(method) && new RegExp(`^${form}$`).test(path);
}

export const bearer = ({ headers }: Arrived): string => /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? '';

export function basic({ headers }: Arrived): { readonly username: string; readonly password: string } {
  const [, encoded = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? [];
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0
    ? { username: '', password: '' }
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

export const digest = (algorithm: string, bytes: Buffer, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHash(algorithm).update(bytes).digest(encoding);
