// A token endpoint that the agent calls itself: it gets placeholders, which work where they are meant to. Judged by the bytes that arrive.
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HELD_COOKIES } from '../../src/contract.ts';
import { endSettings } from './harness/setting.ts';
import { API, AUTH, answerJson, bearer, OTHER, random, type Service, tokenSetting } from './harness/token-setting.ts';

afterEach(endSettings);

/** A service with refresh tokens that rotate: each is accepted once. */
function rotating() {
  const given: string[] = [];
  const valid = new Set<string>();
  const issue = (): { access: string; refresh: string } => {
    const pair = { access: random(), refresh: random() };
    given.push(pair.access, pair.refresh);
    valid.add(pair.refresh);
    return pair;
  };
  const serve: Service = (_, body, response) => {
    const form = new URLSearchParams(body);
    const isCode = form.get('grant_type') === 'authorization_code' && form.get('code') === 'code-of-the-person';
    const old = form.get('refresh_token') ?? '';
    if (!isCode && !valid.delete(old)) {
      answerJson(response, { error: 'invalid_grant' }, 400);
      return;
    }
    const { access, refresh } = issue();
    answerJson(
      response,
      `{ "token_type":"Bearer", "access_token" : "${access}",\n"expires_in":3600,"refresh_token":"${refresh}" }`,
    );
  };
  return { given, issue, serve };
}

const form = (fields: Record<string, string>) => ({
  method: 'POST',
  path: '/token',
  fields: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
});

describe('a code for tokens, and a refresh with rotation', () => {
  it('gives the agent placeholders alone, byte for byte in the answer that came', async () => {
    const service = rotating();
    const { ask, arrived, proxy, last } = await tokenSetting(service.serve);
    const answer = await ask(AUTH, form({ grant_type: 'authorization_code', code: 'code-of-the-person' }));
    expect(answer.status).toBe(200);
    for (const value of service.given) expect(answer.text).not.toContain(value);
    const { access_token: access, refresh_token: refresh } = JSON.parse(answer.body);
    expect(answer.body).toBe(
      `{ "token_type":"Bearer", "access_token" : "${access}",\n"expires_in":3600,"refresh_token":"${refresh}" }`,
    );
    expect(answer.head).toMatch(new RegExp(`^content-length: ${answer.body.length}$`, 'im'));
    expect(last()).toMatchObject({
      ...{ verdict: 'allow', rule: 'oauth', status: 200 },
      kept: ['oauth.access_token.1', 'oauth.refresh_token.2'],
    });

    const used = await ask(API, { fields: bearer(access) });
    expect(arrived.at(-1)).toMatchObject({ host: API, authorization: `Bearer ${service.given[0]}` });
    expect(used.body).toBe(`echo Bearer ${'*'.repeat(service.given[0]!.length)}  .`);
    expect(last()).toMatchObject({ verdict: 'allow', injected: ['oauth.access_token.1'] });

    const second = await ask(AUTH, form({ grant_type: 'refresh_token', refresh_token: refresh }));
    expect(arrived.at(-1)).toMatchObject({
      url: '/token',
      body: `grant_type=refresh_token&refresh_token=${service.given[1]}`,
    });
    const renewed = JSON.parse(second.body);
    expect(new Set([access, refresh, renewed.access_token, renewed.refresh_token]).size).toBe(4);
    await ask(API, { fields: bearer(renewed.access_token) });
    expect(arrived.at(-1)!.authorization).toBe(`Bearer ${service.given[2]}`);

    const log = JSON.stringify(proxy.records());
    for (const value of service.given) expect(log).not.toContain(value);
    expect(proxy.records()).toHaveLength(4);
    expect(proxy.stderr()).toBe('');
  });

  it('keeps a cookie that the same answer sets as well, also where its body repeats it', async () => {
    const [sid, token] = [random(), random()];
    const { ask, proxy } = await tokenSetting(
      (_, __, response) => {
        response.setHeader('Set-Cookie', `sid=${sid}; Path=/; Secure`);
        answerJson(response, { access_token: token, session: sid, trace: Buffer.from(sid).toString('base64') });
      },
      {
        auth: { cookies: 'hold' },
        secrets: [{ name: HELD_COOKIES, value: randomBytes(24).toString('hex'), placeholder: `held-${random()}` }],
      },
    );
    const answer = await ask(AUTH, form({ code: 'x' }));
    expect(answer.head).toMatch(/^set-cookie: sid=held-/im);
    expect(JSON.parse(answer.body).session).toBe('*'.repeat(sid.length));
    for (const value of [sid, token, Buffer.from(sid).toString('base64')]) expect(answer.text).not.toContain(value);
    expect(JSON.stringify(proxy.records())).not.toContain(sid);
  });

  it('outlives a renewal of the secrets: what was kept is swapped and scrubbed as before', async () => {
    const service = rotating();
    const [old, renewed] = [random(), random()];
    const { ask, arrived, proxy } = await tokenSetting(service.serve, {
      secrets: [{ name: 'KEY', value: old, placeholder: `bottle-key-${random()}` }],
      apiRoute: { auth: { type: 'header', name: 'x-key', secret: 'KEY', template: '{secret}' } },
      api: (request, _, response) => response.end(`${request.headers['x-key']} ${request.headers.authorization}`),
    });
    const { access_token: access } = JSON.parse(
      (await ask(AUTH, form({ grant_type: 'authorization_code', code: 'code-of-the-person' }))).body,
    );
    await ask(API, { fields: bearer(access) });
    proxy.tell({ do: 'renew', values: [{ name: 'KEY', value: renewed }] });
    await vi.waitFor(async () => {
      const { text } = await ask(API, { fields: bearer(access) });
      for (const value of [old, renewed, ...service.given]) expect(text).not.toContain(value);
      expect(arrived.at(-1)!.key).toBe(renewed);
    }, 10_000);
    expect(arrived.at(-1)!.authorization).toBe(`Bearer ${service.given[0]}`);
    const stolen = await ask(OTHER, { fields: bearer(access) });
    expect(stolen.head).toMatch(/^x-bottle-block: placeholder /im);
  });

  it('starts from a secret of the spec, whose placeholder the agent has', async () => {
    const service = rotating();
    const first = service.issue();
    const placeholder = `bottle-refresh-${random()}`;
    const { ask, arrived } = await tokenSetting(service.serve, {
      secrets: [{ name: 'REFRESH', value: first.refresh, placeholder }],
      auth: { placeholder: { secret: 'REFRESH', in: ['body'] } },
    });
    const answer = await ask(AUTH, form({ grant_type: 'refresh_token', refresh_token: placeholder }));
    expect(arrived[0]!.body).toContain(first.refresh);
    const { access_token: access } = JSON.parse(answer.body);
    for (const value of service.given) expect(answer.text).not.toContain(value);
    await ask(API, { fields: bearer(access) });
    expect(arrived[1]!.authorization).toBe(`Bearer ${service.given[2]}`);
  });

  it('many at once: each agent goes on with its own tokens, and none meets another one', async () => {
    const service = rotating();
    const firsts = Array.from({ length: 12 }, () => service.issue());
    const secrets = firsts.map(({ refresh }, index) => ({
      ...{ name: `R${index}`, value: refresh, placeholder: `bottle-refresh-${random()}` },
    }));
    const owner = new Map<string, string>();
    const { ask, arrived, proxy } = await tokenSetting(
      (_, body, response) => {
        const { refresh_token: old = '' } = Object.fromEntries(new URLSearchParams(body));
        const { access, refresh } = service.issue();
        owner.set(access, old);
        answerJson(response, { access_token: access, refresh_token: refresh });
      },
      { secrets, auth: { placeholder: secrets.map(({ name }) => ({ secret: name, in: ['body'] as const })) } },
    );
    await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        const { value, placeholder } = secrets[index % 12]!;
        const answer = await ask(AUTH, form({ refresh_token: placeholder, nonce: `${index}` }));
        const { access_token: access } = JSON.parse(answer.body);
        expect(answer.text).not.toContain(value);
        await ask(API, { path: `/${index}`, fields: bearer(access) });
        const { authorization } = arrived.find(({ url }) => url === `/${index}`)!;
        expect(owner.get(authorization.slice('Bearer '.length))).toBe(value);
      }),
    );
    // What the service sees is what agents did: nobody answers in its place.
    expect(arrived.filter(({ host }) => host === AUTH)).toHaveLength(24);
    expect(proxy.records()).toHaveLength(48);
  });

  it('the same token again is the same placeholder', async () => {
    const token = random();
    const { ask } = await tokenSetting((_, __, response) => answerJson(response, { token, access_token: token }));
    const [one, two] = [await ask(AUTH, {}), await ask(AUTH, {})].map(({ body }) => JSON.parse(body));
    expect(one.token).toBe(one.access_token);
    expect(two).toEqual(one);
    expect(one.token).not.toBe(token);
  });
});

describe('the answer', () => {
  const real = random();
  const json = JSON.stringify({ access_token: real, note: 'é', expires_in: 1 });
  const encoded =
    (coding: string, bytes: Buffer): Service =>
    (_, __, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
      // In two pieces, so that it comes in chunks.
      response.write(bytes.subarray(0, 9));
      response.end(bytes.subarray(9));
    };
  it.each<[string, Service]>([
    ['in chunks', encoded('identity', Buffer.from(json))],
    ['gzip', encoded('gzip', gzipSync(json))],
    ['br', encoded('br', brotliCompressSync(json))],
    ['deflate', encoded('deflate', deflateSync(json))],
    ['zstd', encoded('zstd', zstdCompressSync(json))],
    ['twice gzip', encoded('gzip, gzip', gzipSync(gzipSync(json)))],
    ['an error', (_, __, response) => answerJson(response, json, 500)],
  ])('%s', async (_, service) => {
    const { ask, arrived } = await tokenSetting(service);
    const answer = await ask(AUTH, {});
    const { access_token: access, ...rest } = JSON.parse(Buffer.from(answer.body, 'latin1').toString());
    expect(rest).toEqual({ note: 'é', expires_in: 1 });
    expect(answer.text).not.toContain(real);
    expect(answer.head).not.toMatch(/content-encoding: (?!identity)/i);
    await ask(API, { fields: bearer(access) });
    expect(arrived.at(-1)!.authorization).toBe(`Bearer ${real}`);
  });

  it('as a form, as a device flow gives it', async () => {
    const token = `gho_${randomBytes(27).toString('hex').slice(0, 36)}`;
    const { ask, arrived } = await tokenSetting((_, __, response) => {
      response.setHeader('content-type', 'application/x-www-form-urlencoded; charset=utf-8');
      response.end(`access_token=${token}&scope=repo%2Cgist&token_type=bearer`);
    });
    const { body } = await ask(AUTH, {});
    expect(body).toMatch(/^access_token=gho_[0-9A-Za-z]{36}&scope=repo%2Cgist&token_type=bearer$/);
    expect(body).not.toContain(token);
    const placeholder = new URLSearchParams(body).get('access_token')!;
    await ask(API, { fields: { Authorization: `token ${placeholder}` } });
    expect(arrived.at(-1)!.authorization).toBe(`token ${token}`);
  });

  it('without a token passes as it came', async () => {
    const text = '{ "error":"authorization_pending" , "interval": 5, "id_token":null, "access_token":"" }\n';
    const { ask, last } = await tokenSetting((_, __, response) => answerJson(response, text, 400));
    const answer = await ask(AUTH, {});
    expect([answer.status, answer.body]).toEqual([400, text]);
    expect(last()).not.toHaveProperty('kept');
  });

  it.each(['HEAD', 'GET'])('%s without a body', async (method) => {
    const { ask } = await tokenSetting((_, __, response) => {
      response.writeHead(method === 'HEAD' ? 200 : 304, { 'content-type': 'application/json', 'content-length': 77 });
      response.end();
    });
    const answer = await ask(AUTH, { method });
    expect([answer.status, answer.body]).toEqual([method === 'HEAD' ? 200 : 304, '']);
  });

  it('a JWT is one whose claims say how long it lives', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: `https://${AUTH}`, sub: 'the-person', iat: 1_800_000_000, exp: 1_800_003_600 };
    const token = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${random(64)}`;
    const { ask } = await tokenSetting((_, __, response) => answerJson(response, { id_token: token }));
    const { id_token: shown } = JSON.parse((await ask(AUTH, {})).body);
    const own = JSON.parse(Buffer.from(shown.split('.')[1], 'base64url').toString());
    expect(own).toMatchObject({ iss: claims.iss, iat: claims.iat, exp: claims.exp });
    expect(own.sub).not.toBe(claims.sub);
  });

  it('keeps a token that it says in other places as well', async () => {
    const token = random();
    const { ask, arrived, last } = await tokenSetting((_, __, response) => {
      response.writeHead(302, {
        'content-type': 'application/json',
        location: `https://app.example/cb#access_token=${token}&x=1`,
        'set-cookie': [`session=${token}; Path=/`, `b=${Buffer.from(token).toString('base64')}`],
        'x-token': token,
      });
      response.write('{"data":{"deep":[{"other":"');
      response.end(`${token}"}]},"url":"https://x.example/?t=${token}","access_token":"${token}"}`);
    });
    const answer = await ask(AUTH, {});
    expect(answer.text).not.toContain(token);
    expect(answer.text).not.toContain(Buffer.from(token).toString('base64').replace(/=+$/, ''));
    const body = JSON.parse(answer.body);
    expect(body.data.deep[0].other).toBe('*'.repeat(token.length));
    expect(last().findings).toContainEqual(expect.objectContaining({ detector: 'echoed-credential' }));
    await ask(API, { fields: bearer(body.access_token) });
    expect(arrived.at(-1)!.authorization).toBe(`Bearer ${token}`);
  });

  it('that names its tokens twice, or deep inside, holds none of them', async () => {
    const tokens = Array.from({ length: 5 }, () => random());
    const text = `{"access_token":"${tokens[0]}","access_token":"${tokens[1]}","a\\u0063cess_token":"${tokens[2]}","data":{"tokens":[{"token":"${tokens[3]}"},{"token":["${tokens[4]}"]}]}}`;
    const { ask, last } = await tokenSetting((_, __, response) => answerJson(response, text));
    const answer = await ask(AUTH, {});
    expect(answer.status).toBe(200);
    for (const token of tokens) expect(answer.text).not.toContain(token);
    expect(last().kept).toHaveLength(5);
  });

  it("that is the agent's own placeholder stays that", async () => {
    const placeholder = `bottle-k-${random()}`;
    const { ask, arrived } = await tokenSetting((_, __, response) => answerJson(response, { token: placeholder }), {
      secrets: [{ name: 'K', value: random(), placeholder }],
    });
    expect(JSON.parse((await ask(AUTH, {})).body)).toEqual({ token: placeholder });
    // It is none of the token service: the API gets nothing for it.
    expect(await ask(API, { fields: bearer(placeholder) })).toMatchObject({ status: 403 });
    expect(arrived.filter(({ host }) => host === API)).toEqual([]);
  });
});

describe('an answer that cannot be read or guarded is refused, and nothing of it leaves:', () => {
  const token = random();
  const object = JSON.stringify({ access_token: token });
  const typed =
    (type: string, text: string | Buffer, status = 200, fields = {}): Service =>
    (_, __, response) => {
      response.writeHead(status, { 'content-type': type, ...fields });
      response.end(text);
    };
  const JSON_TYPE = 'application/json';
  it.each<[string, Service, string]>([
    ['a page', typed('text/html', `<p>${token}</p>`), 'token-answer'],
    ['a truncated object', typed(JSON_TYPE, object.slice(0, -1)), 'token-answer'],
    ['two objects', typed(JSON_TYPE, `${object}${object}`), 'token-answer'],
    ['text alone', typed(JSON_TYPE, JSON.stringify(token)), 'token-answer'],
    ['an XSSI prefix', typed(JSON_TYPE, `)]}'\n${object}`), 'token-answer'],
    ['a form that is JSON', typed('application/x-www-form-urlencoded', object), 'token-answer'],
    ['UTF-16', typed('application/json; charset=utf-16le', Buffer.from(object, 'utf16le')), 'token-answer'],
    ['UTF-7', typed('application/json; charset=utf-7', object), 'token-answer'],
    ['a byte order mark', typed(JSON_TYPE, `\ufeff${object}`), 'token-answer'],
    [
      'bytes that are no UTF-8',
      typed(JSON_TYPE, Buffer.from(`${object.slice(0, -1)},"é":1}`, 'latin1')),
      'token-answer',
    ],
    ['an unknown coding', typed(JSON_TYPE, object, 200, { 'content-encoding': 'x-odd' }), 'token-answer'],
    [
      'broken gzip',
      typed(JSON_TYPE, gzipSync(object).subarray(0, -9), 200, { 'content-encoding': 'gzip' }),
      'token-answer',
    ],
    ['a part', typed(JSON_TYPE, object, 206, { 'content-range': `bytes 0-${object.length - 1}/99` }), 'token-answer'],
    ['deep nesting', typed(JSON_TYPE, `${'['.repeat(100_000)}${object}${']'.repeat(100_000)}`), 'token-answer'],
    ['one too large to hold', typed(JSON_TYPE, `${object}${' '.repeat(100_000)}`), 'token-answer'],
    [
      'a bomb',
      typed(JSON_TYPE, gzipSync(`${object}${' '.repeat(1e7)}`), 200, { 'content-encoding': 'gzip' }),
      'token-answer',
    ],
    ['a short token', typed(JSON_TYPE, `{"token":"1234567"}`), 'token-unguarded'],
    ['a token of huge size', typed(JSON_TYPE, `{"token":"${'x'.repeat(17_000)}"}`), 'token-unguarded'],
    [
      '10,000 tokens',
      typed(JSON_TYPE, `[${Array.from({ length: 2_000 }, () => `{"token":"${random(9)}"}`)}]`),
      'token-unguarded',
    ],
    ['a number', typed(JSON_TYPE, '{"token":1234567890123456}'), 'token-unguarded'],
    ['an object', typed(JSON_TYPE, `{"token":{"value":"${token}"}}`), 'token-unguarded'],
    ['a token with a line break', typed(JSON_TYPE, `{"token":"${token}\\r\\nX-A: b"}`), 'token-unguarded'],
    ['a token with a letter of no header', typed(JSON_TYPE, `{"token":"${token}é"}`), 'token-unguarded'],
  ])('%s', async (_, service, rule) => {
    const { ask, proxy } = await tokenSetting(service, { limits: { holdBytes: 90_000 } });
    const answer = await ask(AUTH, {});
    expect(answer.status).toBe(502);
    expect(answer.text).not.toContain(token);
    expect(proxy.records()).toMatchObject([{ stage: 'upstream', rule, status: 502 }]);
    expect(proxy.records()[0]).not.toHaveProperty('kept');
    expect(proxy.stderr()).toBe('');
  });
});

describe('a placeholder of a token', () => {
  const token = random();
  const setting = async () => {
    const made = await tokenSetting((_, __, response) => answerJson(response, { access_token: token }));
    const { access_token: placeholder } = JSON.parse((await made.ask(AUTH, {})).body) as { access_token: string };
    return { ...made, placeholder };
  };

  it('is stopped at another host in every encoding, and so is the token', async () => {
    const { ask, arrived, placeholder, last } = await setting();
    const encodings: Record<string, (text: string) => string> = {
      plain: (text) => text,
      base64: (text) => Buffer.from(text).toString('base64'),
      base64url: (text) => Buffer.from(`x${text}`).toString('base64url'),
      hex: (text) => Buffer.from(text).toString('hex'),
      reversed: (text) => [...text].reverse().join(''),
      percent: (text) => text.replace(/./g, (char) => `%${char.charCodeAt(0).toString(16)}`),
      'JSON escapes': (text) => `{"a":"${text.replace(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)}"}`,
      gzip: (text) => gzipSync(text).toString('base64'),
      spaced: (text) => [...text].join(' '),
      'base64 twice': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
      'in upper case': (text) => text.toUpperCase(),
    };
    for (const [name, encode] of Object.entries(encodings)) {
      for (const value of [placeholder, token]) {
        const answer = await ask(OTHER, {
          method: 'POST',
          body: encode(value),
          fields: { 'Content-Type': 'text/plain' },
        });
        expect([name, answer.status]).toEqual([name, 403]);
        expect(last()).toMatchObject({ verdict: 'block', stage: value === token ? 'dlp' : 'placeholder' });
      }
    }
    expect((await ask(OTHER, { fields: bearer(placeholder) })).status).toBe(403);
    expect((await ask(OTHER, { path: `/?t=${placeholder}` })).status).toBe(403);
    expect(arrived.filter(({ host }) => host === OTHER)).toEqual([]);
  });

  it('is swapped inside Basic, and in no other place of the API', async () => {
    const { ask, arrived, placeholder } = await setting();
    const pair = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
    await ask(API, { fields: { Authorization: pair(placeholder) } });
    expect(arrived.at(-1)!.authorization).toBe(pair(token));
    const before = arrived.length;
    expect((await ask(API, { path: `/?t=${placeholder}` })).status).toBe(403);
    expect((await ask(API, { method: 'POST', body: placeholder })).status).toBe(403);
    expect(arrived).toHaveLength(before);
  });

  it('sent in pieces is noticed, however often new tokens are asked for in between', async () => {
    const { ask, placeholder, arrived } = await setting();
    const statuses: number[] = [];
    for (let at = 0; at < placeholder.length; at += 8) {
      statuses.push((await ask(OTHER, { path: `/?p=${placeholder.slice(at, at + 8)}` })).status);
      await ask(AUTH, {});
      await ask(AUTH, { path: `/${random()}` });
    }
    expect(statuses).toContain(403);
    expect(arrived.filter(({ host }) => host === OTHER).length).toBeLessThan(statuses.length);
  });

  it('an API that says a token which nobody sent it in this request does not leak it', async () => {
    const { ask, arrived } = await tokenSetting((_, __, response) => answerJson(response, { access_token: token }), {
      api: (_, __, response) => {
        response.setHeader('x-last', token);
        response.end(gzipSync(`it was ${Buffer.from(token).toString('hex')} ${token}`).toString('latin1'), 'latin1');
      },
      apiRoute: { tokensFrom: ['oauth'] },
    });
    await ask(AUTH, {});
    const answer = await ask(API, {});
    expect(arrived.at(-1)!.host).toBe(API);
    expect(answer.text).not.toContain(token);
  });
});
