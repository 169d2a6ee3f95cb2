// Real credentials: only on the rule's own requests, instead of whatever the agent had, and never back to it.
import { createHash, randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openHost, request, send } from './raw-client.ts';
import type { Answerer } from './raw-upstream.ts';
import { type Rig, startRig, until } from './rig.ts';

const token = `tok/${randomBytes(18).toString('hex')}+q&"<=`;
const SPEC = `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
  OTHER: { env: HOSTILE_OTHER }
egress:
  allow:
    - { host: bearer.example, rules: ["GET /api/**", "POST /api/**"], auth: { type: bearer, secret: TOKEN } }
    - { host: bearer.example, rules: ["GET /open/**"] }
    - { host: basic.example, auth: { type: basic, username: me, secret: TOKEN } }
    - { host: header.example, auth: { type: header, name: X-Api-Key, template: "key {secret}", secret: TOKEN } }
    - { host: query.example, auth: { type: query, name: key, secret: TOKEN } }
    - { host: swap.example, placeholder: { secret: TOKEN, in: [header, query] } }
    - { host: "*.many.example", auth: { type: bearer, secret: TOKEN } }
    - other.example
    - { host: model.example, error_shape: anthropic, auth: { type: header, name: x-api-key, secret: TOKEN } }
`;
const names = ['bearer', 'basic', 'header', 'query', 'swap', 'other', 'model', 'a.many'];

let rig: Rig;
let placeholder: string;
beforeAll(async () => {
  rig = await startRig({
    spec: SPEC,
    env: { HOSTILE_TOKEN: token, HOSTILE_OTHER: randomBytes(20).toString('hex') },
    hosts: names.map((name) => `${name}.example:443`),
  });
  placeholder = rig.placeholders.TOKEN ?? '';
  expect(placeholder.length).toBeGreaterThan(12);
});
afterAll(() => rig.stop());
afterEach(() => rig.upstream.answerWith(null));

async function attempt(host: string, bytes: string | Buffer) {
  rig.arrived();
  const before = rig.records().length;
  const answer = await send(rig, host, bytes);
  return { answer, arrived: rig.arrived(), records: rig.records().slice(before) };
}

const count = (text: string, part: string): number => text.split(part).length - 1;
function dechunked(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) break;
    out += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
  return out;
}

const basicPair = Buffer.from(`me:${token}`).toString('base64');

describe('the credential replaces whatever the agent had in its place', () => {
  test.each([
    ['nothing', []],
    ['a bearer of its own', ['Authorization: Bearer mine-1234567890']],
    ['two of them', ['Authorization: Bearer mine-1', 'Authorization: Bearer mine-2']],
    ['odd case', ['aUTHORIZATION: Bearer mine-1', 'AUTHORIZATION: Basic bWluZS0xOnBhc3M=']],
    ['an empty one', ['Authorization:']],
    ['the placeholder', ['Authorization: Bearer {placeholder}']],
    ['the placeholder in Basic', ['Authorization: Basic {basic}']],
    ['Proxy-Authorization', ['Proxy-Authorization: Bearer mine-1234567890']],
    ['Authorization named by Connection', ['Connection: Authorization', 'Authorization: Bearer mine-1']],
    ['Connection that names it, before ours is added', ['Connection: authorization, close']],
  ])('bearer: %s', async (_, fields) => {
    const filled = fields.map((one) =>
      one.replace('{placeholder}', placeholder).replace('{basic}', Buffer.from(`x:${placeholder}`).toString('base64')),
    );
    const { answer, arrived, records } = await attempt(
      'bearer.example',
      request('GET /api/x', 'bearer.example', filled),
    );
    expect(answer.status).toBe(200);
    expect(count(arrived.toLowerCase(), 'authorization:')).toBe(1);
    expect(arrived).toContain(`Bearer ${token}\r\n`);
    expect(arrived).not.toContain('mine-');
    expect(arrived).not.toContain(placeholder);
    expect(arrived.toLowerCase()).not.toContain('\r\nconnection:');
    expect(records).toMatchObject([{ verdict: 'allow', injected: ['TOKEN'] }]);
  });

  test('basic', async () => {
    const { arrived } = await attempt(
      'basic.example',
      request('GET /', 'basic.example', ['authorization: Bearer mine-1']),
    );
    expect(arrived).toContain(`Basic ${basicPair}\r\n`);
    expect(count(arrived.toLowerCase(), 'authorization:')).toBe(1);
  });

  test.each([[[]], [['X-Api-Key: mine-1']], [['x-api-key: mine-1', 'X-API-KEY: mine-2']]])(
    'header, the agent had %j',
    async (fields) => {
      const { arrived } = await attempt('header.example', request('GET /', 'header.example', fields));
      expect(arrived.toLowerCase().match(/\r\nx-api-key: /g)).toHaveLength(1);
      expect(arrived).toContain(`: key ${token}\r\n`);
      expect(arrived).not.toContain('mine-');
    },
  );

  test.each([
    ['/x', '/x?key={}'],
    ['/x?', '/x?key={}'],
    ['/x?a=1', '/x?a=1&key={}'],
    ['/x?key=mine-1', '/x?key={}'],
    ['/x?key=mine-1&a=1&key=mine-2', '/x?key={}&a=1'],
    ['/x?k%65y=mine-1', '/x?k%65y={}'],
    ['/x?key', '/x?key={}'],
    ['/x?key=&%6bey=mine-1', '/x?key={}'],
  ])('query: %s', async (target, expected) => {
    const { arrived } = await attempt('query.example', request(`GET ${target}`, 'query.example'));
    const line = arrived.split('\r\n')[0] ?? '';
    expect(line).toBe(`GET ${expected.replace('{}', encodeURIComponent(token))} HTTP/1.1`);
  });

  test('the placeholder is swapped in fields, Basic pairs and query values of its route alone', async () => {
    const pair = Buffer.from(`u:${placeholder}`).toString('base64');
    const { arrived } = await attempt(
      'swap.example',
      request(`GET /x?t=${placeholder}&u=1`, 'swap.example', [
        `X-T: a ${placeholder} b`,
        `Authorization: Basic ${pair}`,
      ]),
    );
    expect(arrived).toContain(`GET /x?t=${encodeURIComponent(token)}&u=1 HTTP/1.1\r\n`);
    expect(arrived).toContain(`X-T: a ${token} b\r\n`);
    expect(arrived).toContain(`Basic ${Buffer.from(`u:${token}`).toString('base64')}\r\n`);
    expect(arrived).not.toContain(placeholder);
  });

  test.each([
    ['the path', 'GET /{}', [], null],
    ['a query name', 'GET /?{}=1', [], null],
    ['a part of a query value', 'GET /?a=x{}', [], null],
    ['a field name', 'GET /', ['{}: 1'], null],
    ['a body', 'POST /', [], '{"t":"{}"}'],
    ['a cookie in base64', 'GET /', ['Cookie: a={base64}'], null],
    ['a query in base64', 'GET /?a={base64}', [], null],
    ['a field in hex', 'GET /', ['X-T: {hex}'], null],
  ] as const)('the placeholder in %s of its own route goes nowhere', async (_, line, fields, body) => {
    const fill = (text: string): string =>
      text
        .replace('{}', placeholder)
        .replace('{base64}', Buffer.from(placeholder).toString('base64'))
        .replace('{hex}', Buffer.from(placeholder).toString('hex'));
    const { answer, arrived, records } = await attempt(
      'swap.example',
      request(fill(line), 'swap.example', fields.map(fill), body === null ? null : fill(body)),
    );
    expect(arrived).toBe('');
    expect(answer.status).toBe(403);
    expect(records).toMatchObject([{ verdict: 'block', stage: 'placeholder' }]);
  });

  test.each([
    ['a foreign host', 'other.example', 'GET /x', ['Authorization: Bearer {}']],
    ['a foreign host in the query', 'other.example', 'GET /x?t={}', []],
    ['another place of the bearer route', 'bearer.example', 'GET /api/x', ['X-Other: {}']],
    ['a rule without auth on the same host', 'bearer.example', 'GET /open/x', ['Authorization: Bearer {}']],
    ['another field of the header route', 'header.example', 'GET /', ['Authorization: Bearer {}']],
    ['another parameter of the query route', 'query.example', 'GET /?k={}', []],
  ] as const)('the placeholder goes to %s: refused', async (_, host, line, fields) => {
    const fill = (text: string): string => text.replace('{}', placeholder);
    const { arrived, records } = await attempt(host, request(fill(line), host, fields.map(fill)));
    expect(arrived).toBe('');
    expect(records).toMatchObject([{ verdict: 'block', stage: 'placeholder' }]);
  });
});

describe('the credential is added to nothing else', () => {
  test.each([
    ['another path of the host', 'bearer.example', 'GET /open/x', 200],
    ['a path without rule', 'bearer.example', 'GET /x', 403],
    ['a method without rule', 'bearer.example', 'DELETE /api/x', 403],
    ['another host', 'other.example', 'GET /api/x', 200],
  ])('%s', async (_, host, line, status) => {
    const { answer, arrived } = await attempt(host, request(line, host));
    expect(answer.status).toBe(status);
    expect(arrived).not.toContain(token);
  });

  test("a redirect is the agent's to follow: at its new place it is judged anew", async () => {
    rig.upstream.answerWith((socket) => {
      socket.write('HTTP/1.1 302 Found\r\nLocation: https://other.example/take\r\nContent-Length: 0\r\n\r\n');
    });
    const { answer } = await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
    expect(answer.head).toContain('Location: https://other.example/take');
    rig.upstream.answerWith(null);
    const { arrived } = await attempt('other.example', request('GET /take', 'other.example'));
    expect(arrived).not.toContain(token);
  });

  test('connections to the upstream are not shared between a route with a credential and one without', async () => {
    await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
    const { arrived } = await attempt('bearer.example', request('GET /open/x', 'bearer.example'));
    expect(arrived).not.toContain(token);
  });
});

describe('an upstream that echoes the credential: the agent never sees it', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['plain', token],
    ['base64', Buffer.from(token).toString('base64')],
    ['base64 behind one byte', Buffer.from(`x${token}`).toString('base64')],
    ['base64 behind two bytes', Buffer.from(`xy${token}`).toString('base64')],
    ['base64url', Buffer.from(token).toString('base64url')],
    ['percent', encodeURIComponent(token)],
    ['percent in lower case', encodeURIComponent(token).replace(/%../g, (hex) => hex.toLowerCase())],
    ['a form', new URLSearchParams({ t: token }).toString().slice(2)],
    ['JSON', JSON.stringify(token).slice(1, -1)],
    ['JSON with escaped slashes', JSON.stringify(token).slice(1, -1).replaceAll('/', '\\/')],
    [
      'JSON with unicode escapes',
      token.replace(/[<>&+"]/g, (c) => `\\u00${c.charCodeAt(0).toString(16).toUpperCase()}`),
    ],
    [
      'JSON of Go',
      JSON.stringify(token)
        .slice(1, -1)
        .replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
    ],
    ['entities', token.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c)],
    ['numeric entities', token.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)],
    ['hex', Buffer.from(token).toString('hex')],
    ['HEX', Buffer.from(token).toString('hex').toUpperCase()],
    ['percent twice', encodeURIComponent(encodeURIComponent(token))],
    ['backwards', [...token].reverse().join('')],
    [
      'entities of Go',
      token.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;' })[c] ?? c),
    ],
  ];
  /** The middle of the token, in the encoding of a form: no honest scrub leaves it. */
  const traces = [
    token.slice(4, 40),
    [...token.slice(4, 40)].reverse().join(''),
    ...[0, 1, 2].map((shift) =>
      Buffer.from(`${'x'.repeat(shift)}${token}`)
        .toString('base64')
        .slice(8, 48),
    ),
    Buffer.from(token.slice(4, 40)).toString('hex'),
  ];
  const clean = (text: string): void => {
    for (const trace of traces) expect(text.toLowerCase()).not.toContain(trace.toLowerCase());
  };
  const answering =
    (bytes: string | Buffer): Answerer =>
    (socket) =>
      void socket.write(bytes, 'latin1');
  const whole = (fields: string, body: string | Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`, 'latin1'),
      Buffer.from(body),
    ]);

  test.each(forms)('in a body: %s', async (_, form) => {
    rig.upstream.answerWith(answering(whole('Content-Type: text/plain\r\n', `before ${form} after`)));
    const { answer } = await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
    expect(answer.status).toBe(200);
    expect(answer.body.startsWith('before ')).toBe(true);
    expect(answer.body.endsWith(' after')).toBe(true);
    clean(answer.body);
  });

  test.each([
    ['Location', `Location: https://evil.example/?t=${encodeURIComponent(token)}\r\n`],
    ['Set-Cookie', `Set-Cookie: t=${Buffer.from(token).toString('base64')}; Path=/\r\n`],
    ['a field of its own', `X-Echo: Bearer ${token}\r\n`],
    ['the name of a field', `X-${token.slice(4, 40)}: y\r\n`],
    ['two fields', `X-A: ${token}\r\nX-B: ${token}\r\n`],
    ['WWW-Authenticate', `WWW-Authenticate: Bearer error="${token}"\r\n`],
  ])('in the head: %s', async (name, field) => {
    rig.upstream.answerWith(answering(whole(field, 'x')));
    const { answer } = await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
    expect(answer.status).toBe(200);
    // A piece of it in a name is not the credential; the whole is.
    if (name !== 'the name of a field') clean(answer.head);
  });

  test('in the reason phrase, in interim answers, in trailers', async () => {
    rig.upstream.answerWith(
      answering(
        `HTTP/1.1 103 Early ${token}\r\nLink: <${token}>\r\n\r\nHTTP/1.1 418 I am ${token}\r\n` +
          `Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: ${token}\r\n\r\n`,
      ),
    );
    const { answer } = await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
    expect(answer.status).toBe(418);
    clean(answer.interims + answer.head + answer.body);
    expect(answer.body).toContain('X-T: *');
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['raw deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip twice', (bytes: Buffer) => gzipSync(gzipSync(bytes))],
    [
      'gzip in two members',
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes.subarray(0, 20)), gzipSync(bytes.subarray(20))]),
    ],
  ] as const)('in a compressed body: %s', async (name, encode) => {
    const coding = name.includes('twice') ? 'gzip, gzip' : name.startsWith('gzip') ? 'gzip' : name.replace('raw ', '');
    const body = encode(Buffer.from(`{"echo":"${token}","more":"${'z'.repeat(500)}"}`));
    rig.upstream.answerWith(answering(whole(`Content-Encoding: ${coding}\r\n`, body)));
    const { answer } = await attempt(
      'bearer.example',
      request('GET /api/x', 'bearer.example', ['Accept-Encoding: gzip, br']),
    );
    clean(answer.head + answer.body);
    // What cannot be read is not passed on; what can, is.
    if (answer.status !== 502 && name !== 'raw deflate') expect(answer.body).toContain('zzzz');
    expect(['gzip', 'deflate', 'br', 'zstd'].includes(name) ? answer.status : 200).toBe(200);
  });

  test('the upstream is asked for a body that can be read', async () => {
    const { arrived } = await attempt(
      'bearer.example',
      request('GET /api/x', 'bearer.example', ['Accept-Encoding: gzip, br']),
    );
    expect(arrived).toContain('Accept-Encoding: identity\r\n');
  });

  test('one byte a packet, one byte a chunk, and without length', async () => {
    for (const head of ['Transfer-Encoding: chunked', 'Connection: close']) {
      const isChunked = head.startsWith('T');
      rig.upstream.answerWith((socket) => {
        socket.setNoDelay(true);
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
        void (async () => {
          for (const char of `<<${token}${token.slice(0, 20)}>>`) {
            socket.write(isChunked ? `1\r\n${char}\r\n` : char);
            await new Promise((resolve) => setImmediate(resolve));
          }
          if (isChunked) socket.write('0\r\n\r\n');
          else socket.end();
        })();
      });
      const { answer } = await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
      const text = /\r\ntransfer-encoding/i.test(answer.head) ? dechunked(answer.body) : answer.body;
      expect(text).toContain(`<<${'*'.repeat(token.length)}`);
      clean(text);
    }
  });

  test.each(['basic', 'header', 'query', 'a.many', 'swap'])('of %s', async (name) => {
    const host = `${name}.example`;
    rig.upstream.answerWith((socket, received) => {
      // A debugging endpoint: everything that came goes back.
      socket.write(whole('', received));
    });
    const fields = name === 'swap' ? [`X-T: ${placeholder}`] : [];
    const { answer, arrived } = await attempt(host, request('GET /debug', host, fields));
    const sent = name === 'basic' ? basicPair : name === 'query' ? encodeURIComponent(token) : token;
    expect(arrived).toContain(sent);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('GET /debug');
    expect(answer.body).not.toContain(sent);
    clean(answer.body);
  });

  test('in the error page of a malformed or broken answer', async () => {
    for (const bytes of [
      `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\nX: ${token}\r\n\r\n${token}`,
      `${token} garbage\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nX: ${token}\0\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n${token}`,
    ]) {
      rig.upstream.answerWith((socket) => socket.end(bytes, 'latin1'));
      const { answer } = await attempt('bearer.example', request('GET /api/x', 'bearer.example'));
      clean(answer.head + answer.body);
    }
  });

  test('in messages of a WebSocket, also split over frames', async () => {
    const frame = (opcode: number, text: string, isLast = true): Buffer =>
      Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode, text.length]), Buffer.from(text)]);
    rig.upstream.answerWith((socket, received) => {
      const key = /sec-websocket-key: (\S+)/i.exec(received)?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Echo: ${token}\r\n\r\n`,
      );
      socket.write(frame(1, `hi ${token}`));
      socket.write(frame(1, token.slice(0, 15), false));
      socket.write(frame(0, token.slice(15)));
      socket.write(frame(1, 'END'));
    });
    const client = await openHost(rig, 'bearer.example');
    client.send(
      request('GET /api/ws', 'bearer.example', [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ]),
    );
    await until(() => client.received().includes('END') || client.isEnded, 'the last message');
    const text = client.received();
    client.close();
    expect(text).toContain('101');
    expect(text).toContain('hi ***');
    clean(text);
  });
});

test('nothing of all this put the credential into the log or made the proxy complain', () => {
  const log = JSON.stringify(rig.records());
  expect(log).not.toContain(token.slice(4, 30));
  expect(log).not.toContain(placeholder.slice(8));
  expect(log).not.toContain(basicPair.slice(8, 40));
  expect(rig.stderr()).toBe('');
});
