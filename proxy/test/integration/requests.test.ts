import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost, connectProxy, openTunnel, rawClient } from './harness/client.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { answering } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

describe('a request', () => {
  it('reaches the upstream with its fields as they were: order, case, duplicates, odd bytes', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    const fields = `x-B: 1\r\nHost: ${HOST}\r\nX-a: 2\r\nx-b: \xe4\xff\r\nX-a: 2\r\nACCEPT: */*\r\n`;
    client.send(`GET /a?b=c HTTP/1.1\r\n${fields}\r\n`);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toBe(`GET /a?b=c HTTP/1.1\r\n${fields}\r\n`);
  });

  it('gets its response with the fields as they were', async () => {
    const response =
      'HTTP/1.1 203 Odd Reason\r\nset-cookie: a=1\r\nX-Z: \xff\r\nSet-Cookie: b=2\r\ncontent-length: 2\r\n\r\nhi';
    const { proxy } = await rawSetting(answering(response));
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    expect(client.received()).toBe(response);
  });

  it('gets no offer of HTTP/3, in a final answer or an interim one', async () => {
    const offer = 'ALT-svc: h3=":443"; ma=86400, h2=":8443"\r\nAlt-Svc: h3-29=":443"\r\n';
    const { proxy } = await rawSetting(
      answering(`HTTP/1.1 103 Early\r\n${offer}\r\nHTTP/1.1 200 OK\r\nA: 1\r\n${offer}Content-Length: 2\r\n\r\nhi`),
    );
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    const kept = 'ALT-svc: h2=":8443"\r\n';
    expect(client.received()).toBe(
      `HTTP/1.1 103 Early\r\n${kept}\r\nHTTP/1.1 200 OK\r\nA: 1\r\n${kept}Content-Length: 2\r\n\r\nhi`,
    );
  });

  it('loses the fields that belong to one hop, both ways', async () => {
    const { proxy, upstream } = await rawSetting(
      answering(
        'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi',
      ),
    );
    const client = await connectHost(proxy, HOST);
    client.send(
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: x-own\r\nX-Own: 1\r\nProxy-Authorization: Basic eA==\r\nX-End: 1\r\n\r\n`,
    );
    await client.waitFor('hi');
    expect(client.received()).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
    expect(upstream.peers[0]!.received()).toBe(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-End: 1\r\n\r\n`);
  });

  it('follows another on the same connections, agent side and upstream side', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    for (let i = 1; i <= 5; i++) {
      client.send(`GET /${i} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      await client.waitFor(OK.repeat(i));
    }
    expect(upstream.peers).toHaveLength(1);
    expect((await proxy.recorded(5)).map(({ path }) => path)).toEqual(['/1', '/2', '/3', '/4', '/5']);
  });

  it('may be sent before the answer to the one before: answers come in order', async () => {
    const { proxy } = await rawSetting((peer) => {
      peer.socket.on('data', (chunk: Buffer) => {
        for (const [, path] of chunk.toString().matchAll(/^GET \/(\d+) /gm)) {
          peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<${path}>`);
        }
      });
    });
    const client = await connectHost(proxy, HOST);
    const paths = ['1', '2', '3', '4', '5', '6'];
    client.send(paths.map((path) => `GET /${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`).join(''));
    await client.waitFor('<6>');
    expect(client.received().match(/<\d>/g)).toEqual(paths.map((path) => `<${path}>`));
    expect((await proxy.recorded(6)).map(({ path }) => path)).toEqual(paths.map((path) => `/${path}`));
  });

  it('may come one byte at a time', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    const request = `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
    for (const byte of request) client.send(byte);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toBe(request);
  });

  it('in chunks keeps its trailers', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    const head = `POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: ${HOST}\r\nTrailer: X-T\r\n\r\n`;
    client.send(`${head}3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\nx-u: 2\r\n\r\n`);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toBe(`${head}5\r\nabcde\r\n0\r\nX-T: 1\r\nx-u: 2\r\n\r\n`);
    expect(await proxy.recorded(1)).toMatchObject([{ bytes_out: 5, bytes_in: 2, status: 200 }]);
  });

  it('of HTTP/1.0 is answered and its connection closed', async () => {
    const { proxy, upstream } = await rawSetting(
      answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'),
    );
    const client = await connectHost(proxy, HOST);
    client.send('GET / HTTP/1.0\r\n\r\n');
    expect(await client.ended()).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi');
    expect(upstream.peers[0]!.received()).toBe(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  });

  it('with Connection: close has its connection closed after the answer', async () => {
    const { proxy } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    expect(await client.ended()).toContain('Connection: close\r\n\r\nhi');
  });
});

describe('a response', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    [
      'to HEAD',
      'HEAD',
      'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n',
    ],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'],
    [
      'of no bytes',
      'GET',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'behind interim ones',
      'GET',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
    ],
    [
      'in chunks with trailers',
      'GET',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\nh\r\n1\r\ni\r\n0\r\nX-T: 1\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\nX-T: 1\r\n\r\n',
    ],
  ];

  it.each(cases)('%s passes, and the connection carries the next request', async (_what, method, sent, got) => {
    const { proxy, upstream } = await rawSetting((peer) => {
      peer.socket.on('data', () => peer.send(sent));
    });
    const client = await connectHost(proxy, HOST);
    for (const count of [1, 2]) {
      client.send(`${method} / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      await client.waitFor(got.repeat(count));
    }
    expect(client.received()).toBe(got.repeat(2));
    expect(upstream.peers).toHaveLength(1);
    expect(await proxy.recorded(2)).toHaveLength(2);
  });

  it('that ends with its connection is chunked for the agent, whose connection stays', async () => {
    const { proxy, upstream } = await rawSetting((peer) => {
      peer.socket.once('data', () => peer.socket.end('HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nhi'));
    });
    const client = await connectHost(proxy, HOST);
    const got = 'HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
    for (const count of [1, 2]) {
      client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      await client.waitFor(got.repeat(count));
    }
    expect(upstream.peers).toHaveLength(2);
  });

  it('with bytes behind its end is given without them, and its connection is not used again', async () => {
    const { proxy, upstream } = await rawSetting(answering(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`));
    const client = await connectHost(proxy, HOST);
    for (const count of [1, 2]) {
      client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      await client.waitFor(OK.repeat(count));
    }
    expect(client.received()).toBe(OK.repeat(2));
    expect(upstream.peers).toHaveLength(2);
  });

  it.each([
    [
      'length and encoding',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'cl-te',
    ],
    ['no status line', 'hello\r\n\r\n', 'status-line'],
    ['a line feed in a field', 'HTTP/1.1 200 OK\r\nX: a\nb\r\nContent-Length: 0\r\n\r\n', 'bare-lf'],
    ['an unasked upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'upgrade'],
  ])('that is malformed (%s) becomes a 502 that says so', async (_what, response, rule) => {
    const { proxy } = await rawSetting(answering(response));
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('"stage":"upstream"');
    expect(client.received()).toMatch(/^HTTP\/1\.1 502 /);
    expect(await proxy.recorded(1)).toMatchObject([{ status: 502, stage: 'upstream', rule, verdict: 'allow' }]);
  });
});

describe('a refusal', () => {
  it('comes inside TLS for a host that is not allowed, nothing is sent to anyone, and the connection stays', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, 'evil.example');
    client.send('POST /x HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 3\r\n\r\nabc');
    await client.waitFor('"blocked":true');
    client.send('GET /y HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    const [first, second] = await proxy.recorded(2);
    expect(client.received()).toMatch(/^HTTP\/1\.1 403 /);
    expect(client.received()).toContain(`x-bottle-block: policy ${first!.rule} ${first!.id}\r\n`);
    expect([first!.path, second!.path]).toEqual(['/x', '/y']);
    expect(first).toMatchObject({ host: 'evil.example', verdict: 'block', stage: 'policy', status: 403, bytes_out: 0 });
    expect(upstream.peers).toHaveLength(0);
  });

  it('of a large body closes the connection, and the agent can read it', async () => {
    const { proxy } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, 'evil.example');
    client.send('POST /x HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 100000000\r\n\r\n');
    for (let i = 0; i < 100; i++) client.send('x'.repeat(10_000));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 403 [\s\S]*Connection: close\r\n[\s\S]*"blocked":true/);
    expect(await proxy.recorded(1)).toHaveLength(1);
  });
});

describe('a TLS session', () => {
  it.each(['TLSv1.3', 'TLSv1.2'] as const)('of %s is resumed on the next connection', async (version) => {
    const { proxy } = await rawSetting(answering(OK));
    let session: Buffer | undefined;
    const reused: boolean[] = [];
    for (let i = 0; i < 2; i++) {
      const socket = await openTunnel(proxy, `${HOST}:443`);
      const secured = connectTls({ socket, servername: HOST, ca: proxy.ca, maxVersion: version, session });
      secured.on('session', (fresh: Buffer) => {
        session = fresh;
      });
      await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
      reused.push(secured.isSessionReused());
      const client = rawClient(secured);
      client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      await client.waitFor('hi');
    }
    expect(reused).toEqual([false, true]);
  });
});

describe('a request in absolute form', () => {
  const plain = { scheme: 'http', ports: [80] } as const;

  it('for plain HTTP goes out in origin form', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), { route: plain });
    const client = await connectProxy(proxy);
    client.send(`GET http://${HOST}/a?b HTTP/1.1\r\nHost: ${HOST}\r\nProxy-Connection: keep-alive\r\n\r\n`);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toBe(`GET /a?b HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'absolute', host: HOST, port: 80, path: '/a?b' }]);
  });

  it('for https goes out with TLS', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectProxy(proxy);
    client.send(`GET https://${HOST} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toMatch(/^GET \/ HTTP/);
  });

  it('waits for the answer although the agent has ended its side', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, { route: plain });
    const client = await connectProxy(proxy);
    client.socket.end(`GET http://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send(OK);
    expect(await client.ended()).toContain('hi');
  });

  it('inside a CONNECT to port 80 is judged as plain HTTP', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), { route: plain });
    const client = await connectProxy(proxy);
    client.send(`CONNECT ${HOST}:80 HTTP/1.1\r\nHost: ${HOST}:80\r\n\r\n`);
    await client.waitFor('200 Connection Established\r\n\r\n');
    client.send(`GET /a HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toMatch(/^GET \/a /);
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'connect', port: 80, verdict: 'allow' }]);
  });
});
