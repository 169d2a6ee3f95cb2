// `scheme: tcp`: bytes of any protocol to one named place, by CONNECT, SOCKS5 and where the relay captured the port.
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Route } from '../../src/contract.ts';
import { connectProxy, type RawClient, rawClient } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { endSettings } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { rawUpstream, testAuthority, type Upstream, type UpstreamPeer } from './harness/upstream.ts';

afterEach(endSettings);

const DB = 'db.example';
const GREETING = '\x4a\x00\x00\x00\x0a8.4.0-test\x00';

/** A database that speaks first, then echoes. */
function greet(peer: UpstreamPeer): void {
  peer.send(GREETING);
  peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk));
}

async function setting(
  more: readonly Route[] = [],
  serve = greet,
): Promise<{ proxy: RunningProxy; upstream: Upstream }> {
  const upstream = await rawUpstream(null, serve);
  later(() => upstream.close());
  const proxy = await startProxy((directory) => ({
    ...testConfig(directory, {
      routes: [routeTo(DB, { scheme: 'tcp', ports: [5432] }), ...more],
      roots: testAuthority().certificatePem,
      map: { [`${DB}:5432`]: upstream.address, 'other.example:5432': upstream.address },
      listen: { explicit: '127.0.0.1:0', relaySocket: join(directory, 'relay.sock') },
    }),
    dnsAnswer: '198.18.0.1',
  }));
  later(() => proxy.stop());
  return { proxy, upstream };
}

function socksRequest(host: string, port: number): Buffer {
  const name = Buffer.from(host, 'latin1');
  return Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]);
}

function captured(proxy: RunningProxy, address: string, port: number): RawClient {
  const socket = connectTcp({ path: join(proxy.directory, 'relay.sock') });
  socket.write(`${JSON.stringify({ kind: 'tcp', address, port })}\n`);
  return rawClient(socket);
}

const WAYS: readonly (readonly [string, string, (proxy: RunningProxy) => Promise<RawClient>])[] = [
  ['CONNECT', 'connect', async (proxy) => rawClient(await openTunnelKeepingData(proxy))],
  [
    'SOCKS5',
    'socks',
    async (proxy) => {
      const client = await connectProxy(proxy);
      client.send(socksRequest(DB, 5432));
      return client;
    },
  ],
  ['capture', 'transparent', async (proxy) => captured(proxy, '198.18.0.1', 5432)],
];

/** The server's first words may come with the answer to the CONNECT. */
async function openTunnelKeepingData(proxy: RunningProxy) {
  const socket = connectTcp(proxy.port, '127.0.0.1');
  socket.write(`CONNECT ${DB}:5432 HTTP/1.1\r\nHost: ${DB}:5432\r\n\r\n`);
  return socket;
}

describe('a tcp route', () => {
  it.each(WAYS)('is reached by %s by a client that waits for the server to speak', async (_what, via, open) => {
    const { proxy, upstream } = await setting();
    const client = await open(proxy);
    await client.waitFor(GREETING);
    client.send('SELECT 1;\0\xff');
    await client.waitFor('SELECT 1;\0\xff');
    client.socket.end();
    (await upstream.peer(0)).socket.end();
    expect(await proxy.recorded(1)).toMatchObject([
      {
        via,
        host: DB,
        port: 5432,
        verdict: 'allow',
        rule: `allow.${DB}`,
        reason: 'not inspected (scheme: tcp)',
        bytes_out: 11,
        bytes_in: GREETING.length + 11,
      },
    ]);
    expect(upstream.peers[0]!.received()).toBe('SELECT 1;\0\xff');
  });

  it('keeps what came with the CONNECT', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectProxy(proxy);
    client.send(`CONNECT ${DB}:5432 HTTP/1.1\r\nHost: ${DB}:5432\r\n\r\nfirst`);
    await (await upstream.peer(0)).waitFor('first');
  });

  it('passes on the end of one side while the other still speaks', async () => {
    const { proxy, upstream } = await setting([], (peer) => {
      peer.socket.allowHalfOpen = true;
      peer.socket.on('end', () => {
        peer.send('late answer');
        peer.socket.end();
      });
    });
    const socket = connectTcp({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    const client = rawClient(socket);
    client.send(`CONNECT ${DB}:5432 HTTP/1.1\r\nHost: ${DB}:5432\r\n\r\nquestion`);
    await client.waitFor('200');
    socket.end();
    await client.waitFor('late answer');
    expect((await upstream.peer(0)).received()).toBe('question');
    expect(await proxy.recorded(1)).toMatchObject([{ bytes_out: 8, bytes_in: 11, verdict: 'allow' }]);
  });

  it('passes a reset on as a reset', async () => {
    const { proxy, upstream } = await setting();
    const client = rawClient(await openTunnelKeepingData(proxy));
    await client.waitFor(GREETING);
    let code = '';
    client.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? '';
    });
    (await upstream.peer(0)).socket.resetAndDestroy();
    await client.ended();
    expect(await proxy.recorded(1)).toHaveLength(1);
    expect(code).toBe('ECONNRESET');
  });

  it('that cannot be reached is a 502 on the CONNECT, and a reply of SOCKS', async () => {
    const { proxy, upstream } = await setting();
    upstream.close();
    const client = rawClient(await openTunnelKeepingData(proxy));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 502 .*"rule":"connect"/s);
    const socks = await connectProxy(proxy);
    socks.send(socksRequest(DB, 5432));
    expect(Buffer.from(await socks.ended(), 'latin1').subarray(2, 4)).toEqual(Buffer.from([5, 5]));
    expect(await proxy.recorded(2)).toMatchObject([
      { via: 'connect', stage: 'upstream', rule: 'connect' },
      { via: 'socks', stage: 'upstream', rule: 'connect' },
    ]);
  });

  it('at a private address is refused before it is dialled', async () => {
    const upstream = await rawUpstream(null, greet);
    later(() => upstream.close());
    const { port } = upstream;
    const proxy = await startProxy((directory) =>
      testConfig(directory, { routes: [routeTo('localhost', { scheme: 'tcp', ports: [port] })], roots: '', map: {} }),
    );
    later(() => proxy.stop());
    const client = await connectProxy(proxy);
    client.send(`CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 403 .*"rule":"private-address"/s);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'address', rule: 'private-address' }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it.each([
    ['another port', `${DB}:5433`],
    ['another host on its port', 'other.example:5432'],
  ])('opens nothing to %s', async (_what, authority) => {
    const { proxy, upstream } = await setting();
    const client = await connectProxy(proxy);
    client.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await client.waitFor('\r\n\r\n');
    client.send('\x00\x00\x00\x08');
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block' }]);
    expect(upstream.peers).toHaveLength(0);
  });
});

describe('a captured connection to a port of tcp routes', () => {
  it('to an address that no route names is refused at once', async () => {
    const { proxy, upstream } = await setting();
    await captured(proxy, '192.0.2.7', 5432).ended();
    expect(await proxy.recorded(1)).toMatchObject([
      { via: 'transparent', host: '192.0.2.7', verdict: 'block', stage: 'policy', rule: 'default' },
    ]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('is refused where two hosts could be meant', async () => {
    const { proxy, upstream } = await setting([routeTo('other.example', { scheme: 'tcp', ports: [5432] })]);
    await captured(proxy, '198.18.0.1', 5432).ended();
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'block', stage: 'policy' });
    expect(record!.reason).toContain('2 hosts are allowed on port 5432');
    expect(upstream.peers).toHaveLength(0);
  });

  it('is judged by its first bytes where the port has other routes as well', async () => {
    const { proxy, upstream } = await setting([routeTo('api.example', { ports: [5432] })]);
    const client = captured(proxy, '198.18.0.1', 5432);
    client.send('\x00\x00\x00\x08');
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'not-http' }]);
    expect(upstream.peers).toHaveLength(0);
  });
});
