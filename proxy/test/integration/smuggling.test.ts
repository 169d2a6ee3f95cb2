import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectHost, connectProxy, openTunnel, rawClient, secure } from './harness/client.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { ATTACKS, CHUNKS, HARMLESS, HIDDEN, POST } from './harness/smuggling-cases.ts';
import { answering, type Upstream } from './harness/upstream.ts';

let proxy: RunningProxy;
let upstream: Upstream;
let before = 0;

beforeAll(async () => {
  ({ proxy, upstream } = await rawSetting(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')));
});
afterAll(endSettings);
beforeEach(() => {
  before = proxy.records().length;
});

describe('smuggling', () => {
  it.each(ATTACKS)('%s is refused with its own rule, and the upstream sees nothing', async (_what, bytes, rule) => {
    const client = await connectHost(proxy, HOST);
    client.send(bytes);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [\s\S]*Connection: close\r\n/);
    const records = (await proxy.recorded(before + 1)).slice(before);
    expect(records).toMatchObject([{ verdict: 'block', stage: 'protocol', rule, host: HOST, status: 400 }]);
    expect(client.received()).toContain(`x-bottle-block: protocol ${rule} ${records[0]!.id}\r\n`);
    expect(upstream.peers).toHaveLength(0);
  });

  it.each(CHUNKS)('a chunked body with %s is refused before any of it left', async (_what, body, rule) => {
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n${body}`);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
    const records = (await proxy.recorded(before + 1)).slice(before);
    expect(records).toMatchObject([{ verdict: 'block', stage: 'protocol', rule }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it.each(HARMLESS)('of %s: what looks like a request in the body arrives as a body', async (_what, fields) => {
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}${fields}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`);
    await client.waitFor('\r\n\r\nhi');
    expect(upstream.peers.map((peer) => peer.received()).join('')).toBe(
      `${POST}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    );
    expect((await proxy.recorded(before + 1)).slice(before)).toMatchObject([{ path: '/', status: 200 }]);
    upstream.peers[0]?.socket.destroy();
    upstream.peers.length = 0;
  });

  it('another name in TLS than in the CONNECT is refused inside TLS', async () => {
    const client = await connectHost(proxy, HOST, 443, 'evil.example');
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 [\s\S]*host-mismatch/);
    expect(upstream.peers).toHaveLength(0);
  });

  it.each([
    ['a path', `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'not-absolute'],
    ['an unknown scheme', `GET ftp://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'scheme'],
    ['a host that disagrees', `GET http://${HOST}/ HTTP/1.1\r\nHost: evil.example\r\n\r\n`, 'host-mismatch'],
    ['an address in odd spelling', 'GET http://0x7f.1/ HTTP/1.1\r\nHost: 0x7f.1\r\n\r\n', 'odd-address'],
    ['a CONNECT without a port', `CONNECT ${HOST} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'port'],
    ['a CONNECT with another Host', `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`, 'host-mismatch'],
    [
      'a CONNECT with a body',
      `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 3\r\n\r\n`,
      'connect-body',
    ],
    [
      'a CONNECT to a decimal address',
      'CONNECT 2130706433:443 HTTP/1.1\r\nHost: 2130706433:443\r\n\r\n',
      'odd-address',
    ],
  ])('to the explicit proxy with %s is refused', async (_what, bytes, rule) => {
    const client = await connectProxy(proxy);
    client.send(bytes);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await proxy.recorded(before + 1)).slice(before)).toMatchObject([{ stage: 'protocol', rule }]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('what is neither TLS nor HTTP inside a CONNECT is refused and recorded', async () => {
    const tunnel = rawClient(await openTunnel(proxy, `${HOST}:443`));
    tunnel.send('\x00\x01\x02\x03');
    await tunnel.ended();
    expect((await proxy.recorded(before + 1)).slice(before)).toMatchObject([
      { rule: 'not-http', host: HOST, status: 0 },
    ]);
    expect(upstream.peers).toHaveLength(0);
  });

  it('a refusal in the middle of a connection does not undo what was before it', async () => {
    const client = await secure(await openTunnel(proxy, `${HOST}:443`), proxy.ca, HOST);
    client.send(
      `GET /1 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 200 [\s\S]*hiHTTP\/1\.1 400 /);
    expect((await proxy.recorded(before + 2)).slice(before)).toMatchObject([
      { path: '/1', status: 200 },
      { rule: 'cl-te' },
    ]);
    upstream.peers[0]?.socket.destroy();
    upstream.peers.length = 0;
  });
});
