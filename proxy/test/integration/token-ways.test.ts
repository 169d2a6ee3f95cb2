// Token answers on other ways than one thread and HTTP/1.1: two threads, HTTP/2, interim answers and upgrades, and a book that is full.
import type { ServerHttp2Stream } from 'node:http2';
import { afterEach, describe, expect, it, test } from 'vitest';
import { REMEMBERED } from '../../src/tokens/token-book.ts';
import { connectHost } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { answerOf, connectH2, type Fields, h2Upstream, open, requestList } from './harness/h2.ts';
import { startProxy } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { API, AUTH, answerJson, bearer, FIELDS, OTHER, random, tokenSetting } from './harness/token-setting.ts';
import { openTls, twoThreads } from './harness/two-threads.ts';
import { later } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

test('a placeholder that one thread gave works at once in the other, where the token is known as well', async () => {
  const tokens = [random(), random()];
  const arrived: string[] = [];
  const { proxy, paths } = await twoThreads({
    route: { tokens: { fields: ['token'] } },
    answer: (path, { authorization = '' }) => {
      if (path.startsWith('/echo')) arrived.push(authorization);
      const at = path.indexOf('/login/') === 0 ? Number(path.at(-1)) : -1;
      return JSON.stringify(at < 0 ? { hi: authorization } : { token: tokens[at] });
    },
  });
  const ask = async (thread: number, target: string, fields = '', body = ''): Promise<string> => {
    const client = await openTls(paths[thread]!, proxy.ca);
    client.send(
      `${body === '' ? 'GET' : 'POST'} ${target} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    return client.ended();
  };
  for (const giver of [0, 1]) {
    const taker = 1 - giver;
    const token = tokens[giver]!;
    const answer = await ask(giver, `/login/${giver}`);
    expect(answer).not.toContain(token);
    const placeholder = /"token":"([^"]+)"/.exec(answer)![1]!;
    // A new connection to the other thread, with nothing in between.
    const used = await ask(taker, '/echo', `Authorization: Bearer ${placeholder}\r\n`);
    expect(arrived.at(-1)).toBe(`Bearer ${token}`);
    expect(used).toMatch(/^HTTP\/1\.1 200/);
    expect(used).not.toContain(token);
    // Said to nobody, and stopped all the same.
    expect(await ask(taker, '/', '', `x=${Buffer.from(token).toString('base64')}`)).toMatch(/^HTTP\/1\.1 403/);
    expect(await ask(taker, `/?${token}`)).toMatch(/^HTTP\/1\.1 403/);
    expect(await ask(taker, `/login/${giver}`)).toContain(`"token":"${placeholder}"`);
  }
  expect(proxy.stderr()).toBe('');
});

describe('over HTTP/2 on both sides', () => {
  it('answers bring placeholders, whole and in frames, and streams of one connection use them', async () => {
    const authority = testAuthority();
    const [auth, api] = ['h2-auth.example', 'h2-api.example'];
    const given: string[] = [];
    const arrived: string[] = [];
    const upstream = await h2Upstream(authority, (stream: ServerHttp2Stream, raw: Fields) => {
      const field = (name: string) => raw[raw.indexOf(name) + 1]!;
      if (field(':authority') === api) {
        arrived.push(field('authorization'));
        stream.respond([':status', '200', 'x-echo', field('authorization')]);
        stream.end(`echo ${field('authorization')}`);
        return;
      }
      const token = random();
      given.push(token);
      stream.respond([':status', '200', 'content-type', 'application/json']);
      stream.write(`{"note":"${token}","access_`);
      stream.end(`token":"${token}"}`);
    });
    const routes = [
      routeTo(auth, { id: 'oauth', tokens: { fields: FIELDS } }),
      routeTo(api, { id: 'api', tokensFrom: ['oauth'] }),
    ];
    const map = { [`${auth}:443`]: upstream.address, [`${api}:443`]: upstream.address };
    const proxy = await startProxy((directory) =>
      testConfig(directory, { routes, roots: authority.certificatePem, map }),
    );
    later(() => proxy.stop());
    const session = await connectH2(proxy, auth);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => answerOf(open(session, requestList(auth, 'GET', `/${at}`)))),
    );
    const placeholders = answers.map(({ body }) => JSON.parse(body.toString()).access_token as string);
    expect(new Set(placeholders).size).toBe(8);
    const told = answers.map(({ fields, body }) => `${fields} ${body}`).join('\n');
    for (const token of given) expect(told).not.toContain(token);

    const other = await connectH2(proxy, api);
    const uses = await Promise.all(
      placeholders.map((one) =>
        answerOf(open(other, requestList(api, 'GET', '/', ['authorization', `Bearer ${one}`]))),
      ),
    );
    expect(uses.map(({ status }) => status)).toEqual(placeholders.map(() => 200));
    expect(new Set(arrived)).toEqual(new Set(given.map((token) => `Bearer ${token}`)));
    const said = uses.map(({ fields, body }) => `${fields} ${body}`).join('\n');
    for (const token of given) expect(said).not.toContain(token);
    const inPath = await answerOf(open(other, requestList(api, 'GET', `/${placeholders[0]}`)));
    expect(inPath.status).toBe(403);
    expect(arrived).toHaveLength(8);
  });
});

describe('what comes instead of an answer, or before it', () => {
  const token = random();
  const json = JSON.stringify({ token });
  const final = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\nConnection: close\r\n\r\n${json}`;
  it.each([
    ['100', `HTTP/1.1 100 Continue\r\nX-Token: ${token}\r\n\r\n${final}`, 200],
    ['103 with the token', `HTTP/1.1 103 Early Hints\r\nLink: </?t=${token}>\r\n\r\n${final}`, 200],
    ['several', `${`HTTP/1.1 102 Processing\r\nX: ${token}\r\n\r\n`.repeat(3)}${final}`, 200],
    ['an upgrade that the agent asked for', UPGRADED(token), 502],
  ])('%s', async (_, answer, status) => {
    const { proxy } = await rawSetting(
      ({ socket }) => {
        socket.once('data', () => socket.end(answer));
      },
      { route: { tokens: { fields: ['token'] } } },
    );
    const client = await connectHost(proxy, HOST);
    client.send(
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    await client.waitFor(`HTTP/1.1 ${status}`);
    await proxy.recorded(1);
    expect(client.received()).not.toContain(token);
    expect(client.received()).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
    expect(proxy.records()).toMatchObject([{ status }]);
    client.close();
  });
});

function UPGRADED(token: string): string {
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x7e\x00\x20${token}`;
}

describe('of more tokens than are remembered', () => {
  it('the oldest is refused at its own entry as well, and says why', async () => {
    const each = 50;
    const given: string[] = [];
    const { ask, arrived, last } = await tokenSetting((_, __, response) => {
      const tokens = Array.from({ length: each }, () => random());
      given.push(...tokens);
      answerJson(response, { data: tokens.map((token) => ({ token })) });
    });
    const placeholders: string[] = [];
    while (placeholders.length <= REMEMBERED) {
      const { body } = await ask(AUTH, {});
      placeholders.push(...JSON.parse(body).data.map(({ token }: { token: string }) => token));
    }
    const before = arrived.length;
    const oldest = await ask(API, { fields: bearer(placeholders[0]!) });
    expect(oldest.status).toBe(403);
    expect(oldest.text).toContain('forgotten');
    expect(last()).toMatchObject({ verdict: 'block', stage: 'placeholder' });
    expect((await ask(AUTH, { method: 'POST', body: placeholders[0]! })).status).toBe(403);
    expect((await ask(OTHER, { fields: bearer(placeholders[0]!) })).status).toBe(403);
    expect(arrived).toHaveLength(before);

    const first = placeholders.length - REMEMBERED;
    for (const at of [first, placeholders.length - 1]) {
      await ask(API, { fields: bearer(placeholders[at]!) });
      expect(arrived.at(-1)!.authorization).toBe(`Bearer ${given[at]}`);
    }
    expect((await ask(API, { fields: bearer(placeholders[first - 1]!) })).status).toBe(403);
  });
});

describe('fields that a glob names', () => {
  it('numbers and objects are no tokens there, texts inside are where they are named', async () => {
    const [one, two] = [random(), random()];
    const text = JSON.stringify({
      ...{
        token_count: 12_345_678_901,
        token_type_id: 7,
        token_info: { note: 'plain' },
        token_list: [],
        token_ok: true,
      },
      ...{ token_a: one, wrapped: { token_b: two } },
    });
    const { ask } = await tokenSetting((_, __, response) => answerJson(response, text), {
      auth: { tokens: { fields: ['token_*'] } },
    });
    const answer = await ask(AUTH, {});
    expect(answer.status).toBe(200);
    const shown = JSON.parse(answer.body);
    expect({ ...shown, token_a: one, wrapped: { token_b: two } }).toEqual(JSON.parse(text));
    expect(answer.text).not.toContain(one);
    expect(answer.text).not.toContain(two);
  });

  it.each([
    ['a number', { token: 12_345_678_901 }],
    ['an object', { token: { note: 'plain words' } }],
  ])('%s under a name without a glob is refused, though a glob covers it, too', async (_, value) => {
    const { ask, last } = await tokenSetting((__, ___, response) => answerJson(response, value), {
      auth: { tokens: { fields: ['tok*', 'token'] } },
    });
    expect((await ask(AUTH, {})).status).toBe(502);
    expect(last()).toMatchObject({ rule: 'token-unguarded' });
  });
});
