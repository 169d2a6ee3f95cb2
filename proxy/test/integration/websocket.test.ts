import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { until } from './harness/proxy.ts';
import { endSettings } from './harness/setting.ts';
import { openWebSocket, webSocketSetting } from './harness/websocket.ts';

afterEach(endSettings);

describe.each([
  ['without compression', false],
  ['with compression', true],
])('a WebSocket %s', (_how, deflate) => {
  it('carries messages both ways and leaves one record when it closes', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate });
    const talk = await openWebSocket(proxy, deflate);
    talk.socket.send('hello');
    talk.socket.send(Buffer.from([1, 2, 3]));
    talk.socket.ping('still there');
    await until(() => talk.messages.length === 2, 'two echoes');
    expect(talk.messages).toEqual(['hello', '\x01\x02\x03']);
    const heard = await upstream.first();
    expect(heard.messages).toEqual([
      { text: 'hello', isBinary: false },
      { text: '\x01\x02\x03', isBinary: true },
    ]);
    await until(() => heard.pings.length === 1 && talk.pongs.length === 1, 'the ping and its pong');
    expect(talk.pongs).toEqual(['still there']);
    expect(heard.extensions).toBe(deflate ? 'permessage-deflate; client_max_window_bits' : undefined);
    expect(talk.socket.extensions).toBe(deflate ? 'permessage-deflate' : '');
    expect(proxy.records()).toHaveLength(0);
    talk.socket.close(4000, 'enough');
    await until(() => talk.closed !== null && heard.closed !== null, 'the close');
    expect(talk.closed).toEqual({ code: 4000, reason: 'enough' });
    expect(heard.closed).toEqual({ code: 4000, reason: 'enough' });
    // Two messages (each 2 bytes longer when compressed) and a ping or a pong, both ways.
    const bytes = 8 + (deflate ? 4 : 0) + 11;
    const counts = { bytes_in: bytes, bytes_out: bytes };
    const records = await proxy.recorded(1);
    expect(records).toHaveLength(1);
    expect(records).toMatchObject([{ method: 'GET', path: '/live', status: 101, verdict: 'allow', ...counts }]);
  });

  it('puts fragments together before it judges them', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate });
    const talk = await openWebSocket(proxy, deflate);
    talk.socket.send('one ', { fin: false });
    talk.socket.ping('between');
    talk.socket.send('two ', { fin: false });
    talk.socket.send('three', { fin: true });
    await until(() => talk.messages.length === 1, 'the echo');
    const heard = await upstream.first();
    expect(heard.messages).toEqual([{ text: 'one two three', isBinary: false }]);
    expect(heard.pings).toEqual(['between']);
  });

  it('streams a message that is too large to hold', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate, limits: { holdBytes: 64 * 1024 } });
    const talk = await openWebSocket(proxy, deflate);
    const text = `all work and no play ${randomBytes(1000).toString('hex')}`.repeat(500);
    talk.socket.send(text);
    talk.socket.send('and another');
    await until(() => talk.messages.length === 2, 'the echoes');
    const heard = await upstream.first();
    expect(heard.messages[0]!.text === text).toBe(true);
    expect(talk.messages[0] === text).toBe(true);
    expect(talk.messages[1]).toBe('and another');
  });

  it.each<[string, (socket: WebSocket, token: string) => void]>([
    ['in one piece', (socket, token) => socket.send(`my token is ${token}`)],
    [
      'over two fragments',
      (socket, token) => {
        socket.send(`my token is ${token.slice(0, 20)}`, { fin: false });
        socket.send(token.slice(20), { fin: true });
      },
    ],
    [
      'over two fragments with a ping between them',
      (socket, token) => {
        socket.send(`my token is ${token.slice(0, 20)}`, { fin: false });
        socket.ping();
        socket.send(token.slice(20), { fin: true });
      },
    ],
    ['in a ping', (socket, token) => socket.ping(token)],
    ['in a pong', (socket, token) => socket.pong(token)],
    ['in the reason of a close', (socket, token) => socket.close(1000, token)],
    ['in a binary message', (socket, token) => socket.send(Buffer.from(`\0\x01${token}\0`), { binary: true })],
    ['in base64', (socket, token) => socket.send(Buffer.from(`so: ${token}`).toString('base64'))],
  ])('with a token %s is closed with 1008 before anything of the message leaves', async (_what, send) => {
    const { proxy, upstream } = await webSocketSetting({ deflate });
    const talk = await openWebSocket(proxy, deflate);
    talk.socket.send('harmless');
    await until(() => talk.messages.length === 1, 'the echo');
    const heard = await upstream.first();
    send(talk.socket, `ghp_${randomBytes(18).toString('hex')}`);
    await until(() => talk.closed !== null && heard.closed !== null, 'the close');
    expect(talk.closed!.code).toBe(1008);
    expect(talk.closed!.reason).toMatch(/^bottle: /);
    expect(heard.messages).toEqual([{ text: 'harmless', isBinary: false }]);
    expect(heard.pings.filter((ping) => ping !== '')).toEqual([]);
    expect(heard.pongs).toEqual([]);
    expect(heard.closed).toEqual({ code: 1001, reason: '' });
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ status: 101, verdict: 'block', stage: 'dlp' }]);
    expect(records[0]!.findings.length).toBeGreaterThan(0);
  });

  it('whose agent goes away leaves its record and ends the upstream side', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate });
    const talk = await openWebSocket(proxy, deflate);
    talk.socket.terminate();
    const heard = await upstream.first();
    await until(() => heard.closed !== null, 'the upstream side to end');
    expect(heard.closed).toEqual({ code: 1006, reason: '' });
    expect(await proxy.recorded(1)).toMatchObject([{ status: 101, verdict: 'allow' }]);
  });

  it('whose upstream goes away leaves its record and ends the agent side', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate });
    const talk = await openWebSocket(proxy, deflate);
    (await upstream.first()).socket.terminate();
    await until(() => talk.closed !== null, 'the agent side to end');
    expect(talk.closed).toEqual({ code: 1006, reason: '' });
    expect(await proxy.recorded(1)).toMatchObject([{ status: 101, verdict: 'allow' }]);
  });

  it('that the upstream closes keeps its code and reason, and has its record', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate });
    const talk = await openWebSocket(proxy, deflate);
    const heard = await upstream.first();
    heard.socket.close(4321, 'gone fishing');
    await until(() => talk.closed !== null && heard.closed !== null, 'the close');
    expect(talk.closed).toEqual({ code: 4321, reason: 'gone fishing' });
    expect(heard.closed).toEqual({ code: 4321, reason: 'gone fishing' });
    expect(await proxy.recorded(1)).toMatchObject([{ status: 101, verdict: 'allow' }]);
  });
});

describe('a WebSocket', () => {
  it('to a host that is not allowed is refused as a request', async () => {
    const { proxy } = await webSocketSetting({
      route: { rules: [{ methods: ['POST'], paths: null, query: {}, headers: {} }] },
    });
    await expect(openWebSocket(proxy)).rejects.toThrow(/403/);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'policy', status: 403 }]);
  });
});
