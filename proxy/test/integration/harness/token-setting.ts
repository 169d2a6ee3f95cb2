// A token service, an API that takes its tokens and a host that has nothing to do with either, behind one proxy. What arrives is kept.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AuditRecord, ProxyLimits, Route, SecretValue } from '../../../src/contract.ts';
import { connectHost } from './client.ts';
import { routeTo, testConfig } from './config.ts';
import { type RunningProxy, startProxy } from './proxy.ts';
import { later } from './undo.ts';
import { httpUpstream, testAuthority } from './upstream.ts';

export const AUTH = 'auth.example';
export const API = 'api.example';
export const OTHER = 'other.example';
export const FIELDS = ['access_token', 'refresh_token', 'id_token', 'token'];

export const random = (bytes = 24): string => randomBytes(bytes).toString('base64url');

export interface Arrival {
  readonly host: string;
  readonly method: string;
  readonly url: string;
  readonly authorization: string;
  /** Of the field `x-key`. */
  readonly key: string;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  readonly text: string;
}

export interface TokenSetting {
  readonly proxy: RunningProxy;
  readonly arrived: Arrival[];
  ask(host: string, request: Partial<Asked>): Promise<Answer>;
  /** The newest record. */
  last(): AuditRecord;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** What the token service answers: given the request and its body. */
export type Service = (request: IncomingMessage, body: string, response: ServerResponse) => void;

export interface TokenOptions {
  /** What the API answers; left out = `ok`, or what the header `x-echo` says that it echoes. */
  readonly api?: Service;
  readonly auth?: Partial<Route>;
  readonly apiRoute?: Partial<Route>;
  readonly secrets?: readonly SecretValue[];
  readonly limits?: Partial<ProxyLimits>;
}

export async function tokenSetting(service: Service, options: TokenOptions = {}): Promise<TokenSetting> {
  const authority = testAuthority();
  const arrived: Arrival[] = [];
  const serving =
    (host: string, answer: Service): RequestListener =>
    (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const body = Buffer.concat(pieces).toString('latin1');
        const { method = '', url = '', headers } = request;
        const key = String(headers['x-key'] ?? '');
        arrived.push({ host, method, url, authorization: headers.authorization ?? '', key, body });
        answer(request, body, response);
      });
    };
  const echo: Service = (request, body, response) => {
    response.end(`echo ${request.headers.authorization ?? ''} ${body} .`);
  };
  const upstreams = await Promise.all([
    httpUpstream(authority, serving(AUTH, service)),
    httpUpstream(authority, serving(API, options.api ?? echo)),
    httpUpstream(authority, serving(OTHER, echo)),
  ]);
  for (const upstream of upstreams) later(() => upstream.close());
  const [atAuth, atApi, atOther] = upstreams;
  const routes = [
    routeTo(AUTH, { id: 'oauth', tokens: { fields: FIELDS }, ...options.auth }),
    routeTo(API, { id: 'api', tokensFrom: ['oauth'], ...options.apiRoute }),
    routeTo(OTHER, { id: 'other' }),
  ];
  const proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes,
      roots: authority.certificatePem,
      map: { [`${AUTH}:443`]: atAuth.address, [`${API}:443`]: atApi.address, [`${OTHER}:443`]: atOther.address },
      ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    }),
  );
  later(() => proxy.stop());
  return { proxy, arrived, ask: (host, asked) => ask(proxy, host, asked), last: () => proxy.records().at(-1)! };
}

async function ask(
  proxy: RunningProxy,
  host: string,
  { method = 'GET', path = '/', fields = {}, body = '' }: Partial<Asked>,
): Promise<Answer> {
  const client = await connectHost(proxy, host);
  const bytes = Buffer.from(body);
  const lines = Object.entries({ ...(bytes.length > 0 ? { 'Content-Length': `${bytes.length}` } : {}), ...fields });
  client.send(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n`);
  client.send(`${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  client.send(bytes);
  const text = await client.ended();
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end);
  const rest = text.slice(end + 4);
  const isChunked = /^transfer-encoding: chunked/im.test(head);
  return { status: Number(head.slice(9, 12)), head, body: isChunked ? unchunked(rest) : rest, text };
}

function unchunked(text: string): string {
  let out = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return out;
    out += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

/** A JSON answer of a token service. */
export function answerJson(response: ServerResponse, value: object | string, status = 200): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
