// What a session may spend at model APIs: counted from what their answers say, in every form that these have, and refused beyond it.
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorShape, ModelPrice, Quota, Route, Spend } from '../../src/contract.ts';
import {
  anthropicStream,
  anthropicWhole,
  chatStream,
  MODEL_ANSWERS,
  responsesCompleted,
  responsesCreated,
} from '../model-answers.ts';
import { connectHost, type RawClient } from './harness/client.ts';
import { ask, connectH2, h2Upstream, requestList } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting, proxyTo, rawSetting, type SettingOptions } from './harness/setting.ts';
import { openTls, twoThreads } from './harness/two-threads.ts';
import { testAuthority } from './harness/upstream.ts';
import { openWebSocket, webSocketSetting } from './harness/websocket.ts';

afterEach(endSettings);

const LIST: readonly ModelPrice[] = [
  { model: 'claude-*', input: 1, output: 10, cacheRead: 1, cacheWrite: 1 },
  { model: 'dear-*', input: 1000, output: 1000, cacheRead: 1000, cacheWrite: 1000 },
];
const quota = (spend: Partial<Spend>, name = 'allow.0.limits'): Quota => ({
  ...{ name, requestBytes: null, requestsPerMinute: null, totalBytes: null },
  spend: { tokens: null, tokensPerMinute: null, costUsd: null, prices: [], ...spend },
});
const bounded = (spend: Partial<Spend>, errorShape: ErrorShape = 'anthropic'): Partial<Route> => ({
  quota: quota(spend),
  errorShape,
});
const MANY: Partial<Spend> = { tokens: 1e9 };
const post = (body: object | string, path = '/v1/messages', fields = ''): string => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return `POST ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${fields}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};
const CALL = { model: 'claude-1', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] };

async function asks(proxy: RunningProxy, request: string): Promise<RawClient> {
  const client = await connectHost(proxy, HOST);
  client.send(request);
  return client;
}

const says =
  (body: string | Buffer, contentType = 'application/json', encoding = ''): RequestListener =>
  (request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', contentType);
      if (encoding !== '') response.setHeader('content-encoding', encoding);
      const bytes = Buffer.from(body as string);
      // In pieces that fit no border of anything.
      for (let at = 0; at < bytes.length; at += 97) response.write(bytes.subarray(at, at + 97));
      response.end();
    });
  };

const CODINGS: readonly (readonly [string, (text: string) => Buffer])[] = [
  ['plain', (text) => Buffer.from(text)],
  ['gzip', (text) => gzipSync(text)],
  ['br', (text) => brotliCompressSync(text)],
  ['zstd', (text) => zstdCompressSync(text)],
];

/** Takes the chunks of HTTP/1.1 off. */
function bodyOf(answer: string): Buffer {
  let rest = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  const pieces: string[] = [];
  for (;;) {
    const end = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return Buffer.from(pieces.join(''), 'latin1');
    pieces.push(rest.slice(end + 2, end + 2 + size));
    rest = rest.slice(end + 2 + size + 2);
  }
}

describe.each(MODEL_ANSWERS)('the answer of $name', ({ body, contentType, input, output }) => {
  it.each(CODINGS)('%s is counted and comes through byte for byte', async (encoding, encode) => {
    const sent = encode(body);
    const { proxy } = await httpSetting(says(sent, contentType, encoding === 'plain' ? '' : encoding), {
      route: bounded(MANY),
    });
    const client = await asks(proxy, post(CALL, '/v1/messages', 'Accept-Encoding: gzip, br, zstd\r\n'));
    await client.waitFor('\r\n0\r\n\r\n');
    expect(bodyOf(client.received()).equals(sent)).toBe(true);
    expect(await proxy.recorded(1)).toMatchObject([
      { usage: { input_tokens: input, output_tokens: output, cost_usd: null, estimated: false } },
    ]);
  });

  it('is counted where a credential was added, which is searched for on its way back', async () => {
    const value = randomBytes(20).toString('hex');
    const secrets = [{ name: 'KEY', value, placeholder: `p${randomBytes(20).toString('hex')}` }];
    const route = { ...bounded(MANY), auth: { type: 'bearer', secret: 'KEY' } as const };
    const { proxy } = await httpSetting(says(gzipSync(body), contentType, 'gzip'), { route, secrets });
    const client = await asks(proxy, post(CALL));
    await client.waitFor('\r\n0\r\n\r\n');
    expect(bodyOf(client.received()).toString()).toBe(body);
    expect(await proxy.recorded(1)).toMatchObject([
      { injected: ['KEY'], usage: { input_tokens: input, output_tokens: output } },
    ]);
  });

  it('is counted over HTTP/2', async () => {
    const authority = testAuthority();
    const upstream = await h2Upstream(authority, (stream) => {
      stream.resume().on('end', () => {
        stream.respond({ ':status': 200, 'content-type': contentType });
        stream.end(body);
      });
    });
    const proxy = await proxyTo(upstream, authority.certificatePem, { route: bounded(MANY) });
    const session = await connectH2(proxy, HOST);
    const answer = await ask(session, requestList(HOST, 'POST', '/v1/messages'), JSON.stringify(CALL));
    expect(answer.body.toString()).toBe(body);
    expect(await proxy.recorded(1)).toMatchObject([{ usage: { input_tokens: input, output_tokens: output } }]);
  });
});

describe('beyond the bound', () => {
  it('on tokens nothing leaves, and the API’s own error says what was used and what to change', async () => {
    let served = 0;
    const serve: RequestListener = (request, response) => {
      served++;
      says(anthropicWhole(100, 20))(request, response);
    };
    const { proxy } = await httpSetting(serve, { route: bounded({ tokens: 200 }) });
    const client = await asks(proxy, post(CALL).repeat(2));
    await until(() => client.received().split('\r\n0\r\n\r\n').length === 3, 'two answers');
    client.send(post(CALL));
    await client.waitFor('"type":"error"');
    expect(client.received()).toContain(
      'this session has used 240 tokens of 200 (allow.0.limits.tokens); start a new session, or raise allow.0.limits.tokens in the spec',
    );
    expect(client.received()).toMatch(/HTTP\/1\.1 400 [\s\S]*x-bottle-block: limit tokens /);
    expect(served).toBe(2);
    expect((await proxy.recorded(3))[2]).toMatchObject({ verdict: 'block', stage: 'limit', rule: 'tokens' });
    expect(proxy.records()[2]).not.toHaveProperty('usage');
  });

  it('on dollars, by the price of the model that was asked for', async () => {
    const { proxy } = await httpSetting(says(anthropicWhole(1000, 100)), {
      route: bounded({ costUsd: 0.003, prices: LIST }),
    });
    const client = await asks(proxy, post(CALL).repeat(2));
    await until(() => client.received().split('\r\n0\r\n\r\n').length === 3, 'two answers');
    client.send(post(CALL));
    await client.waitFor('this session has spent 0.004 US dollars of 0.003 US dollars (allow.0.limits.cost_usd)');
    expect((await proxy.recorded(2))[0]).toMatchObject({ usage: { cost_usd: 0.002, input_tokens: 1000 } });
  });

  it('on what the service says that it cost', async () => {
    const answer = MODEL_ANSWERS.find(({ name }) => name === 'OpenRouter')!;
    const prices = [{ model: 'lab/*', input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reported: true } as const];
    const { proxy } = await httpSetting(says(answer.body), { route: bounded({ costUsd: 0.2, prices }, 'openai') });
    const client = await asks(proxy, post({ model: 'lab/test-1' }));
    await client.waitFor('\r\n0\r\n\r\n');
    client.send(post({ model: 'lab/test-1' }));
    await client.waitFor('spent 0.25 US dollars of 0.2 US dollars');
    expect(client.received()).toContain('"type":"invalid_request_error"');
  });

  it('on all egress together with that of an entry, whichever is used up first', async () => {
    const options: SettingOptions = {
      route: bounded({ tokens: 1000 }),
      quota: quota({ tokens: 100 }, 'egress.limits'),
    };
    const { proxy } = await httpSetting(says(anthropicWhole(100, 20)), options);
    const client = await asks(proxy, post(CALL));
    await client.waitFor('\r\n0\r\n\r\n');
    client.send(post(CALL));
    await client.waitFor('120 tokens of 100 (egress.limits.tokens)');
  });

  it('lists and counts of tokens pass, and a plain entry is none of its business', async () => {
    const { proxy } = await httpSetting(says('{"input_tokens":5}'), { route: bounded({ tokens: 0 }) });
    const client = await asks(proxy, `GET /v1/models HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('"input_tokens"');
    const other = await httpSetting(says('hi'), { quota: quota({ tokens: 0 }, 'egress.limits') });
    const plain = await asks(other.proxy, post('x'));
    await plain.waitFor('hi');
  });
});

describe('an agent that would pay less', () => {
  const priced = (more: Partial<Spend> = {}) => bounded({ costUsd: 100, prices: LIST, ...more });

  it.each([
    ['a model without a price', { ...CALL, model: 'other-1' }],
    ['a second model without a price', '{"model":"claude-1","model":"other-1"}'],
    ['an escaped key', '{"model":"claude-1","mod\\u0065l":"other-1"}'],
  ])('is refused with %s before anything leaves', async (_, body) => {
    const { proxy, upstream } = await rawSetting(() => {}, { route: priced() });
    const client = await asks(proxy, post(body));
    await client.waitFor('nobody says what the model');
    expect(client.received()).toContain('other-1');
    expect(client.received()).toMatch(/x-bottle-block: limit prices /);
    expect(upstream.peers).toEqual([]);
  });

  it.each([
    ['two models', '{"model":"claude-1","model":"dear-1"}', ''],
    ['a compressed body', gzipSync(JSON.stringify(CALL)).toString('latin1'), 'Content-Encoding: gzip\r\n'],
    ['no model at all', '{"messages":[]}', ''],
  ])('pays the dearest with %s', async (_, body, fields) => {
    const { proxy } = await httpSetting(says(anthropicWhole(1000, 1000)), { route: priced() });
    const text = `POST / HTTP/1.1\r\nHost: ${HOST}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
    await (await asks(proxy, text)).waitFor('\r\n0\r\n\r\n');
    expect(await proxy.recorded(1)).toMatchObject([{ usage: { cost_usd: 2 } }]);
  });

  it('and leaves when it has read enough pays for what was seen and for the rest by its bytes', async () => {
    const answer = anthropicStream(2000, 500);
    const begun = answer.slice(0, answer.indexOf('event: message_delta'));
    const { proxy } = await rawSetting(
      (peer) => {
        void peer.waitFor('hello').then(() => {
          peer.send(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n${begun}`);
        });
      },
      { route: bounded(MANY) },
    );
    const client = await asks(proxy, post({ ...CALL, stream: true }));
    await client.waitFor('content_block_stop');
    client.close();
    const [record] = await proxy.recorded(1);
    expect(record!.usage).toMatchObject({ input_tokens: 2000, estimated: true });
    // Capped by what the request allows.
    expect(record!.usage!.output_tokens).toBe(100);
  });

  it('and leaves before the answer begins pays for the question, and for an answer that is made all the same', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, { route: bounded(MANY) });
    const body = JSON.stringify({ ...CALL, messages: [{ role: 'user', content: 'a'.repeat(2000) }] });
    const client = await asks(proxy, post(body));
    await (await upstream.peer(0)).waitFor('a'.repeat(2000));
    client.close();
    expect(await proxy.recorded(1)).toMatchObject([
      { usage: { input_tokens: Math.ceil(body.length / 2), output_tokens: 100, estimated: true } },
    ]);
  });

  it('and asks for no usage pays by bytes', async () => {
    const answer = chatStream(300, 40, false);
    const { proxy } = await httpSetting(says(answer, 'text/event-stream'), { route: bounded(MANY, 'openai') });
    const body = JSON.stringify({ model: 'gpt-test-1', stream: true });
    await (await asks(proxy, post(body))).waitFor('\r\n0\r\n\r\n');
    expect(await proxy.recorded(1)).toMatchObject([
      {
        usage: {
          input_tokens: Math.ceil(body.length / 2),
          output_tokens: Math.ceil(answer.length / 4),
          estimated: true,
        },
      },
    ]);
  });

  it('pays nothing for what the service refused', async () => {
    const { proxy } = await httpSetting(
      (request, response) => request.resume().on('end', () => response.writeHead(429).end('{"error":{}}')),
      { route: bounded({ tokens: 1 }) },
    );
    const client = await asks(proxy, post(CALL).repeat(2));
    await until(() => client.received().split(' 429 ').length === 3, 'two answers');
    for (const record of await proxy.recorded(2)) expect(record).not.toHaveProperty('usage');
  });
});

describe('a WebSocket of Responses', () => {
  it.each([false, true])('counts each answer, and says goodbye beyond the bound (compressed: %s)', async (deflate) => {
    let heard = 0;
    const { proxy } = await webSocketSetting({
      deflate,
      route: bounded({ tokens: 100 }, 'openai'),
      talk: (socket) => {
        socket.on('message', () => {
          heard++;
          socket.send(JSON.stringify(responsesCreated));
          socket.send(JSON.stringify(responsesCompleted(30, 10)));
        });
      },
    });
    const talk = await openWebSocket(proxy, deflate);
    for (let i = 1; i <= 3; i++) {
      talk.socket.send(JSON.stringify({ type: 'response.create', model: 'gpt-test-1' }));
      await until(() => talk.messages.length === i * 2, 'the answer');
    }
    talk.socket.send(JSON.stringify({ type: 'response.create', model: 'gpt-test-1' }));
    await until(() => talk.closed !== null, 'the close');
    expect(talk.closed).toMatchObject({ code: 1008 });
    expect(talk.closed!.reason).toContain('120 tokens of 100');
    expect(heard).toBe(3);
    expect(await proxy.recorded(1)).toMatchObject([
      {
        verdict: 'block',
        stage: 'limit',
        rule: 'tokens',
        usage: { input_tokens: 90, output_tokens: 30, estimated: false },
      },
    ]);
  });
});

it('the bound is one for all threads', async () => {
  const huge = JSON.stringify({ hi: 1, usage: { input_tokens: 6e10, output_tokens: 0 } });
  const { proxy, paths } = await twoThreads({
    route: { ...bounded({ tokens: 1e11 }, 'plain') },
    answer: (path) => (path === '/spend' ? huge : 'hi'),
  });
  const clients = await Promise.all(paths.map((path) => openTls(path, proxy.ca)));
  for (const client of clients) {
    client.send(post('{}', '/spend'));
    await client.waitFor('"hi"');
  }
  for (const client of clients) {
    client.send(post('{}', '/spend'));
    await client.waitFor('(allow.0.limits.tokens)');
  }
});
