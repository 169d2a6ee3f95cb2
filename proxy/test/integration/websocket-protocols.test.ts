// A WebSocket between every pair of protocols: HTTP/1.1 or a stream of HTTP/2 (RFC 8441), towards the agent and towards the upstream.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { ask, connectH2, requestList } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { HOST, proxyTo } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';
import { type Frame, HANDSHAKE_ACCEPT, HANDSHAKE_KEY } from './harness/websocket.ts';
import { type FrameAgent, type FrameEcho, frameAgent, frameEcho, type Protocol } from './harness/websocket-ends.ts';

afterEach(undoAll);

const authority = testAuthority();
const value = `k${randomBytes(20).toString('hex')}`;
const secrets = [{ name: 'K', value, placeholder: 'bottle-placeholder-abcdefgh' }];
const PAIRS: readonly (readonly [Protocol, Protocol])[] = [
  ['h1', 'h1'],
  ['h1', 'h2'],
  ['h2', 'h1'],
  ['h2', 'h2'],
];
const close = (code: number, reason: string): Frame => ({
  opcode: 8,
  payload: Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]),
});
const plain = (frames: ReturnType<FrameAgent['frames']>): unknown[] =>
  frames.map(({ opcode, isFinal, payload }) => [opcode, isFinal, payload.toString('latin1')]);

async function setting(
  agent: Protocol,
  upstream: Protocol,
): Promise<{ proxy: RunningProxy; echo: FrameEcho; end: FrameAgent }> {
  const echo = await frameEcho(authority, upstream);
  const proxy = await proxyTo(echo, authority.certificatePem, { secrets });
  return { proxy, echo, end: await frameAgent(proxy, agent) };
}

describe.each(PAIRS)('an agent of %s at an upstream of %s', (agent, upstream) => {
  it('exchanges every frame as it was sent, and closes with the code that was said', async () => {
    const { proxy, echo, end } = await setting(agent, upstream);
    const script: Frame[] = [
      { opcode: 1, payload: 'one' },
      { opcode: 2, payload: randomBytes(70_000) },
      { opcode: 2, payload: '' },
      { opcode: 9, payload: 'a ping' },
      { opcode: 1, payload: 'two' },
    ];
    end.send(...script);
    await until(() => end.frames().length === script.length, 'the echo');
    end.send(close(4321, 'as agreed'));
    await until(() => end.isEnded() && echo.heard[0]!.isEnded(), 'the end on both sides');
    const sent = [...script, close(4321, 'as agreed')].map(({ opcode, payload }) => [
      opcode,
      true,
      Buffer.from(payload as string, 'latin1').toString('latin1'),
    ]);
    expect(plain(echo.heard[0]!.frames())).toEqual(sent);
    expect(plain(end.frames())).toEqual(sent.map(([opcode, ...rest]) => [opcode === 9 ? 10 : opcode, ...rest]));
    expect(await proxy.recorded(1)).toMatchObject([
      { method: 'GET', path: '/live', verdict: 'allow', bytes_out: 70_012, bytes_in: 70_012 },
    ]);
  });

  it('joins a message in fragments before it leaves, and does not let a secret out that they hide', async () => {
    const { proxy, echo, end } = await setting(agent, upstream);
    end.send({ opcode: 1, payload: 'be', isFinal: false }, { opcode: 0, payload: 'fore' });
    await until(() => end.frames().some(({ isFinal }) => isFinal), 'the echo');
    end.send(
      { opcode: 1, payload: `x ${value.slice(0, 15)}`, isFinal: false },
      { opcode: 0, payload: value.slice(15) },
    );
    await until(() => end.isEnded(), 'the end');
    const last = end.frames().at(-1)!;
    expect([last.opcode, last.payload.readUInt16BE(0)]).toEqual([8, 1008]);
    expect(last.payload.toString('latin1', 2)).toMatch(/^bottle: /);
    await until(() => echo.heard[0]!.isEnded(), 'the end at the upstream');
    const heard = echo.heard[0]!.frames().map(({ payload }) => payload.toString('latin1'));
    expect(heard.join('')).toMatch(/^before/);
    expect(heard.join('')).not.toContain(value.slice(0, 15));
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'known-secret' }]);
  });

  it('ends at the upstream when the agent vanishes, with one record', async () => {
    const { proxy, echo, end } = await setting(agent, upstream);
    end.send({ opcode: 1, payload: 'here' });
    await until(() => end.frames().length === 1, 'the echo');
    end.vanish();
    await until(() => echo.heard[0]!.isEnded(), 'the end at the upstream');
    expect(await proxy.recorded(1)).toHaveLength(1);
  });
});

describe('towards an upstream of HTTP/2 alone', () => {
  it('the handshake is an extended CONNECT, and its answer the one that a client of HTTP/1.1 waits for', async () => {
    const { echo, end } = await setting('h1', 'h2');
    expect(echo.heard[0]!.fields).toEqual([
      ...[':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':authority', HOST, ':path', '/live'],
      ...['sec-websocket-version', '13'],
    ]);
    expect(echo.heard[0]!.fields).not.toContain(HANDSHAKE_KEY);
    expect(end.fields.slice(0, 4)).toEqual([
      'http/1.1 101 switching protocols',
      'connection: upgrade',
      'upgrade: websocket',
      `sec-websocket-accept: ${HANDSHAKE_ACCEPT.toLowerCase()}`,
    ]);
    expect(end.fields).toContain('x-up: 1');
  });

  it('WebSockets and requests share one connection', async () => {
    const { proxy, echo } = await setting('h2', 'h2');
    await frameAgent(proxy, 'h1');
    await frameAgent(proxy, 'h2');
    await until(() => echo.heard.length === 3, 'three of them');
    // The first one learned that there is no HTTP/1.1 from a handshake that failed.
    expect(echo.sockets).toHaveLength(1);
  });

  it('without RFC 8441 they are refused in words, and requests go on', async () => {
    const echo = await frameEcho(authority, 'h2', { isOffered: false });
    const proxy = await proxyTo(echo, authority.certificatePem);
    const client = await connectHost(proxy, HOST);
    client.send(
      `GET /live HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${HANDSHAKE_KEY}\r\n\r\n`,
    );
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 502 .*takes no WebSockets on it/s);
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'no-websocket', status: 502 }]);
    expect(echo.heard).toHaveLength(0);
  });

  it('an answer that opens nothing is passed on as it is', async () => {
    const echo = await frameEcho(authority, 'h2', { status: 404 });
    const proxy = await proxyTo(echo, authority.certificatePem);
    const client = await connectHost(proxy, HOST);
    client.send(
      `GET /live HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${HANDSHAKE_KEY}\r\n\r\n`,
    );
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 404 .*not here/s);
    const session = await connectH2(proxy, HOST);
    expect((await ask(session, requestList(HOST, 'GET', '/'))).status).toBe(404);
    expect(await proxy.recorded(2)).toMatchObject([{ status: 404 }, { status: 404 }]);
  });
});
