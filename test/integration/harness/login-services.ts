// Stand-ins of the services behind two subscriptions. What they check is what the real ones check: the form of the credential, its signature and
// generation, the header fields that go with it. Tokens are signed, so that services in containers and the token endpoint here need share no state.
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { makeCertificate } from './api-service.ts';
import { type Service, startService } from './service.ts';

export const ACCOUNT = '7d0c1a52-3f0e-4a5f-9e55-0f6f3f1c2b9a';
const KEY = randomBytes(24).toString('base64url');
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = (what: string) => createHmac('sha256', KEY).update(what).digest('hex');

/** Each access token has a generation; services refuse those of generation 0, as if they had been revoked. */
export const claudeToken = (generation: number) => `sk-ant-oat01-${generation}${sign(`claude ${generation}`)}`;
export const codexToken = (generation: number, lifeMs = 3600_000) => {
  const auth = { chatgpt_account_id: ACCOUNT, chatgpt_plan_type: 'plus', user_id: 'user-private' };
  const claims = { iss: 'https://auth.openai.com', exp: Math.floor((Date.now() + lifeMs) / 1000), generation };
  const signed = [
    { alg: 'RS256', typ: 'JWT' },
    { ...claims, 'https://api.openai.com/auth': auth },
  ]
    .map(part)
    .join('.');
  return `${signed}.${sign(signed)}`;
};
export const refreshToken = (generation: number) => `rt_${generation}${sign(`refresh ${generation}`)}`;

interface Arrived {
  readonly host: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
}

export type LoginServices = Service<Arrived> & { readonly authority: string };

const SERVER = `
const { createServer } = require('node:https');
const { createHmac } = require('node:crypto');
const sign = (what) => createHmac('sha256', process.env.TOKEN_KEY).update(what).digest('hex');
const json = (response, status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const events = (response, all) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of all) response.write('event: ' + event.type + '\\ndata: ' + JSON.stringify(event) + '\\n\\n');
  response.end();
};
const isClaude = (token) => {
  const [, generation, signature] = /^sk-ant-oat01-(\\d)([0-9a-f]{64})$/.exec(token) ?? [];
  return Number(generation) > 0 && signature === sign('claude ' + generation);
};
const isCodex = (token) => {
  const [head, payload, signature] = token.split('.');
  if (!payload || signature !== sign(head + '.' + payload)) return false;
  const { generation, exp } = JSON.parse(Buffer.from(payload, 'base64url'));
  return generation > 0 && exp * 1000 > Date.now();
};

function anthropic(request, response, body) {
  const { url, headers } = request;
  if (url === '/api/hello') return json(response, 200, { message: 'hello' });
  const fail = (status, type, message) => json(response, status, { type: 'error', error: { type, message } });
  const [, token] = /^Bearer (\\S+)$/.exec(headers.authorization ?? '') ?? [];
  const isKey = headers['x-api-key'] === process.env.API_KEY;
  if (!isKey && token === undefined) return fail(401, 'authentication_error', 'x-api-key header is required');
  if (!isKey && !isClaude(token)) return fail(401, 'authentication_error', 'OAuth token has expired. Please obtain a new token or refresh your existing token.');
  if (url === '/api/oauth/profile') return json(response, 200, { account: { uuid: process.env.ACCOUNT }, organization: {} });
  if (!isKey && !(headers['anthropic-beta'] ?? '').includes('oauth-')) return fail(401, 'authentication_error', 'OAuth authentication is currently not supported.');
  if (!url.startsWith('/v1/messages')) return fail(404, 'not_found_error', 'Not found');
  if (headers['anthropic-version'] === undefined) return fail(400, 'invalid_request_error', 'anthropic-version: header is required');
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-stand-in', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } };
  if (JSON.parse(body).stream !== true) return json(response, 200, { ...message, content: [{ type: 'text', text: 'pong' }], stop_reason: 'end_turn' });
  events(response, [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'pong' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ]);
}

function chatgpt(request, response, body) {
  const { url, headers, method } = request;
  const [, token] = /^Bearer (\\S+)$/.exec(headers.authorization ?? '') ?? [];
  if (token === undefined || !isCodex(token)) return json(response, 401, { error: { message: 'Provided authentication token is expired. Please try signing in again.', code: 'token_expired' } });
  if (headers['chatgpt-account-id'] !== process.env.ACCOUNT) return json(response, 401, { error: { message: 'no such account' } });
  const account = { id: process.env.ACCOUNT, structure: 'personal', workspace_backend_origin: 'NO_CONSTRAINT', account_routing_override: 'NO_CONSTRAINT' };
  if (url === '/backend-api/wham/accounts/check') return json(response, 200, { accounts: [account], account_ordering: [account.id], default_account_id: account.id });
  // Codex falls back to a plain request at once.
  if (headers.upgrade !== undefined) return response.writeHead(426).end();
  if (method !== 'POST' || !url.startsWith('/backend-api/codex/responses')) return json(response, 404, { detail: 'Not found' });
  const message = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'pong', annotations: [] }] };
  const usage = { input_tokens: 1, input_tokens_details: null, output_tokens: 1, output_tokens_details: null, total_tokens: 2 };
  events(response, [
    { type: 'response.created', response: { id: 'resp_1' } },
    { type: 'response.output_item.done', output_index: 0, item: message },
    { type: 'response.completed', response: { id: 'resp_1', output: [message], usage } },
  ]);
}

createServer({ key: process.env.KEY, cert: process.env.CERT }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const { method, url, headers } = request;
    const body = Buffer.concat(chunks).toString();
    response.on('finish', () => keep({ host: headers.host, method, url, headers, body, status: response.statusCode }));
    if (headers.host === 'api.anthropic.com') return anthropic(request, response, body);
    if (headers.host === 'chatgpt.com') return chatgpt(request, response, body);
    json(response, 200, { got: body.length });
  });
}).listen(443, up);
`;

/** Hosts of the services, and of one that takes everything. */
export const HOSTS = ['api.anthropic.com', 'chatgpt.com', 'collector.example'] as const;

export async function startLoginServices(docker: Docker, directory: string, apiKey: string): Promise<LoginServices> {
  const { certificate, key } = await makeCertificate(directory, HOSTS);
  const env = { KEY: key, CERT: certificate, TOKEN_KEY: KEY, ACCOUNT, API_KEY: apiKey };
  const service = await startService<Arrived>(docker, 'logins', SERVER, { env });
  const authority = join(directory, 'services-ca.pem');
  writeFileSync(authority, certificate);
  return { ...service, authority };
}

export interface TokenEndpoint {
  readonly url: string;
  readonly asked: readonly { readonly headers: IncomingHttpHeaders; readonly body: Record<string, unknown> }[];
  close(): void;
}

/** The token endpoint of both services, on this machine's loopback. A refresh token is good once, as theirs are. */
export async function startTokenEndpoint(service: 'claude' | 'codex'): Promise<TokenEndpoint> {
  const asked: { headers: IncomingHttpHeaders; body: Record<string, unknown> }[] = [];
  let generation = 0;
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Record<string, unknown>;
    asked.push({ headers: request.headers, body });
    const reply = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.headers['content-type'] !== 'application/json' || body.grant_type !== 'refresh_token')
      return reply(400, { error: 'invalid_request' });
    if (body.refresh_token !== refreshToken(generation)) return reply(401, { error: 'refresh_token_reused' });
    generation += 1;
    const refresh_token = refreshToken(generation);
    return service === 'claude'
      ? reply(200, { token_type: 'Bearer', access_token: claudeToken(generation), refresh_token, expires_in: 28_800 })
      : reply(200, { id_token: codexToken(generation), access_token: codexToken(generation), refresh_token });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth/token`;
  return { url, asked, close: () => server.close() };
}
