// Peers that are slow on purpose, on either side: each is bounded by a limit of the configuration, and told of by its own rule.
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost, connectProxy, openTunnel, rawClient } from './harness/client.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo, rawSetting } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { answering, rawUpstream, testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const DRIP_MS = 20;

/** One byte after the other, without end. */
function drip(socket: Pick<Socket, 'write' | 'destroyed'>, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else socket.write(text[at < text.length ? at++ : text.length - 1]!, 'latin1');
  }, DRIP_MS);
  later(() => clearInterval(timer));
}

describe('an agent that sends', () => {
  it('its head byte by byte is refused when the time for a head is over', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), { limits: { headTimeoutMs: 400 } });
    const client = await connectHost(proxy, HOST);
    drip(client.socket, 'GET / HTTP/1.1\r\nX-A: bbbbbbbbbb');
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [\s\S]*protocol head-timeout/);
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'head-timeout' }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('its second head byte by byte is refused, too', async () => {
    const { proxy } = await rawSetting(answering(OK), { limits: { headTimeoutMs: 400 } });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('hi');
    drip(client.socket, 'GET / HTTP/1.1\r\nX-A: bbbbbbbbbb');
    expect(await client.ended()).toContain('protocol head-timeout');
  });

  it('its handshake byte by byte is cut when the time for a head is over', async () => {
    const { proxy } = await rawSetting(answering(OK), { limits: { headTimeoutMs: 400 } });
    const tunnel = rawClient(await openTunnel(proxy, `${HOST}:443`));
    drip(tunnel.socket, `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'x'.repeat(600)}`);
    await tunnel.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'protocol', rule: 'silent', host: HOST }]);
  });

  it('nothing after CONNECT, or nothing at all, is cut', async () => {
    const { proxy } = await rawSetting(answering(OK), { limits: { headTimeoutMs: 300, idleTimeoutMs: 300 } });
    await Promise.all([
      rawClient(await openTunnel(proxy, `${HOST}:443`)).ended(),
      (await connectProxy(proxy)).ended(),
      (await connectHost(proxy, HOST)).ended(),
    ]);
  });

  it('half of its body is answered when nothing moves, and cut when the rest never comes', async () => {
    const limits = { idleTimeoutMs: 300, headTimeoutMs: 300 };
    const { proxy, upstream } = await rawSetting(answering(OK), { limits });
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100\r\n\r\nabc`);
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'timeout', bytes_out: 0 }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('but never reads is cut when nothing moves, and the upstream with it', async () => {
    const { proxy, upstream } = await rawSetting(
      (peer) => {
        peer.socket.once('data', () => {
          peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n');
          const more = (): void => {
            while (!peer.socket.destroyed && peer.socket.write(Buffer.alloc(64 * 1024, 'x')));
          };
          peer.socket.on('drain', more);
          more();
        });
      },
      { limits: { idleTimeoutMs: 400 } },
    );
    const client = await connectHost(proxy, HOST);
    client.socket.pause();
    client.send(GET);
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'timeout', status: 200 }]);
    await until(() => upstream.peers[0]!.socket.destroyed, 'the upstream connection to end');
  });
});

describe('an upstream that', () => {
  it('takes the connection and never shakes hands is given up', async () => {
    const silent = await rawUpstream(null, () => {});
    later(() => silent.close());
    const proxy = await proxyTo(silent, testAuthority().certificatePem, { limits: { connectTimeoutMs: 300 } });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('x-bottle-error: upstream ');
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', status: expect.any(Number) }]);
    await until(() => silent.peers[0]!.socket.destroyed, 'the connection to end');
  });

  it('sends its head byte by byte is given up: that is no progress', async () => {
    const { proxy, upstream } = await rawSetting(
      (peer) => peer.socket.once('data', () => drip(peer.socket, 'HTTP/1.1 200 OK\r\nX-A: bbbbbbbbb')),
      { limits: { idleTimeoutMs: 500 } },
    );
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('"rule":"timeout"');
    expect(client.received()).toMatch(/^HTTP\/1\.1 504 /);
    await until(() => upstream.peers[0]!.socket.destroyed, 'the upstream connection to end');
  });

  it('sends its body byte by byte is waited for: that is how events come', async () => {
    const { proxy } = await rawSetting(
      (peer) =>
        peer.socket.once('data', () => {
          peer.send('HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n');
          drip(peer.socket, 'x');
        }),
      { limits: { idleTimeoutMs: 400 } },
    );
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('x'.repeat(40));
    expect(await proxy.recorded(1)).toMatchObject([{ status: 200, stage: 'none', bytes_in: 40 }]);
  });

  it('stops in its chunk size is given up', async () => {
    const { proxy } = await rawSetting(
      (peer) =>
        peer.socket.once('data', () => {
          peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n');
          drip(peer.socket, '2;aaaaaaaaa');
        }),
      { limits: { idleTimeoutMs: 500 } },
    );
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ status: 200, stage: 'upstream', rule: 'timeout' }]);
  });

  it('never reads a body is given up', async () => {
    const { proxy } = await rawSetting((peer) => peer.socket.pause(), {
      limits: { idleTimeoutMs: 500, holdBytes: 1000 },
    });
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100000000\r\n\r\n`);
    client.send(Buffer.alloc(30_000_000, 'all work '));
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'timeout' }]);
  });
});

it('a thousand silent connections cost others nothing, and are gone with their clients', async () => {
  const { proxy } = await rawSetting(answering(OK));
  const silent = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1' });
      later(() => socket.destroy());
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write('GET http://api.exam');
      return socket;
    }),
  );
  const client = await connectHost(proxy, HOST);
  client.send(GET);
  await client.waitFor('hi');
  for (const socket of silent) socket.destroy();
  const records = await proxy.recorded(1001);
  expect(records.filter(({ rule }) => rule === 'head-incomplete')).toHaveLength(1000);
});
