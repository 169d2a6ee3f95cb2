// A company's proxy between ours and the world: judged by what it was asked, and by what arrived behind it.
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProxyLimits, Route, UpstreamProxy } from '../../src/contract.ts';
import { connectHost, connectProxy } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { endSettings, HOST } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { answering, listenOn, rawUpstream, testAuthority, type Upstream } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';
const PASSWORD = Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('hex');

interface Options {
  readonly proxy?: Partial<UpstreamProxy>;
  /** What the company's proxy says to a CONNECT; the default opens a tunnel. */
  readonly answer?: string;
  readonly routes?: readonly Route[];
  readonly isTrusted?: boolean;
  readonly direct?: boolean;
  readonly limits?: Partial<ProxyLimits>;
}

interface Setting {
  readonly proxy: RunningProxy;
  readonly upstream: Upstream;
  /** Heads that the company's proxy was sent. */
  readonly asked: string[];
}

async function setting({ answer = ESTABLISHED, isTrusted = true, ...options }: Options = {}): Promise<Setting> {
  const authority = testAuthority();
  const isPlain = options.routes?.[0]?.scheme === 'http';
  const upstream = await rawUpstream(isPlain ? null : authority, answering(OK));
  later(() => upstream.close());
  const asked: string[] = [];
  const serve = (socket: Socket): void => {
    socket.on('error', () => {});
    later(() => socket.destroy());
    socket.once('data', (head: Buffer) => {
      asked.push(head.toString('latin1'));
      socket.write(answer, 'latin1');
      if (answer !== ESTABLISHED) return;
      const behind = connectTcp(upstream.port, '127.0.0.1');
      behind.on('error', () => {});
      socket.pipe(behind).pipe(socket);
    });
  };
  const isSecure = options.proxy?.secure === true;
  const company = isSecure
    ? createTlsServer(
        { SNICallback: (name, done) => done(null, (isTrusted ? authority : testAuthority()).secureContext(name)) },
        serve,
      )
    : createServer(serve);
  company.on('tlsClientError', () => {});
  const port = await listenOn(company);
  later(() => company.close());
  const proxy = await startProxy((directory) => {
    const config = testConfig(directory, {
      routes: options.routes ?? [routeTo(HOST)],
      limits: options.limits ?? {},
      roots: authority.certificatePem,
      map: {
        'proxy.example:3128': `127.0.0.1:${port}`,
        ...(options.direct ? { [`${HOST}:443`]: upstream.address } : {}),
      },
      secrets: [{ name: 'PROXY_PASSWORD', value: PASSWORD, placeholder: 'bottle-placeholder-proxy' }],
    });
    const own = { secure: false, host: 'proxy.example', port: 3128, credentials: null, noProxy: [], ...options.proxy };
    return { ...config, upstream: { ...config.upstream, proxy: own } };
  });
  later(() => proxy.stop());
  return { proxy, upstream, asked };
}

async function get(proxy: RunningProxy, host = HOST): Promise<string> {
  const client = await connectHost(proxy, host);
  client.send(`GET /a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return client.ended();
}

describe('an upstream proxy', () => {
  it.each([false, true])('carries TLS to a host that it looks up itself (TLS to the proxy: %s)', async (secure) => {
    const { proxy, upstream, asked } = await setting({ proxy: { secure } });
    expect(await get(proxy)).toContain('hi');
    expect(asked).toHaveLength(1);
    // It names itself, and neither the session nor the bottle.
    expect(asked[0]).toMatch(
      new RegExp(
        `^CONNECT ${HOST}:443 HTTP/1\\.1\\r\\nHost: ${HOST}:443\\r\\nVia: 1\\.1 bottle-[0-9a-f]{16}\\r\\n\\r\\n$`,
      ),
    );
    expect((await upstream.peer(0)).received()).toMatch(/^GET \/a HTTP\/1\.1\r\n/);
    expect(await proxy.recorded(1)).toMatchObject([
      { host: HOST, port: 443, path: '/a', verdict: 'allow', status: 200 },
    ]);
  });

  it('carries plain HTTP in a tunnel as well', async () => {
    const { proxy, upstream, asked } = await setting({ routes: [routeTo(HOST, { scheme: 'http' })] });
    const client = await connectProxy(proxy);
    client.send(`GET http://${HOST}/a HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    expect(asked[0]).toMatch(/^CONNECT api\.example:80 /);
    expect((await upstream.peer(0)).received()).toMatch(/^GET \/a HTTP\/1\.1\r\n/);
  });

  it('gets its credential; host, agent and log do not', async () => {
    const { proxy, upstream, asked } = await setting({
      proxy: { credentials: { username: 'build', secret: 'PROXY_PASSWORD' } },
    });
    const answer = await get(proxy);
    const basic = Buffer.from(`build:${PASSWORD}`).toString('base64');
    expect(asked[0]).toContain(`\r\nProxy-Authorization: Basic ${basic}\r\n`);
    const seen = `${(await upstream.peer(0)).received()}${answer}${JSON.stringify(await proxy.recorded(1))}`;
    expect(seen).not.toContain(basic);
    expect(seen).not.toContain(PASSWORD);
    expect(seen.toLowerCase()).not.toContain('proxy-authorization');
  });

  it.each([
    ['407', 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n', 'proxy-auth'],
    ['403', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope', 'proxy-refused'],
    ['502', 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n', 'proxy-refused'],
    ['a redirection', 'HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n', 'proxy-refused'],
    ['200 with a page', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'proxy-response'],
    ['200 with a page in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'proxy-response'],
    ['something else', 'SSH-2.0-test\r\n\r\n', 'proxy-response'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(5000)}`, 'proxy-response'],
  ])('that answers %s is named in answer and record', async (_what, answer, rule) => {
    const { proxy, upstream } = await setting({ answer });
    expect(await get(proxy)).toMatch(new RegExp(`^HTTP/1\\.1 502 .*"rule":"${rule}"`, 's'));
    expect(await proxy.recorded(1)).toMatchObject([{ host: HOST, stage: 'upstream', rule, status: 502 }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it.each([
    ['opens a tunnel into garbage', `${ESTABLISHED}${'\x00garbage'.repeat(100)}`, 'tls'],
    ['says nothing', '', 'timeout'],
  ])('that %s is told as what it is', async (_what, answer, rule) => {
    const { proxy, upstream } = await setting({ answer, limits: { connectTimeoutMs: 2000 } });
    expect(await get(proxy)).toMatch(new RegExp(`^HTTP/1\\.1 50[24] .*"rule":"${rule}"`, 's'));
    expect(await proxy.recorded(1)).toMatchObject([{ host: HOST, stage: 'upstream', rule }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it.each<readonly [string, Route]>([
    ['TLS', routeTo(HOST)],
    ['a tcp route', routeTo(HOST, { scheme: 'tcp', ports: [443] })],
  ])('that leads back to us is recognised by its first CONNECT (%s)', async (_what, route) => {
    let dials = 0;
    let back = 0;
    const circle = createServer((socket) => {
      dials++;
      const next = connectTcp(back, '127.0.0.1');
      for (const end of [socket, next]) end.on('error', () => {});
      socket.pipe(next).pipe(socket);
    });
    const port = await listenOn(circle);
    later(() => circle.close());
    const proxy = await startProxy((directory) => {
      const map = { 'proxy.example:3128': `127.0.0.1:${port}` };
      const config = testConfig(directory, { routes: [route], roots: testAuthority().certificatePem, map });
      const own = { secure: false, host: 'proxy.example', port: 3128, credentials: null, noProxy: [] };
      return { ...config, upstream: { ...config.upstream, proxy: own } };
    });
    later(() => proxy.stop());
    back = proxy.port;
    if (route.scheme === 'https') expect(await get(proxy)).toContain('"rule":"proxy-loop"');
    else {
      const client = await connectProxy(proxy);
      client.send(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
      expect(await client.ended()).toContain('"rule":"proxy-loop"');
    }
    expect((await proxy.recorded(2)).map(({ rule }) => rule)).toEqual(['loop', 'proxy-loop']);
    expect(dials).toBe(1);
  });

  it('with a certificate of nobody that we know gets no credential', async () => {
    const credentials = { username: 'build', secret: 'PROXY_PASSWORD' };
    const { proxy, asked } = await setting({ proxy: { secure: true, credentials }, isTrusted: false });
    expect(await get(proxy)).toContain('"rule":"proxy-certificate"');
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'proxy-certificate' }]);
    expect(asked).toEqual([]);
  });

  it('is not asked for private addresses, by any spelling', async () => {
    const hosts = ['127.0.0.1', '169.254.169.254', '10.1.2.3', 'localhost'];
    const { proxy, asked } = await setting({ routes: hosts.map((host) => routeTo(host)) });
    for (const host of hosts) expect(await get(proxy, host)).toContain('-address"');
    expect((await proxy.recorded(hosts.length)).map(({ stage }) => stage)).toEqual(hosts.map(() => 'address'));
    expect(asked).toEqual([]);
  });

  it('is not asked for hosts that are not allowed, nor for those of no_proxy', async () => {
    const { proxy, asked } = await setting({ proxy: { noProxy: ['localhost'] }, direct: true });
    await get(proxy, 'evil.example');
    expect(await get(proxy)).toContain('hi');
    expect(asked).toEqual([]);
  });

  it('carries tcp routes, also what the server says first', async () => {
    const { proxy, asked } = await setting({
      routes: [routeTo('db.example', { scheme: 'tcp', ports: [5432] })],
      answer: `${ESTABLISHED}greeting`,
    });
    const client = await connectProxy(proxy);
    client.send('CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n');
    expect(await client.waitFor('greeting')).toBe(`${ESTABLISHED.replace('established', 'Established')}greeting`);
    expect(asked[0]).toMatch(/^CONNECT db\.example:5432 /);
  });
});
