// `tls: passthrough`: judged by what arrived at the upstream, which keeps its own certificate, and by the records.
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProxyConfig, Route } from '../../src/contract.ts';
import { openTunnel, type RawClient, rawClient } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy, until } from './harness/proxy.ts';
import { endSettings } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { listenOn, rawUpstream, testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

const HOST = 'pass.example';
const authority = testAuthority();

interface Setting {
  readonly proxy: RunningProxy;
  /** How many bytes each connection brought to the upstream, once it is closed. */
  readonly arrived: number[];
  readonly names: (string | false)[];
}

/** A TLS server with its own certificate behind a passthrough route; it echoes. */
async function setting(
  route: Partial<Route> = {},
  more: Partial<ProxyConfig> = {},
  tls: object = {},
): Promise<Setting> {
  const arrived: number[] = [];
  const names: (string | false)[] = [];
  const context = {
    SNICallback: (name: string, done: (error: null, context: ReturnType<typeof authority.secureContext>) => void) =>
      done(null, authority.secureContext(name)),
  };
  const inner = createTlsServer({ ...context, ...tls }, (socket) => {
    names.push(socket.servername ?? false);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  inner.on('tlsClientError', () => {});
  inner.on('connection', (socket: Socket) => {
    const number = arrived.push(0) - 1;
    socket.on('error', () => {});
    later(() => socket.destroy());
    socket.on('close', () => {
      arrived[number] = socket.bytesRead;
    });
  });
  const port = await listenOn(inner);
  later(() => inner.close());
  const proxy = await startProxy((directory) => ({
    ...testConfig(directory, {
      routes: [routeTo(HOST, { scheme: 'tls', ...route }), routeTo('other.example')],
      roots: authority.certificatePem,
      map: {
        [`${HOST}:443`]: `127.0.0.1:${port}`,
        'other.example:443': `127.0.0.1:${port}`,
        'x.pass.example:443': `127.0.0.1:${port}`,
      },
      listen: { explicit: '127.0.0.1:0', relaySocket: join(directory, 'relay.sock') },
    }),
    ...more,
  }));
  later(() => proxy.stop());
  return { proxy, arrived, names };
}

/** TLS that trusts the upstream's own authority alone: our leaf would fail it. */
async function pinned(socket: Duplex, servername: string, more: object = {}): Promise<RawClient> {
  const secured = connectTls({ socket, servername, host: HOST, ca: authority.certificatePem, ...more });
  await new Promise((resolve, reject) => secured.once('secureConnect', resolve).once('error', reject));
  return rawClient(secured);
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no failure',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

describe('a passthrough tunnel', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'reaches the certificate of the upstream itself, and is one record (%s)',
    async (version) => {
      const { proxy, names } = await setting();
      const client = await pinned(await openTunnel(proxy, `${HOST}:443`), HOST, {
        minVersion: version,
        maxVersion: version,
      });
      client.send('GET /secret-path HTTP/1.1\r\n\r\n');
      await client.waitFor('\r\n\r\n');
      client.socket.end();
      const records = await proxy.recorded(1);
      expect(records).toMatchObject([
        {
          via: 'connect',
          host: HOST,
          port: 443,
          method: '',
          path: '',
          verdict: 'allow',
          stage: 'none',
          rule: `allow.${HOST}`,
          reason: 'not inspected (tls: passthrough)',
          injected: [],
        },
      ]);
      expect(records[0]!.bytes_out).toBeGreaterThan(200);
      expect(records[0]!.bytes_in).toBeGreaterThan(500);
      expect(names).toEqual([HOST]);
      expect(JSON.stringify(records)).not.toContain('secret-path');
    },
  );

  it('carries 8 MB both ways unchanged', async () => {
    const { proxy } = await setting();
    const client = await pinned(await openTunnel(proxy, `${HOST}:443`), HOST);
    const sent = Buffer.alloc(8 * 1024 * 1024, 0);
    for (let i = 0; i < sent.length; i++) sent[i] = (i * 31 + (i >> 8)) & 255;
    client.send(sent);
    await until(() => client.received().length >= sent.length, 'all bytes to come back');
    expect(Buffer.from(client.received(), 'latin1').equals(sent)).toBe(true);
  });

  it('takes a ClientHello byte by byte', async () => {
    const { proxy, names } = await setting();
    const tunnel = await openTunnel(proxy, `${HOST}:443`);
    const [near, far] = duplexPair();
    tunnel.setNoDelay(true);
    let isFirst = true;
    far.on('data', (chunk: Buffer) => {
      if (!isFirst) {
        tunnel.write(chunk);
        return;
      }
      isFirst = false;
      for (const byte of chunk) tunnel.write(Buffer.from([byte]));
    });
    tunnel.on('data', (chunk: Buffer) => far.write(chunk));
    const client = await pinned(near, HOST);
    client.send('x');
    await client.waitFor('x');
    expect(names).toEqual([HOST]);
  });

  it('lets a server ask for a second hello (RFC 8446, 4.1.4)', async () => {
    const { proxy, names } = await setting({}, {}, { ecdhCurve: 'P-384' });
    const client = await pinned(await openTunnel(proxy, `${HOST}:443`), HOST, { ecdhCurve: 'X25519:P-384' });
    client.send('x');
    await client.waitFor('x');
    expect(names).toEqual([HOST]);
  });

  it('is found by its server name where the relay captured it', async () => {
    const { proxy, names } = await setting();
    const socket = connectTcp({ path: join(proxy.directory, 'relay.sock') });
    socket.write('{"kind":"tcp","address":"198.18.0.1","port":443}\n');
    const client = await pinned(socket, HOST);
    client.send('x');
    await client.waitFor('x');
    client.socket.destroy();
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'transparent', host: HOST, verdict: 'allow' }]);
    expect(names).toEqual([HOST]);
  });

  it('counts against the quota, and ends with it', async () => {
    const quota = { name: 'allow.0.limits', requestBytes: null, requestsPerMinute: null, totalBytes: 20_000 };
    const { proxy } = await setting({ quota });
    const client = await pinned(await openTunnel(proxy, `${HOST}:443`), HOST);
    client.send(Buffer.alloc(100_000, 1));
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'limit', rule: 'total_bytes' }]);
    expect((await proxy.recorded(1))[0]!.bytes_out).toBeLessThanOrEqual(20_000);
  });

  it('leaves hosts beside it inspected', async () => {
    const { proxy } = await setting();
    const tunnel = await openTunnel(proxy, 'other.example:443');
    // Our leaf, not the upstream's: a client that trusts the upstream's authority alone refuses it.
    expect(await failure(pinned(tunnel, 'other.example'))).toMatch(/ISSUER|VERIFY|SELF_SIGNED/);
  });
});

describe('nobody else is reached through a passthrough tunnel', () => {
  it.each([
    ['another server name', { servername: 'evil.example' }, 'host-mismatch'],
    ['the server name of another allowed host', { servername: 'other.example' }, 'host-mismatch'],
    ['no server name', { servername: '' }, 'no-server-name'],
  ])('with %s', async (_what, { servername }, rule) => {
    const { proxy, arrived } = await setting();
    const tunnel = await openTunnel(proxy, `${HOST}:443`);
    expect(await failure(pinned(tunnel, servername))).toBe('ERR_SSL_TLSV1_ALERT_ACCESS_DENIED');
    expect(await proxy.recorded(1)).toMatchObject([{ host: HOST, verdict: 'block', stage: 'protocol', rule }]);
    expect(arrived).toHaveLength(0);
  });

  it('with its server name inside a CONNECT to another host', async () => {
    const { proxy, arrived } = await setting();
    const tunnel = await openTunnel(proxy, 'evil.example:443');
    await failure(pinned(tunnel, HOST));
    expect(arrived).toHaveLength(0);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block' }]);
  });

  it('on another port', async () => {
    const { proxy, arrived } = await setting();
    await failure(pinned(await openTunnel(proxy, `${HOST}:8443`), HOST));
    expect(arrived).toHaveLength(0);
  });

  it('with an encrypted hello (0xfe0d) inside', async () => {
    const { proxy, arrived } = await setting();
    const tunnel = await openTunnel(proxy, `${HOST}:443`);
    const client = rawClient(tunnel);
    client.send(await helloWith(HOST, Buffer.from([0xfe, 0x0d, 0, 3, 0, 0, 1])));
    expect(Buffer.from(await client.ended(), 'latin1')).toEqual(Buffer.from([21, 3, 3, 0, 2, 2, 49]));
    expect(await proxy.recorded(1)).toMatchObject([{ host: HOST, verdict: 'block', rule: 'encrypted-hello' }]);
    expect(arrived).toHaveLength(0);
  });

  it('with another name in the second hello', async () => {
    const { proxy, arrived, names } = await setting({}, {}, { ecdhCurve: 'P-384' });
    const tunnel = await openTunnel(proxy, `${HOST}:443`);
    const [near, far] = duplexPair();
    let hellos = 0;
    far.on('data', (chunk: Buffer) => {
      const isHello = chunk.includes(HOST);
      if (isHello) hellos++;
      const text = chunk.toString('latin1');
      tunnel.write(Buffer.from(isHello && hellos === 2 ? text.replace(HOST, 'evil.example') : text, 'latin1'));
    });
    tunnel.on('data', (chunk: Buffer) => far.write(chunk));
    tunnel.on('close', () => far.destroy());
    tunnel.on('end', () => far.end());
    expect(await failure(pinned(near, HOST, { ecdhCurve: 'X25519:P-384' }))).not.toBe('no failure');
    expect(hellos).toBe(2);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'protocol', rule: 'server-name' }]);
    await until(() => arrived[0]! > 0, 'the upstream to see the end');
    const [record] = await proxy.recorded(1);
    expect(arrived).toEqual([record!.bytes_out]);
    expect(names).toEqual([]);
  });

  it('with the second hello sent ahead of the question', async () => {
    const { proxy, names } = await setting({}, {}, { ecdhCurve: 'P-384' });
    const client = rawClient(await openTunnel(proxy, `${HOST}:443`));
    const first = await helloWith(HOST, Buffer.alloc(0), { ecdhCurve: 'X25519:P-384' });
    const second = Buffer.from(first.toString('latin1').replace(HOST, 'evil.example'), 'latin1');
    client.send(Buffer.concat([first, second]));
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'server-name', bytes_out: first.length }]);
    expect(names).toEqual([]);
  });

  it('with two hellos in one record', async () => {
    const { proxy, arrived } = await setting();
    const client = rawClient(await openTunnel(proxy, `${HOST}:443`));
    const hello = (await helloWith(HOST, Buffer.alloc(0))).subarray(5);
    const both = Buffer.concat([hello, Buffer.from(hello.toString('latin1').replace(HOST, 'evil.example'), 'latin1')]);
    client.send(Buffer.concat([Buffer.from([22, 3, 1, both.length >> 8, both.length & 255]), both]));
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'client-hello', bytes_out: 0 }]);
    expect(arrived).toHaveLength(0);
  });

  it('where deny names the host', async () => {
    const { proxy, arrived } = await setting({}, { deny: [{ id: 'deny.0', host: HOST }] });
    await failure(pinned(await openTunnel(proxy, `${HOST}:443`), HOST));
    expect(arrived).toHaveLength(0);
  });

  it('at a private address', async () => {
    const arrived = await rawUpstream(null);
    later(() => arrived.close());
    const proxy = await startProxy((directory) =>
      testConfig(directory, {
        routes: [routeTo('localhost', { scheme: 'tls', ports: [arrived.port] })],
        roots: authority.certificatePem,
        map: {},
      }),
    );
    later(() => proxy.stop());
    const tunnel = await openTunnel(proxy, `localhost:${arrived.port}`);
    expect(await failure(pinned(tunnel, 'localhost'))).toBe('ERR_SSL_TLSV1_ALERT_ACCESS_DENIED');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'address', rule: 'private-address' }]);
    expect(arrived.peers).toHaveLength(0);
  });

  it('by a request in absolute form, which says why', async () => {
    const { proxy, arrived } = await setting();
    const client = rawClient(connectTcp(proxy.port, '127.0.0.1'));
    client.send(`GET https://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('tls: passthrough');
    expect(arrived).toHaveLength(0);
  });
});

/** A real ClientHello with one more extension. */
async function helloWith(servername: string, extension: Buffer, more: object = {}): Promise<Buffer> {
  const [near, far] = duplexPair();
  const said = new Promise<Buffer>((resolve) => far.once('data', resolve));
  const client = connectTls({ socket: near, servername, ...more });
  client.on('error', () => {});
  const hello = Buffer.concat([await said, extension]);
  client.destroy();
  const grow = (at: number, bytes: number): void => {
    hello.writeUIntBE(hello.readUIntBE(at, bytes) + extension.length, at, bytes);
  };
  grow(3, 2);
  grow(6, 3);
  let at = 9 + 34;
  at += 1 + hello[at]!;
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello[at]!;
  grow(at, 2);
  return hello;
}
