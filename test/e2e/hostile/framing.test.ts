// Smuggling and broken framing through CONNECT and TLS: what two readers could understand differently never reaches the upstream.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHost, openPlain, request } from './raw-client.ts';
import { type Rig, startRig, until } from './rig.ts';

const secret = `sec-${randomBytes(20).toString('hex')}`;
const githubToken = `ghp_${randomBytes(18).toString('hex')}`;
const SPEC = `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - host: open.example
    - host: narrow.example
      rules: ["GET /ok/**", "POST /ok/**"]
`;

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    spec: SPEC,
    env: { HOSTILE_TOKEN: secret },
    hosts: ['open.example:443', 'narrow.example:443'],
    plainHosts: ['open.example:80'],
  });
});
afterAll(() => rig.stop());

const HOST = 'Host: open.example\r\n';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: open.example\r\n\r\n';

/** Sends bytes and waits until the proxy has ended the connection or answered and been quiet. */
async function attempt(bytes: string | Buffer, host = 'open.example') {
  rig.arrived();
  const before = rig.records().length;
  const client = await openHost(rig, host);
  client.send(bytes);
  const answer = await client.answer();
  client.socket.end();
  await until(() => client.isEnded, 'the end of the connection');
  return { answer, rest: client.received(), arrived: rig.arrived(), records: rig.records().slice(before) };
}

describe('a request that two readers could frame differently is refused, the connection ends, nothing arrives', () => {
  const post = (fields: string, body: string): string => `POST /x HTTP/1.1\r\n${HOST}${fields}\r\n\r\n${body}`;
  const chunked = `0\r\n\r\n${SMUGGLED}`;

  test.each([
    ['CL and TE', post('Content-Length: 6\r\nTransfer-Encoding: chunked', chunked)],
    ['TE and CL', post('Transfer-Encoding: chunked\r\nContent-Length: 6', chunked)],
    ['CL and TE with odd case', post('content-length: 6\r\ntransfer-Encoding: chunked', chunked)],
    ['two TE', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', chunked)],
    ['two TE, one identity', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', chunked)],
    ['TE with another coding before', post('Transfer-Encoding: gzip, chunked', chunked)],
    ['TE with another coding after', post('Transfer-Encoding: chunked, identity', chunked)],
    ['TE in capitals', post('Transfer-Encoding: CHUNKED', chunked)],
    ['TE quoted', post('Transfer-Encoding: "chunked"', chunked)],
    ['TE with a parameter', post('Transfer-Encoding: chunked;x=y', chunked)],
    ['TE with a comma', post('Transfer-Encoding: ,chunked', chunked)],
    ['TE xchunked', post('Transfer-Encoding: xchunked', chunked)],
    ['TE x', post('Transfer-Encoding: x', chunked)],
    ['TE empty', post('Transfer-Encoding:', chunked)],
    ['TE with a vertical tab', post('Transfer-Encoding: \x0bchunked', chunked)],
    ['TE with a NUL', post('Transfer-Encoding: chunked\0', chunked)],
    ['TE with a byte of NEL', post('Transfer-Encoding: chunked\x85', chunked)],
    ['TE with a non-breaking space', post('Transfer-Encoding:\xa0chunked', chunked)],
    ['a space before the colon of TE', post('Transfer-Encoding : chunked', chunked)],
    ['a tab before the colon of TE', post('Transfer-Encoding\t: chunked', chunked)],
    ['TE folded', post('Transfer-Encoding:\r\n chunked', chunked)],
    ['a field folded around TE', post('X: y\r\n Transfer-Encoding: chunked', chunked)],
    ['TE after a bare LF', post('X: y\nTransfer-Encoding: chunked', chunked)],
    ['TE after a bare CR', post('X: y\rTransfer-Encoding: chunked', chunked)],
    ['TE with an underscore', post('Transfer_Encoding: chunked\r\nContent-Length: 6', chunked)],
    ['TE in HTTP/1.0', `POST /x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunked}`],
    ['two CL', post('Content-Length: 0\r\nContent-Length: 47', SMUGGLED)],
    ['two equal CL', post('Content-Length: 1\r\nContent-Length: 1', 'x')],
    ['a list in CL', post('Content-Length: 0, 47', SMUGGLED)],
    ['a plus in CL', post('Content-Length: +1', 'x')],
    ['a minus in CL', post('Content-Length: -1', 'x')],
    ['hex CL', post('Content-Length: 0x1', 'x')],
    ['CL with a space inside', post('Content-Length: 1 0', 'x')],
    ['CL with an exponent', post('Content-Length: 1e1', 'x')],
    ['CL with a fraction', post('Content-Length: 1.0', 'x')],
    ['CL without number', post('Content-Length:', 'x')],
    ['CL that overflows 64 bits', post('Content-Length: 18446744073709551617', 'x')],
    ['CL in full-width digits', post('Content-Length: \xef\xbc\x91', 'x')],
    ['CL with an underscore', post('Content_Length: 6', SMUGGLED)],
    ['a space before the colon of CL', post('Content-Length : 6', SMUGGLED)],
    ['a bare LF in the head', `GET /x HTTP/1.1\n${HOST}\r\n`],
    ['bare LFs alone', 'GET /x HTTP/1.1\nHost: open.example\n\n'],
    ['a bare LF at the end of the head', `GET /x HTTP/1.1\r\n${HOST}\n${SMUGGLED}`],
    ['a bare CR in a value', `GET /x HTTP/1.1\r\n${HOST}X: a\rb\r\n\r\n`],
    ['CR CR LF', `GET /x HTTP/1.1\r\r\n${HOST}\r\n`],
    ['a NUL in a value', `GET /x HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
    ['a NUL in a name', `GET /x HTTP/1.1\r\n${HOST}X\0: b\r\n\r\n`],
    ['a NUL in the target', `GET /x\0y HTTP/1.1\r\n${HOST}\r\n`],
    ['a control character in a value', `GET /x HTTP/1.1\r\n${HOST}X: a\x01b\r\n\r\n`],
    ['a field without colon', `GET /x HTTP/1.1\r\n${HOST}X\r\n\r\n`],
    ['a field without name', `GET /x HTTP/1.1\r\n${HOST}: y\r\n\r\n`],
    ['a field name with a space', `GET /x HTTP/1.1\r\n${HOST}X Y: z\r\n\r\n`],
    ['a field name with a bracket', `GET /x HTTP/1.1\r\n${HOST}X(: z\r\n\r\n`],
    ['a first field that begins with a space', `GET /x HTTP/1.1\r\n X: y\r\n${HOST}\r\n`],
    ['two spaces in the request line', `GET  /x HTTP/1.1\r\n${HOST}\r\n`],
    ['a tab in the request line', `GET\t/x HTTP/1.1\r\n${HOST}\r\n`],
    ['a space behind the version', `GET /x HTTP/1.1 \r\n${HOST}\r\n`],
    ['a space inside the target', `GET /x y HTTP/1.1\r\n${HOST}\r\n`],
    ['a space before the method', ` GET /x HTTP/1.1\r\n${HOST}\r\n`],
    ['no version', `GET /x\r\n${HOST}\r\n`],
    ['HTTP/0.9', 'GET /x\r\n\r\n'],
    ['HTTP/1.2', `GET /x HTTP/1.2\r\n${HOST}\r\n`],
    ['HTTP/2.0 in text', `GET /x HTTP/2.0\r\n${HOST}\r\n`],
    ['http/1.1', `GET /x http/1.1\r\n${HOST}\r\n`],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a fragment', `GET /x#y HTTP/1.1\r\n${HOST}\r\n`],
    ['bytes outside ASCII in the target', `GET /\xe4 HTTP/1.1\r\n${HOST}\r\n`],
    ['an empty line more than one', `\r\n\r\n\r\nGET /x HTTP/1.1\r\n${HOST}\r\n`],
    ['a head of 80 KB', `GET /x HTTP/1.1\r\n${HOST}X: ${'a'.repeat(80_000)}\r\n\r\n`],
    ['a target of 80 KB', `GET /${'a'.repeat(80_000)} HTTP/1.1\r\n${HOST}\r\n`],
    ['an unknown expectation', `POST /x HTTP/1.1\r\n${HOST}Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx`],
  ])('%s', async (_, bytes) => {
    const { answer, arrived, records } = await attempt(bytes);
    expect(arrived).toBe('');
    expect(answer.status).toBe(400);
    expect(answer.head).toMatch(/\r\nconnection: close/i);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ verdict: 'block', stage: 'protocol' });
  });

  test.each([
    ['an empty chunk size', '\r\nabc\r\n0\r\n\r\n'],
    ['a negative chunk size', '-1\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size with a plus', '+3\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size with 0x', '0x3\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size with a space before it', ' 3\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size that is too long', '00000000000000000003\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size that overflows', 'fffffffffffffffff3\r\nabc\r\n0\r\n\r\n'],
    ['a chunk size ended by a bare LF', '3\nabc\r\n0\r\n\r\n'],
    ['a chunk size ended by a bare CR', '3\rabc\r\n0\r\n\r\n'],
    ['chunk data ended by a bare LF', '3\r\nabc\n0\r\n\r\n'],
    ['chunk data longer than its size', '3\r\nabcd\r\n0\r\n\r\n'],
    ['chunk data ended by other bytes', '3\r\nabcXX0\r\n\r\n'],
    ['a last chunk ended by bare LFs', '3\r\nabc\r\n0\n\n'],
    ['a bare LF in a chunk extension', `3;x=y\nz\r\nabc\r\n0\r\n\r\n`],
    ['a NUL in a chunk extension', '3;x=\0\r\nabc\r\n0\r\n\r\n'],
    ['a letter in the size', '3g\r\nabc\r\n0\r\n\r\n'],
    ['a trailer that frames', `3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n`],
    ['a trailer that routes', `3\r\nabc\r\n0\r\nHost: evil.example\r\n\r\n`],
    ['a trailer that authenticates', `3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\n\r\n`],
    ['a trailer with a bare LF', '3\r\nabc\r\n0\r\nX: y\nZ: w\r\n\r\n'],
    ['a trailer that is folded', '3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n'],
    ['a trailer without colon', '3\r\nabc\r\n0\r\nXyz\r\n\r\n'],
    ['a huge trailer', `3\r\nabc\r\n0\r\nX: ${'a'.repeat(80_000)}\r\n\r\n`],
    ['a huge chunk extension', `3;${'a'.repeat(80_000)}\r\nabc\r\n0\r\n\r\n`],
  ])('chunked with %s', async (_, body) => {
    const { answer, arrived, records } = await attempt(
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`,
    );
    expect(arrived).toBe('');
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ verdict: 'block' });
  });

  test.each([
    ['a secret in a trailer', `3\r\nabc\r\n0\r\nX-T: ${secret}\r\n\r\n`],
    ['a secret in the name of a trailer', `3\r\nabc\r\n0\r\n${secret}: y\r\n\r\n`],
    ['a token in a trailer', `3\r\nabc\r\n0\r\nX-T: ${githubToken}\r\n\r\n`],
    ['a secret split over trailers', `3\r\nabc\r\n0\r\nA: ${secret.slice(0, 20)}\r\nB: ${secret.slice(20)}\r\n\r\n`],
    ['a secret split over chunks', `14\r\n${secret.slice(0, 20)}\r\n18\r\n${secret.slice(20)}\r\n0\r\n\r\n`],
    ['a secret, one byte a chunk', `${[...secret].map((c) => `1\r\n${c}\r\n`).join('')}0\r\n\r\n`],
    ['a secret split over body and trailer', `14\r\n${secret.slice(0, 20)}\r\n0\r\nX-T: ${secret.slice(20)}\r\n\r\n`],
  ])('chunked with %s', async (_, body) => {
    const { arrived, records } = await attempt(`POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${body}`);
    expect(arrived).toBe('');
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ verdict: 'block', stage: 'dlp' });
    expect(JSON.stringify(records)).not.toContain(secret.slice(4, 20));
  });

  test('a secret in a chunk extension is left behind', async () => {
    const { answer, arrived } = await attempt(
      `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3;x=${secret}\r\nabc\r\n0;${secret}\r\n\r\n`,
    );
    expect(arrived).not.toContain(secret.slice(4));
    expect([200, 400, 403]).toContain(answer.status);
  });
});

describe('what is sound passes byte-exact', () => {
  test.each([
    ['a body of known length', `POST /x HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`],
    ['an empty body', `POST /x HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`],
    ['a chunked body', `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
    [
      'duplicate fields, odd case, empty values',
      `GET /x HTTP/1.1\r\n${HOST}x-a: 1\r\nX-A: 2\r\nEmpty: \r\nX-UPPER: ÿ\r\n\r\n`,
    ],
    ['odd but legal names', `GET /x HTTP/1.1\r\n${HOST}a!#$%&'*+-.^_\`|~1: v\r\n\r\n`],
    ['odd but legal targets', `GET /a|b"c<d>e\`f{g}h^i[j]?k=[l]&m="n"&&=o HTTP/1.1\r\n${HOST}\r\n`],
    ['a GET with a body', `GET /x HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n{}`],
    ['a method of its own', `PURGE /x HTTP/1.1\r\n${HOST}\r\n`],
  ])('%s', async (_, text) => {
    const { answer, arrived, records } = await attempt(text);
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    expect(arrived).toBe(text.replace('Empty: \r\n', 'Empty: \r\n'));
    expect(records).toMatchObject([{ verdict: 'allow', status: 200 }]);
  });

  test.each([
    ['Connection', 'Connection: close, X-Mine\r\nX-Mine: 1\r\n'],
    ['Keep-Alive', 'Keep-Alive: timeout=5\r\n'],
    ['Proxy-Connection', 'Proxy-Connection: keep-alive\r\n'],
    ['Proxy-Authorization', `Proxy-Authorization: Bearer ${secret}\r\n`],
    ['TE', 'TE: gzip\r\n'],
    [
      'an upgrade that is no WebSocket',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    ],
  ])('without the hop-by-hop field %s', async (_, fields) => {
    const { answer, arrived } = await attempt(`GET /x HTTP/1.1\r\n${HOST}${fields}\r\n`);
    if (answer.status === 200) expect(arrived).toBe(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    else expect(arrived).toBe('');
  });

  test('HTTP/1.0 gets its answer and the end of the connection', async () => {
    const { answer, arrived } = await attempt(`GET /x HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`);
    expect(answer.status).toBe(200);
    expect(arrived).toBe(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
  });

  test('Expect: 100-continue is answered by the proxy and only for what policy lets through', async () => {
    rig.arrived();
    const client = await openHost(rig, 'narrow.example');
    client.send('POST /ok/x HTTP/1.1\r\nHost: narrow.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    await until(() => client.received().includes('100 Continue'), 'the interim answer');
    expect(rig.arrived()).toBe('');
    client.send('hello');
    expect((await client.answer()).head).toContain('200 OK');
    expect(rig.arrived()).toBe('POST /ok/x HTTP/1.1\r\nHost: narrow.example\r\nContent-Length: 5\r\n\r\nhello');
    client.send('POST /no HTTP/1.1\r\nHost: narrow.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    const refusal = await client.answer();
    expect(refusal.interims).toBe('');
    expect(refusal.status).toBe(403);
    expect(rig.arrived()).toBe('');
    client.close();
  });
});

describe('what follows a refusal', () => {
  test.each([
    ['a refused path', 'GET /no HTTP/1.1\r\nHost: narrow.example\r\n\r\n'],
    ['a refused secret', request('POST /ok/1', 'narrow.example', [], secret).toString('latin1')],
  ])('pipelined requests behind %s are judged by themselves, in order', async (_, first) => {
    rig.arrived();
    const before = rig.records().length;
    const client = await openHost(rig, 'narrow.example');
    client.send(
      `${first}GET /ok/2 HTTP/1.1\r\nHost: narrow.example\r\n\r\nGET /no HTTP/1.1\r\nHost: narrow.example\r\n\r\n` +
        'GET /ok/3 HTTP/1.1\r\nHost: narrow.example\r\n\r\n',
    );
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.answer()).status);
    client.close();
    expect(statuses).toEqual([403, 200, 403, 200]);
    expect(rig.arrived().match(/^GET \S+/gm)).toEqual(['GET /ok/2', 'GET /ok/3']);
    expect(rig.records().length - before).toBe(4);
  });

  test.each([
    ['of known length', (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`],
    [
      'chunked',
      (body: string) => `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
  ])('an unread body (%s) of a refused request is never taken for a request', async (_, frame) => {
    for (const size of [10, 100_000, 1_000_000]) {
      rig.arrived();
      const client = await openHost(rig, 'narrow.example');
      const inner = 'GET /ok/smuggled HTTP/1.1\r\nHost: narrow.example\r\n\r\n';
      const body = inner.repeat(Math.ceil(size / inner.length));
      client.send(`POST /no HTTP/1.1\r\nHost: narrow.example\r\n${frame(body)}`);
      expect((await client.answer()).status).toBe(403);
      client.send('GET /ok/after HTTP/1.1\r\nHost: narrow.example\r\n\r\n');
      const after = await client.answer();
      client.close();
      const arrived = rig.arrived();
      expect(arrived).not.toContain('smuggled');
      expect(after.status === 200).toBe(arrived.includes('/ok/after'));
    }
  });

  test('a body that is refused half-way, with Expect and without, leaves no bytes for the next reader', async () => {
    for (const expects of ['', 'Expect: 100-continue\r\n']) {
      rig.arrived();
      const client = await openHost(rig, 'narrow.example');
      const inner = 'GET /ok/smuggled HTTP/1.1\r\nHost: narrow.example\r\n\r\n';
      client.send(`POST /no HTTP/1.1\r\nHost: narrow.example\r\n${expects}Content-Length: ${inner.length}\r\n\r\n`);
      expect((await client.answer()).status).toBe(403);
      client.send(inner);
      client.send('GET /ok/after HTTP/1.1\r\nHost: narrow.example\r\n\r\n');
      const after = await client.answer();
      client.close();
      const arrived = rig.arrived();
      // Whoever waits for 100 may leave the body out: then the connection ends.
      expect(arrived).not.toContain('smuggled');
      expect(after.status === 200).toBe(arrived.includes('/ok/after'));
    }
  });
});

test('plain requests to the explicit proxy are framed as strictly', async () => {
  for (const bytes of [
    `POST http://open.example/ HTTP/1.1\r\n${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
    `GET http://open.example/ HTTP/1.1\r\n${HOST}X: a\nb: c\r\n\r\n`,
    `CONNECT open.example:443 HTTP/1.1\r\nHost: open.example:443\r\nX: a\nb: c\r\n\r\n`,
    `CONNECT open.example:443 HTTP/1.1\r\nHost: open.example:443\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ]) {
    const client = await openPlain(rig);
    client.send(bytes);
    expect((await client.answer()).status).toBe(400);
    client.close();
  }
});

test('nothing of all this put the secret into the log or made the proxy complain', () => {
  const log = JSON.stringify(rig.records());
  expect(log).not.toContain(secret.slice(4, 24));
  expect(log).not.toContain(githubToken.slice(4, 24));
  expect(rig.stderr()).toBe('');
});
