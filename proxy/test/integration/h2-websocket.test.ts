import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { answerOf, connectH2, h2Upstream, open } from './harness/h2.ts';
import { until } from './harness/proxy.ts';
import { HOST, proxyTo } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';
import { echoUpstream } from './harness/websocket.ts';

afterEach(undoAll);

const authority = testAuthority();
const value = `k${randomBytes(20).toString('hex')}`;
const secrets = [{ name: 'K', value, placeholder: 'bottle-placeholder-abcdefgh' }];
const HANDSHAKE = [
  ...[':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':authority', HOST, ':path', '/socket'],
  ...['sec-websocket-version', '13'],
];
const TEXT = 1;
const CLOSE = 8;

/** A short frame of a client, with a mask of zeros. */
function frame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

describe('a WebSocket on a stream of HTTP/2 (RFC 8441)', () => {
  it('opens, talks both ways, closes; a secret is stopped before it leaves', async () => {
    const upstream = await echoUpstream(authority, false);
    const proxy = await proxyTo(upstream, authority.certificatePem, { secrets });
    const session = await connectH2(proxy, HOST);
    await until(() => session.remoteSettings?.enableConnectProtocol === true, 'the settings');
    const stream = open(session, HANDSHAKE);
    let received = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
    });
    const opened = new Promise<unknown>((resolve) => stream.once('response', (_h, _f, raw: string[]) => resolve(raw)));
    expect(String(await opened)).toMatch(/^:status,200/);
    for (const text of ['one', 'two']) {
      stream.write(frame(TEXT, Buffer.from(text)));
      await until(() => received.includes(text), `the echo of ${text}`);
    }
    stream.write(frame(TEXT, Buffer.from(`now ${value}`)));
    await until(() => received.includes('known-secret') || received.includes('secret K'), 'the reason of the close');
    const heard = await upstream.first();
    expect(heard.messages.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(heard.path).toBe('/socket');
    expect(await proxy.recorded(1)).toMatchObject([
      { method: 'GET', path: '/socket', verdict: 'block', rule: 'known-secret', bytes_out: 6 },
    ]);
    // The connection serves on.
    const again = open(session, HANDSHAKE);
    const status = new Promise((resolve) => again.once('response', (headers) => resolve(headers[':status'])));
    expect(await status).toBe(200);
    again.write(frame(CLOSE, Buffer.from([0x03, 0xe8])));
    await proxy.recorded(2);
  });

  it('opens with a key of its own towards HTTP/1.1, also for a client that sends one nobody asked for', async () => {
    const upstream = await echoUpstream(authority, false);
    const proxy = await proxyTo(upstream, authority.certificatePem);
    const session = await connectH2(proxy, HOST);
    await until(() => session.remoteSettings?.enableConnectProtocol === true, 'the settings');
    const stream = open(session, [...HANDSHAKE, 'sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']);
    const opened = new Promise<unknown>((resolve) => stream.once('response', (_h, _f, raw: string[]) => resolve(raw)));
    // The upstream refuses what is not exactly one key of 16 bytes.
    expect(String(await opened)).toMatch(/^:status,200/);
    expect((await upstream.first()).path).toBe('/socket');
  });

  it('is refused with a status where the route does not allow it, and where the upstream does not take it', async () => {
    const upstream = await h2Upstream(authority, (stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    const proxy = await proxyTo(upstream, authority.certificatePem, {
      route: { rules: [{ methods: ['GET'], paths: ['/socket'], query: {}, headers: {} }] },
    });
    const session = await connectH2(proxy, HOST);
    await until(() => session.remoteSettings?.enableConnectProtocol === true, 'the settings');
    const elsewhere = HANDSHAKE.toSpliced(9, 1, '/other');
    const refused = await answerOf(open(session, elsewhere));
    expect(refused.status).toBe(403);
    // An upstream of HTTP/2 alone has no handshake of HTTP/1.1.
    expect((await answerOf(open(session, HANDSHAKE))).status).toBeGreaterThanOrEqual(400);
    expect(await proxy.recorded(2)).toMatchObject([{ stage: 'policy' }, { stage: 'upstream' }]);
  });
});
