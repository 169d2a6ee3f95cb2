import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { openTunnel } from './harness/client.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo, type SettingOptions } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

interface Heard {
  readonly messages: { text: string; isBinary: boolean }[];
  readonly pings: string[];
  closed: { code: number; reason: string } | null;
  extensions: string | undefined;
}

/** An upstream that echoes, behind TLS; what it heard. */
async function echoSetting(options: SettingOptions = {}): Promise<{ proxy: RunningProxy; heard: Heard }> {
  const heard: Heard = { messages: [], pings: [], closed: null, extensions: 'nobody came' };
  const authority = testAuthority();
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: true, maxPayload: 64 * 1024 * 1024 });
  sockets.on('connection', (socket, request) => {
    heard.extensions = request.headers['sec-websocket-extensions'];
    socket.on('error', () => {});
    socket.on('ping', (data) => heard.pings.push(data.toString()));
    socket.on('message', (data: Buffer, isBinary) => {
      heard.messages.push({ text: data.toString('latin1'), isBinary });
      socket.send(data, { binary: isBinary });
    });
    socket.on('close', (code, reason) => {
      heard.closed = { code, reason: reason.toString() };
    });
  });
  const front = createTlsServer({ SNICallback: (name, done) => done(null, authority.secureContext(name)) }, (socket) =>
    http.emit('connection', socket),
  );
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  later(() => {
    for (const socket of sockets.clients) socket.terminate();
    front.close();
  });
  const address = front.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  const proxy = await proxyTo({ address: `127.0.0.1:${address.port}` }, authority.certificatePem, options);
  return { proxy, heard };
}

interface Talk {
  readonly socket: WebSocket;
  readonly messages: string[];
  closed: { code: number; reason: string } | null;
}

async function open(proxy: RunningProxy): Promise<Talk> {
  const tunnel = await openTunnel(proxy, `${HOST}:443`);
  const secured = connectTls({ socket: tunnel, servername: HOST, ca: proxy.ca });
  await new Promise((resolve) => secured.once('secureConnect', resolve));
  const socket = new WebSocket(`wss://${HOST}/live`, { createConnection: () => secured });
  const talk: Talk = { socket, messages: [], closed: null };
  socket.on('message', (data: Buffer) => talk.messages.push(data.toString('latin1')));
  socket.on('close', (code, reason) => {
    talk.closed = { code, reason: reason.toString() };
  });
  later(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return talk;
}

describe('a WebSocket', () => {
  it('carries messages both ways, without compression, and leaves one record when it closes', async () => {
    const { proxy, heard } = await echoSetting();
    const talk = await open(proxy);
    talk.socket.send('hello');
    talk.socket.send(Buffer.from([1, 2, 3]));
    talk.socket.ping('still there');
    await until(() => talk.messages.length === 2, 'two echoes');
    expect(talk.messages).toEqual(['hello', '\x01\x02\x03']);
    expect(heard.messages).toEqual([
      { text: 'hello', isBinary: false },
      { text: '\x01\x02\x03', isBinary: true },
    ]);
    await until(() => heard.pings.length === 1, 'the ping');
    expect(heard.extensions).toBeUndefined();
    expect(proxy.records()).toHaveLength(0);
    talk.socket.close(4000, 'enough');
    await until(() => talk.closed !== null && heard.closed !== null, 'the close');
    expect(talk.closed).toEqual({ code: 4000, reason: 'enough' });
    expect(heard.closed).toEqual({ code: 4000, reason: 'enough' });
    // Two messages and a pong.
    const records = await proxy.recorded(1);
    expect(records).toHaveLength(1);
    expect(records).toMatchObject([{ method: 'GET', path: '/live', status: 101, verdict: 'allow', bytes_in: 19 }]);
  });

  it('puts fragments together before it judges them', async () => {
    const { proxy, heard } = await echoSetting();
    const talk = await open(proxy);
    talk.socket.send('one ', { fin: false });
    talk.socket.send('two ', { fin: false });
    talk.socket.send('three', { fin: true });
    await until(() => talk.messages.length === 1, 'the echo');
    expect(heard.messages).toEqual([{ text: 'one two three', isBinary: false }]);
  });

  it('streams a message that is too large to hold', async () => {
    const { proxy, heard } = await echoSetting({ limits: { holdBytes: 64 * 1024 } });
    const talk = await open(proxy);
    const text = 'all work and no play '.repeat(50_000);
    talk.socket.send(text);
    await until(() => talk.messages.length === 1, 'the echo');
    expect(heard.messages[0]!.text).toBe(text);
    expect(talk.messages[0]).toBe(text);
  });

  it.each([
    ['in one piece', (socket: WebSocket, token: string) => socket.send(`my token is ${token}`)],
    [
      'over two fragments',
      (socket: WebSocket, token: string) => {
        socket.send(`my token is ${token.slice(0, 20)}`, { fin: false });
        socket.send(token.slice(20), { fin: true });
      },
    ],
    ['in a ping', (socket: WebSocket, token: string) => socket.ping(token)],
  ])('with a token %s is closed with 1008 before anything of the message leaves', async (_what, send) => {
    const { proxy, heard } = await echoSetting();
    const talk = await open(proxy);
    talk.socket.send('harmless');
    await until(() => talk.messages.length === 1, 'the echo');
    send(talk.socket, `ghp_${randomBytes(18).toString('hex')}`);
    await until(() => talk.closed !== null && heard.closed !== null, 'the close');
    expect(talk.closed!.code).toBe(1008);
    expect(talk.closed!.reason).toMatch(/^bottle: /);
    expect(heard.messages).toEqual([{ text: 'harmless', isBinary: false }]);
    expect(heard.pings).toEqual([]);
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ status: 101, verdict: 'block', stage: 'dlp' }]);
    expect(records[0]!.findings.length).toBeGreaterThan(0);
  });

  it('to a host that is not allowed is refused as a request', async () => {
    const { proxy } = await echoSetting({
      route: { rules: [{ methods: ['POST'], paths: null, query: {}, headers: {} }] },
    });
    await expect(open(proxy)).rejects.toThrow(/403/);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'policy', status: 403 }]);
  });

  it('whose agent goes away leaves its record and ends the upstream side', async () => {
    const { proxy, heard } = await echoSetting();
    const talk = await open(proxy);
    talk.socket.terminate();
    await until(() => heard.closed !== null, 'the upstream side to end');
    expect(await proxy.recorded(1)).toMatchObject([{ status: 101, verdict: 'allow' }]);
  });
});
