import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost, connectProxy, openTunnel, rawClient } from './harness/client.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo, rawSetting } from './harness/setting.ts';
import { answering, testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

describe('an agent that goes away', () => {
  it('in the middle of an answer ends the upstream connection, with one record', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab');
    await client.waitFor('ab');
    client.close();
    await until(() => peer.socket.destroyed, 'the upstream connection to end');
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ status: 200, bytes_in: 2, verdict: 'allow' }]);
    expect(records[0]!.reason).toContain('the client closed');
  });

  it('before the answer leaves a record with status 0', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await (await upstream.peer(0)).waitFor('\r\n\r\n');
    client.close();
    expect(await proxy.recorded(1)).toMatchObject([{ status: 0, reason: 'the client closed early' }]);
  });

  it('in the middle of its body has sent nothing to the upstream', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 10\r\n\r\nabc`);
    client.socket.end();
    expect(await proxy.recorded(1)).toMatchObject([{ status: 0, bytes_out: 0 }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('in the middle of a head leaves a record', async () => {
    const { proxy } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send('GET / HT');
    client.socket.end();
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'head-incomplete', verdict: 'block' }]);
  });

  it('in the middle of a head leaves a record, too, when it is cut off', async () => {
    const { proxy } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    client.send(`${GET}GET / HT`);
    await client.waitFor('hi');
    client.close();
    expect(await proxy.recorded(2)).toMatchObject([{ status: 200 }, { rule: 'head-incomplete', verdict: 'block' }]);
  });

  it('in the handshake leaves a record that names the host and says what to look at', async () => {
    const { proxy } = await rawSetting(() => {});
    const tunnel = await openTunnel(proxy, `${HOST}:443`);
    const distrusting = connectTls({ socket: tunnel, servername: HOST, ca: [] });
    await new Promise((resolve) => distrusting.once('error', resolve));
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ rule: 'tls-handshake', stage: 'protocol', host: HOST, port: 443, status: 0 });
    expect(record!.reason).toContain('TLS handshake not finished by client');
  });

  it('after half a ClientHello leaves a record', async () => {
    const { proxy } = await rawSetting(() => {});
    const tunnel = rawClient(await openTunnel(proxy, `${HOST}:443`));
    tunnel.send('\x16\x03\x01\x02\x00\x01');
    tunnel.socket.end();
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'tls-handshake', host: HOST }]);
  });

  it('with garbage inside TLS costs its own connection only', async () => {
    const { proxy } = await rawSetting(answering(OK));
    const raw = connect({ port: proxy.port, host: '127.0.0.1' });
    raw.on('error', () => {});
    raw.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    await new Promise((resolve) => raw.once('data', resolve));
    const secured = connectTls({ socket: raw, servername: HOST, ca: proxy.ca });
    secured.on('error', () => {});
    await new Promise((resolve) => secured.once('secureConnect', resolve));
    raw.write(Buffer.from('\x17\x03\x03\x00\x20this is not a record of this session', 'latin1'));
    await until(() => raw.destroyed || raw.readableEnded, 'the proxy to end the connection');
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('hi');
    expect(proxy.stderr()).toBe('');
  });
});

describe('an upstream that goes away', () => {
  it('before it answered becomes a 502', async () => {
    const { proxy } = await rawSetting((peer) => {
      peer.socket.once('data', () => peer.socket.destroy());
    });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('"stage":"upstream"');
    expect(client.received()).toMatch(/^HTTP\/1\.1 502 /);
    expect(await proxy.recorded(1)).toMatchObject([
      { status: 502, stage: 'upstream', rule: 'closed', verdict: 'allow' },
    ]);
  });

  it.each([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('in the middle of an answer with %s breaks the connection: nobody takes it for whole', async (_what, part) => {
    const { proxy } = await rawSetting((peer) => {
      peer.socket.once('data', () => peer.socket.end(part));
    });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    const received = await client.ended();
    expect(received).toContain('abc');
    expect(received).not.toContain('0\r\n\r\n');
    expect(await proxy.recorded(1)).toMatchObject([{ status: 200, stage: 'upstream', rule: 'truncated', bytes_in: 3 }]);
  });

  it('while its connection was idle is asked again on a new one', async () => {
    let connections = 0;
    const { proxy, upstream } = await rawSetting((peer) => {
      const isFirst = ++connections === 1;
      let requests = 0;
      peer.socket.on('data', () => {
        requests++;
        // The first connection dies on its second request, as one does that the server just timed out.
        if (isFirst && requests === 2) peer.socket.destroy();
        else peer.send(OK);
      });
    });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor(OK);
    client.send(GET);
    await client.waitFor(OK.repeat(2));
    expect(upstream.peers).toHaveLength(2);
    expect(await proxy.recorded(2)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  it('while its connection was idle is not asked again to do what must not be done twice', async () => {
    const { proxy, upstream } = await rawSetting((peer) => {
      let requests = 0;
      peer.socket.on('data', () => {
        requests++;
        if (requests === 2) peer.socket.destroy();
        else peer.send(OK);
      });
    });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor(OK);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1\r\n\r\nx`);
    await client.waitFor('"rule":"closed"');
    expect(upstream.peers).toHaveLength(1);
  });

  it('or never was there becomes a 502 that says so', async () => {
    const proxy = await proxyTo({ address: '127.0.0.1:1' }, testAuthority().certificatePem);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('"stage":"upstream"');
    expect(client.received()).toMatch(/^HTTP\/1\.1 502 [\s\S]*x-bottle-error: upstream connect /);
    expect(await proxy.recorded(1)).toMatchObject([{ status: 502, stage: 'upstream', rule: 'connect' }]);
  });

  it('or cannot prove its name becomes an error that names the certificate', async () => {
    const { upstream } = await rawSetting(answering(OK));
    const proxy = await proxyTo(upstream, testAuthority().certificatePem);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('"rule":"certificate"');
    expect(await proxy.recorded(1)).toMatchObject([{ status: 502, stage: 'upstream', rule: 'certificate' }]);
    expect(upstream.peers.map((peer) => peer.received())).not.toContain(GET);
  });
});

describe('a limit', () => {
  it('on the time for a head ends the connection with its own verdict', async () => {
    const { proxy } = await rawSetting(() => {}, { limits: { headTimeoutMs: 300 } });
    const client = await connectHost(proxy, HOST);
    client.send('GET / HTTP/1.1\r\n');
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'head-timeout', stage: 'protocol' }]);
  });

  it('on silence ends an exchange that never answers with a 504', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, { limits: { idleTimeoutMs: 300 } });
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('"rule":"timeout"');
    expect(client.received()).toMatch(/^HTTP\/1\.1 504 /);
    expect(upstream.peers[0]!.socket.destroyed).toBe(true);
  });

  it('on connections refuses the next one', async () => {
    const { proxy } = await rawSetting(() => {}, { limits: { connections: 2 } });
    await connectProxy(proxy);
    await connectProxy(proxy);
    const third = await connectProxy(proxy);
    await third.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'connections', verdict: 'block' }]);
  });

  it('on connections counts only those that are open, whatever way they ended', async () => {
    const { proxy } = await rawSetting(answering(OK), { limits: { connections: 6 } });
    for (let i = 0; i < 12; i++) {
      const plain = await connectProxy(proxy);
      plain.close();
      const unfinished = await openTunnel(proxy, `${HOST}:443`);
      unfinished.write('\x16\x03\x01', 'latin1');
      unfinished.destroy();
      const client = await connectHost(proxy, HOST);
      client.send(i % 2 === 0 ? GET : GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
      await client.waitFor('hi');
      client.close();
    }
    expect((await proxy.recorded(24)).filter(({ rule }) => rule === 'connections')).toEqual([]);
  });

  it('on a silent tunnel ends it: protocols where the server speaks first do not pass', async () => {
    const { proxy } = await rawSetting(() => {}, { limits: { headTimeoutMs: 300 } });
    const tunnel = rawClient(await openTunnel(proxy, `${HOST}:2222`));
    await tunnel.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'silent', host: HOST, port: 2222 }]);
  });
});

describe('a proxy that is told to stop', () => {
  it.each(['end of input', 'SIGTERM'] as const)('by %s cuts what runs, and its record is written', async (way) => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await (await upstream.peer(0)).waitFor('\r\n\r\n');
    const log = openSync(proxy.auditPath, 'r');
    if (way === 'SIGTERM') process.kill(proxy.pid, 'SIGTERM');
    expect(await proxy.stop()).toBe(0);
    expect(JSON.parse(readFileSync(log, 'utf8').trim())).toMatchObject({ host: HOST, status: 0, verdict: 'allow' });
    closeSync(log);
    await client.ended();
  });

  it('lets an answer that is nearly there arrive', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    const stopping = proxy.stop();
    peer.send(OK);
    expect(await client.ended()).toContain('hi');
    expect(await stopping).toBe(0);
  });
});
