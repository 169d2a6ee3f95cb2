import { Resolver } from 'node:dns/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type RawClient, rawClient, secure } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { endSettings, HOST } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { answering, rawUpstream, testAuthority, type Upstream } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

/** A proxy that relays reach over a unix socket, with HOST on 443 and plain.example on 80. */
async function relayed(): Promise<{ proxy: RunningProxy; upstream: Upstream; socketPath: string }> {
  const authority = testAuthority();
  const upstream = await rawUpstream(authority, answering(OK));
  const plain = await rawUpstream(null, answering(OK));
  later(() => upstream.close());
  later(() => plain.close());
  const proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes: [routeTo(HOST), routeTo('plain.example', { scheme: 'http' })],
      roots: authority.certificatePem,
      map: { [`${HOST}:443`]: upstream.address, 'plain.example:80': plain.address },
      listen: { explicit: '127.0.0.1:0', relaySocket: join(directory, 'relay.sock') },
    }),
  );
  later(() => proxy.stop());
  return { proxy, upstream, socketPath: join(proxy.directory, 'relay.sock') };
}

async function fromRelay(socketPath: string, hello: object): Promise<RawClient> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`${JSON.stringify(hello)}\n`);
  return rawClient(socket);
}

describe('a connection that a relay captured', () => {
  it('on 443 is judged by the name in its TLS handshake', async () => {
    const { proxy, socketPath } = await relayed();
    const { socket } = await fromRelay(socketPath, { kind: 'tcp', address: '198.18.0.1', port: 443 });
    const client = await secure(socket, proxy.ca, HOST);
    client.send(`GET /a HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'transparent', host: HOST, port: 443, verdict: 'allow' }]);
  });

  it('without a name in its handshake is judged by the address it was going to', async () => {
    const { proxy, upstream, socketPath } = await relayed();
    const { socket } = await fromRelay(socketPath, { kind: 'tcp', address: '192.0.2.7', port: 443 });
    const client = await secure(socket, proxy.ca, '192.0.2.7');
    client.send('GET / HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n');
    await client.waitFor('"blocked":true');
    expect(await proxy.recorded(1)).toMatchObject([
      { host: '192.0.2.7', port: 443, verdict: 'block', stage: 'policy' },
    ]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('on 80 is judged by its Host field', async () => {
    const { proxy, socketPath } = await relayed();
    const client = await fromRelay(socketPath, { kind: 'tcp', address: '198.18.0.1', port: 80 });
    client.send('GET /a HTTP/1.1\r\nHost: plain.example\r\n\r\nGET / HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    await client.waitFor('"blocked":true');
    expect(await proxy.recorded(2)).toMatchObject([
      { via: 'transparent', host: 'plain.example', port: 80, verdict: 'allow' },
      { via: 'transparent', host: 'evil.example', port: 80, verdict: 'block' },
    ]);
  });

  it('on 3128 speaks to the explicit proxy', async () => {
    const { proxy, socketPath } = await relayed();
    const client = await fromRelay(socketPath, { kind: 'tcp', address: '127.0.0.1', port: 3128 });
    client.send(`GET https://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'absolute', host: HOST, port: 443 }]);
  });

  it('that says nothing is recorded with the address it was going to', async () => {
    const { proxy, socketPath } = await relayed();
    const client = await fromRelay(socketPath, { kind: 'tcp', address: '169.254.169.254', port: 80 });
    client.close();
    expect(await proxy.recorded(1)).toMatchObject([
      { via: 'transparent', host: '169.254.169.254', port: 80, rule: 'no-request', verdict: 'block' },
    ]);
  });

  it('may send its hello and its first bytes in any pieces', async () => {
    const { proxy, socketPath } = await relayed();
    const socket = connect({ path: socketPath });
    const client = rawClient(socket);
    const hello = JSON.stringify({ kind: 'tcp', address: '198.18.0.1', port: 80 });
    for (const byte of `${hello}\nGET / HTTP/1.1\r\nHost: plain.example\r\n\r\n`) client.send(byte);
    await client.waitFor('hi');
    expect(await proxy.recorded(1)).toHaveLength(1);
  });

  it('whose hello is none is closed', async () => {
    const { socketPath } = await relayed();
    const socket = connect({ path: socketPath });
    const client = rawClient(socket);
    client.send('GET / HTTP/1.1\r\nHost: plain.example\r\n\r\n');
    expect(await client.ended()).toBe('');
  });
});

describe('a connection to the sidecar as if it were the upstream', () => {
  it('is judged by its server name or Host, on the port it came to', async () => {
    const authority = testAuthority();
    const upstream = await rawUpstream(authority, answering(OK));
    const plain = await rawUpstream(null, answering(OK));
    later(() => upstream.close());
    later(() => plain.close());
    const [tlsPort, httpPort, dnsPort] = [await freePort(), await freePort(), await freePort()];
    const proxy = await startProxy((directory) =>
      testConfig(directory, {
        routes: [
          routeTo(HOST, { ports: [tlsPort] }),
          routeTo('plain.example', { id: 'allow.plain', scheme: 'http', ports: [httpPort] }),
        ],
        roots: authority.certificatePem,
        map: { [`${HOST}:${tlsPort}`]: upstream.address, [`plain.example:${httpPort}`]: plain.address },
        listen: {
          transparent: { address: '127.0.0.1', tlsPorts: [tlsPort], httpPorts: [httpPort] },
          dns: `127.0.0.1:${dnsPort}`,
        },
      }),
    );
    later(() => proxy.stop());

    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${dnsPort}`]);
    expect(await resolver.resolve4(HOST)).toEqual(['127.0.0.1']);
    const secured = await secure(connect({ port: tlsPort, host: '127.0.0.1' }), proxy.ca, HOST);
    secured.send(`GET /a HTTP/1.1\r\nHost: ${HOST}:${tlsPort}\r\n\r\n`);
    await secured.waitFor('hi');
    const bare = rawClient(connect({ port: httpPort, host: '127.0.0.1' }));
    bare.send(`GET /b HTTP/1.1\r\nHost: plain.example:${httpPort}\r\n\r\n`);
    await bare.waitFor('hi');
    expect(await proxy.recorded(3)).toMatchObject([
      { via: 'dns', host: HOST, method: 'A' },
      { via: 'transparent', host: HOST, port: tlsPort, path: '/a', verdict: 'allow' },
      { via: 'transparent', host: 'plain.example', port: httpPort, path: '/b', verdict: 'allow' },
    ]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a DNS question of a relay', () => {
  it('gets our address, and a record', async () => {
    const { proxy, socketPath } = await relayed();
    const client = await fromRelay(socketPath, { kind: 'dns' });
    const question = Buffer.from('\x03api\x07example\x00\x00\x01\x00\x01', 'latin1');
    const query = Buffer.concat([Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), question]);
    client.send(Buffer.concat([Buffer.from([0, query.length]), query]));
    await client.waitFor('\x7f\x00\x00\x01');
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'dns', host: HOST, method: 'A' }]);
  });
});

describe('a lifeline', () => {
  it('stays open as long as the proxy runs, and ends with it', async () => {
    const { proxy, socketPath } = await relayed();
    const lifeline = await fromRelay(socketPath, { kind: 'lifeline' });
    const client = await fromRelay(socketPath, { kind: 'tcp', address: '198.18.0.1', port: 80 });
    client.send('GET / HTTP/1.1\r\nHost: plain.example\r\n\r\n');
    await client.waitFor('hi');
    expect(lifeline.socket.readableEnded).toBe(false);
    await proxy.stop();
    await lifeline.ended();
  });
});
