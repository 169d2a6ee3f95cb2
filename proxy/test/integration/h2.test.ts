import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProxyConfig } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { answerOf, ask, connectH2, h2Upstream, open, requestList, secureTunnel } from './harness/h2.ts';
import { type RunningProxy, startProxy, until } from './harness/proxy.ts';
import { later, undoAll } from './harness/undo.ts';
import { answering, httpUpstream, rawUpstream, testAuthority } from './harness/upstream.ts';

afterEach(undoAll);

const HOST = 'api.test';
const authority = testAuthority();
const OK = 'HTTP/1.1 200 OK\r\nX-One: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nhi';

async function proxyTo(
  address: string,
  change: (config: ProxyConfig) => ProxyConfig = (config) => config,
): Promise<RunningProxy> {
  const proxy = await startProxy((directory) =>
    change(
      testConfig(directory, {
        routes: [routeTo(HOST)],
        roots: authority.certificatePem,
        map: { [`${HOST}:443`]: address },
      }),
    ),
  );
  later(() => proxy.stop());
  return proxy;
}

describe('a client of HTTP/2', () => {
  it('reaches an upstream of HTTP/1.1: lower-case fields in order, Host from :authority, cookies in one field', async () => {
    const upstream = await rawUpstream(authority, answering(OK));
    later(upstream.close);
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    const fields = ['x-b', '1', 'cookie', 'a=1', 'x-a', '2', 'cookie', 'b=2', 'x-b', '\xe4 3'];
    const answer = await ask(session, requestList(HOST, 'GET', '/a?b=c', fields));
    expect(upstream.peers[0]!.received()).toBe(
      `GET /a?b=c HTTP/1.1\r\nhost: ${HOST}\r\nx-b: 1\r\ncookie: a=1; b=2\r\nx-a: 2\r\nx-b: \xe4 3\r\n\r\n`,
    );
    expect({ ...answer, body: answer.body.toString() }).toEqual({
      status: 200,
      fields: ['x-one', '1', 'content-length', '2'],
      body: 'hi',
      trailers: [],
      rstCode: 0,
    });
    expect(await proxy.recorded(1)).toMatchObject([
      { via: 'connect', host: HOST, method: 'GET', path: '/a?b=', status: 200, verdict: 'allow', bytes_in: 2 },
    ]);
  });

  it('reaches an upstream of HTTP/2 with its fields as they were, trailers and all, both ways', async () => {
    const upstream = await h2Upstream(authority, (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</x>' });
      stream.on('end', () => {
        const list = [':status', '201', 'date', 'x', 'set-cookie', 'a=1', 'x-z', '\xff', 'set-cookie', 'b=2'];
        stream.respond(list, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'abc' }));
        stream.end('created');
      });
    });
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    const stream = open(session, requestList(HOST, 'POST', '/p', ['x-b', '1', 'te', 'trailers', 'x-b', '2']), {
      waitForTrailers: true,
    });
    const interims: number[] = [];
    stream.on('headers', (headers) => interims.push(Number(headers[':status'])));
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': '1' }));
    const answer = answerOf(stream);
    stream.end('body');
    expect(await answer).toMatchObject({
      status: 201,
      fields: ['date', 'x', 'set-cookie', 'a=1', 'x-z', '\xff', 'set-cookie', 'b=2'],
      trailers: ['x-sum', 'abc'],
      rstCode: 0,
    });
    expect(interims).toEqual([103]);
    const [request] = upstream.requests;
    expect(request?.body.toString()).toBe('body');
    expect(request?.trailers).toEqual(['x-end', '1']);
    expect(request?.raw).toEqual(requestList(HOST, 'POST', '/p', ['x-b', '1', 'te', 'trailers', 'x-b', '2']));
    expect(await proxy.recorded(1)).toMatchObject([{ method: 'POST', status: 201, bytes_out: 4, bytes_in: 7 }]);
  });

  it('shares one connection to such an upstream among many streams at a time', async () => {
    const upstream = await h2Upstream(authority, (stream, raw) => {
      stream.on('end', () => {
        stream.respond({ ':status': 200 });
        stream.end(raw[raw.indexOf(':path') + 1]);
      });
    });
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    const paths = Array.from({ length: 300 }, (_, n) => `/${n}`);
    const answers = await Promise.all(paths.map((path) => ask(session, requestList(HOST, 'GET', path))));
    expect(answers.map(({ body }) => body.toString())).toEqual(paths);
    expect(upstream.sockets.length).toBeLessThanOrEqual(4);
    const records = await proxy.recorded(300);
    expect(new Set(records.map(({ path }) => path)).size).toBe(300);
  });

  it('is refused inside HTTP/2, with a readable answer, and the next stream goes on', async () => {
    const upstream = await rawUpstream(authority, answering(OK));
    later(upstream.close);
    const proxy = await proxyTo(upstream.address, (config) => ({
      ...config,
      routes: [routeTo(HOST, { rules: [{ methods: ['GET'], paths: ['/ok'], query: {}, headers: {} }] })],
    }));
    const session = await connectH2(proxy, HOST);
    const refused = await ask(session, requestList(HOST, 'POST', '/no'), 'x');
    expect(refused.status).toBe(403);
    expect(refused.fields).toContain('x-bottle-block');
    expect(JSON.parse(refused.body.toString())).toMatchObject({ blocked: true, stage: 'policy' });
    expect((await ask(session, requestList(HOST, 'GET', '/ok'))).status).toBe(200);
    expect(upstream.peers).toHaveLength(1);
    const unlisted = await connectH2(proxy, 'other.test');
    expect((await ask(unlisted, requestList('other.test', 'GET', '/'))).status).toBe(403);
  });

  it('does not get a known secret out, in fields or in the body, and the rest of its connection lives', async () => {
    const value = `k${randomBytes(20).toString('hex')}`;
    const upstream = await h2Upstream(authority, (stream) =>
      stream.on('end', () => stream.respond({ ':status': 204 }, { endStream: true })),
    );
    const proxy = await proxyTo(upstream.address, (config) => ({
      ...config,
      secrets: [{ name: 'K', value, placeholder: 'bottle-placeholder-abcdefgh' }],
    }));
    const session = await connectH2(proxy, HOST);
    const encoded = Buffer.from(`key ${value}`).toString('base64');
    const answers = [
      await ask(session, requestList(HOST, 'GET', `/?q=${value}`)),
      await ask(session, requestList(HOST, 'GET', '/', ['x-note', value])),
      await ask(session, requestList(HOST, 'GET', '/', ['cookie', value.slice(0, 20), 'cookie', value.slice(20)])),
      await ask(session, requestList(HOST, 'POST', '/'), `text ${value}`),
      await ask(session, requestList(HOST, 'POST', '/', ['content-length', String(encoded.length)]), encoded),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect((await ask(session, requestList(HOST, 'POST', '/'), 'clean')).status).toBe(204);
    expect(upstream.requests.map(({ body }) => body.toString())).toEqual(['clean']);
    const records = await proxy.recorded(6);
    expect(records.filter(({ rule }) => rule === 'known-secret')).toHaveLength(5);
    expect(JSON.stringify(records)).not.toContain(value);
  });

  it('moves large bodies both ways, byte for byte', async () => {
    const upstream = await h2Upstream(authority, (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    const line = randomBytes(48).toString('hex');
    const body = Buffer.from(`${line}\n`.repeat(200_000));
    const answer = await ask(session, requestList(HOST, 'POST', '/'), body);
    expect(answer.body.equals(body)).toBe(true);
    expect(await proxy.recorded(1)).toMatchObject([{ bytes_out: body.length, bytes_in: body.length }]);
  });
});

describe('a client of HTTP/1.1', () => {
  it('reaches an upstream that speaks HTTP/2 alone', async () => {
    const upstream = await h2Upstream(authority, (stream) =>
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'x-one': '1', date: 'x' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
        stream.end('hello');
      }),
    );
    const proxy = await proxyTo(upstream.address);
    const client = await connectHost(proxy, HOST);
    for (const at of [1, 2]) {
      client.send(
        `POST /${at} HTTP/1.1\r\nHost: ${HOST}\r\nX-Odd-Case: 1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
      );
      await until(() => client.received().split('x-sum: 1\r\n\r\n').length === at + 1, `answer ${at}`);
    }
    expect(client.received()).toBe(
      'HTTP/1.1 200 OK\r\nx-one: 1\r\ndate: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n'.repeat(
        2,
      ),
    );
    expect(upstream.requests.map(({ raw }) => raw)).toEqual([
      requestList(HOST, 'POST', '/1', ['x-odd-case', '1']),
      requestList(HOST, 'POST', '/2', ['x-odd-case', '1']),
    ]);
    expect(upstream.sockets).toHaveLength(1);
  });

  it('keeps HTTP/1.1 to an upstream that would speak both', async () => {
    const upstream = await httpUpstream(authority, (_request, response) => response.end('one'));
    later(upstream.close);
    const proxy = await proxyTo(upstream.address);
    const socket = await secureTunnel(proxy, HOST, ['http/1.1']);
    later(() => socket.destroy());
    expect(socket.alpnProtocol).toBe('http/1.1');
  });
});

describe('streams that end early', () => {
  it('a client that cancels ends the request at the upstream, and is recorded', async () => {
    const closed: number[] = [];
    const upstream = await h2Upstream(authority, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begun');
      stream.on('close', () => closed.push(stream.rstCode ?? -1));
    });
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    const stream = open(session, requestList(HOST, 'GET', '/'), { endStream: true });
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(8);
    await until(() => closed.length === 1, 'the upstream to be told');
    expect(closed).toEqual([8]);
    const [record] = await proxy.recorded(1);
    expect(record?.reason).toMatch(/client closed/);
    expect(session.destroyed).toBe(false);
  });

  it('an upstream that resets in the middle of its answer is not taken for complete', async () => {
    const upstream = await h2Upstream(authority, (stream) => {
      // Without trailers of its own Node would end the stream before it resets it.
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.write('begun', () => stream.close(2));
    });
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    const answer = await ask(session, requestList(HOST, 'GET', '/'));
    expect(answer.rstCode).not.toBe(0);
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ stage: 'upstream' });
  });

  it('a stream that the upstream refuses unread is sent again', async () => {
    let seen = 0;
    const upstream = await h2Upstream(authority, (stream) => {
      if (++seen === 1) stream.close(7);
      else stream.respond({ ':status': 200 }, { endStream: true });
    });
    const proxy = await proxyTo(upstream.address);
    const session = await connectH2(proxy, HOST);
    expect((await ask(session, requestList(HOST, 'POST', '/'), 'once')).status).toBe(200);
    expect(seen).toBe(2);
    expect(await proxy.recorded(1)).toHaveLength(1);
  });

  it('an answer before the end of the request is relayed', async () => {
    const upstream = await h2Upstream(authority, (stream) => {
      stream.respond({ ':status': 413 });
      stream.end('too much');
    });
    const proxy = await proxyTo(upstream.address, (config) => ({
      ...config,
      limits: { ...config.limits, holdBytes: 1024 },
    }));
    const session = await connectH2(proxy, HOST);
    const stream = open(session, requestList(HOST, 'POST', '/'));
    const answer = answerOf(stream);
    for (let n = 0; n < 200; n++) stream.write('lorem ipsum dolor sit amet '.repeat(40));
    expect((await answer).status).toBe(413);
  });
});
