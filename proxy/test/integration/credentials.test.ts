import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { endSettings, HOST, httpSetting, rawSetting, type SettingOptions } from './harness/setting.ts';
import { answering } from './harness/upstream.ts';

afterEach(endSettings);

const VALUE = `real-${randomBytes(20).toString('hex')}`;
const PLACEHOLDER = `bottle_${randomBytes(20).toString('hex')}`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const INJECTING: SettingOptions = {
  secrets: [{ name: 'TOKEN', value: VALUE, placeholder: PLACEHOLDER }],
  route: { auth: { type: 'bearer', secret: 'TOKEN' } },
};

describe('a route with a credential', () => {
  it('gets the real one in place of whatever the agent sent, and the record names it without its value', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nAuthorization: Bearer ${PLACEHOLDER}\r\n\r\n`);
    await client.waitFor('hi');
    expect(upstream.peers[0]!.received()).toContain(`Bearer ${VALUE}\r\n`);
    expect(upstream.peers[0]!.received()).not.toContain(PLACEHOLDER);
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ injected: ['TOKEN'], verdict: 'allow' }]);
    expect(JSON.stringify(records)).not.toContain(VALUE);
  });

  it('asks for answers that are not compressed, and takes an echo of the credential out of them', async () => {
    const { proxy } = await httpSetting((request, response) => {
      response.setHeader('x-echo', request.headers.authorization ?? '');
      response.end(`${request.headers['accept-encoding']} ${request.headers.authorization} end`);
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nAccept-Encoding: gzip\r\n\r\n`);
    await client.waitFor(' end');
    expect(client.received()).toContain(`identity Bearer ${'*'.repeat(VALUE.length)} end`);
    expect(client.received()).not.toContain(VALUE);
  });

  it('finds the echo in an answer that is compressed all the same', async () => {
    const { proxy } = await httpSetting((request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(`${request.headers.authorization} end`));
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('0\r\n\r\n');
    // The search may hold back a byte that could begin the credential again: it comes in a chunk of its own.
    const body = client.received().replace(/\r\n[0-9a-f]+\r\n/g, '');
    expect(body).toContain(`Bearer ${'*'.repeat(VALUE.length)} end`);
    expect(client.received()).not.toMatch(/content-encoding/i);
    expect(await proxy.recorded(1)).toMatchObject([{ status: 200 }]);
  });

  it('lets no answer through that it cannot search', async () => {
    const { proxy } = await rawSetting(
      answering('HTTP/1.1 200 OK\r\nContent-Encoding: compress\r\nContent-Length: 2\r\n\r\nhi'),
      INJECTING,
    );
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('"rule":"undecodable"');
    expect(client.received()).not.toContain('hi\r\n');
  });

  it('has a stream of events pass at once in spite of the search', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let i = 0; i < 5; i++) {
      const event = `data: ${i}\n\n`;
      peer.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.waitFor(event);
    }
  });
});

describe('a token in a body', () => {
  const token = `ghp_${randomBytes(18).toString('hex')}`;

  it('is refused before anything leaves, and the connection stays', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK));
    const client = await connectHost(proxy, HOST);
    const body = JSON.stringify({ note: token });
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await client.waitFor('"blocked":true');
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('hi');
    const [record] = await proxy.recorded(2);
    expect(record).toMatchObject({ verdict: 'block', stage: 'dlp', bytes_out: 0, status: 403 });
    expect(record!.findings.length).toBeGreaterThan(0);
    expect(JSON.stringify(record)).not.toContain(token);
    expect(upstream.peers[0]!.received()).toBe(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  });

  it.each([
    ['with a length', (body: string) => `Content-Length: ${body.length}\r\n\r\n${body}`],
    [
      'in chunks',
      (body: string) => `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    ],
  ])('%s is redacted where the route says so, and the framing fits', async (_what, framed) => {
    let received = '';
    const { proxy } = await httpSetting(
      (request, response) => {
        request.on('data', (chunk: Buffer) => {
          received += chunk.toString();
        });
        request.on('end', () => response.end('done'));
      },
      { route: { dlp: { onMatch: 'redact', except: [] } } },
    );
    const client = await connectHost(proxy, HOST);
    client.send(
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: application/json\r\n${framed(JSON.stringify({ note: token }))}`,
    );
    await client.waitFor('done');
    expect(JSON.parse(received)).toHaveProperty('note');
    expect(received).not.toContain(token);
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'redact', bytes_out: received.length });
  });

  it('far behind in a body that is too large to hold stops it: the upstream never gets it whole', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, { limits: { holdBytes: 64 * 1024 } });
    const client = await connectHost(proxy, HOST);
    const filler = 'all work and no play makes a dull body\n'.repeat(20_000);
    const body = `${filler}${token}\n${filler}`;
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await client.waitFor('"blocked":true');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'dlp' }]);
    const received = upstream.peers[0]?.received() ?? '';
    expect(received).not.toContain(token);
    expect(received.length).toBeLessThan(body.length);
  });
});
