// The placeholder in the first messages of a WebSocket: swapped once, where protocols ask for their credential, and stopped everywhere else.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { answerOf, connectH2, open } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST } from './harness/setting.ts';
import { type Deflate, openWebSocket, type Talk, webSocketSetting } from './harness/websocket.ts';

afterEach(endSettings);

const PLACEHOLDER = `bottle-${randomBytes(16).toString('hex')}`;
const fresh = (): string => `real"${randomBytes(16).toString('hex')}`;

async function setting(isPlaced = true, deflate: Deflate = true) {
  const value = fresh();
  const { proxy, upstream } = await webSocketSetting({
    deflate,
    secrets: [{ name: 'K', value, placeholder: PLACEHOLDER }],
    route: isPlaced ? { placeholder: { secret: 'K', in: ['ws'] } } : {},
  });
  return { value, proxy, upstream };
}

async function refused(talk: Talk, proxy: RunningProxy): Promise<void> {
  await until(() => talk.closed !== null, 'the close');
  expect(talk.closed!.code).toBe(1008);
  expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'placeholder' }]);
  expect(JSON.stringify(proxy.records())).not.toContain(PLACEHOLDER);
}

/** All but the last have come back before the next one leaves. */
async function sendAll(talk: Talk, ...texts: string[]): Promise<void> {
  for (const [index, text] of texts.entries()) {
    talk.socket.send(text);
    if (index < texts.length - 1) await until(() => talk.messages.length === index + 1, 'the echo');
  }
}

const AUTH = JSON.stringify({ type: 'auth', token: PLACEHOLDER });

describe('the first message with the placeholder', () => {
  it.each<[string, Deflate]>([
    ['as it is', false],
    ['compressed, with a window that later messages refer to', true],
    ['compressed, each by itself', { clientNoContextTakeover: true, serverNoContextTakeover: true }],
  ])('holds the value at the upstream, whose echo is scrubbed (%s)', async (_, deflate) => {
    const { value, proxy, upstream } = await setting(true, deflate);
    const talk = await openWebSocket(proxy, deflate);
    const sent = ['{"type":"hello"}', AUTH, '{"type":"ping"}', 'a text that comes twice', 'a text that comes twice'];
    for (const text of sent) talk.socket.send(text);
    await until(() => talk.messages.length === sent.length, 'the echoes');
    const heard = await upstream.first();
    expect(heard.messages.map(({ text }) => text)).toEqual(
      sent.map((text) => (text === AUTH ? JSON.stringify({ type: 'auth', token: value }) : text)),
    );
    expect(talk.messages.join()).not.toContain(value.slice(5));
    expect(talk.messages[1]).toMatch(/^\{"type":"auth","token":"\*+"\}$/);
    talk.socket.close();
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'allow', injected: ['K'] });
    expect(JSON.stringify(record)).not.toContain(value.slice(5));
  });

  it('may come in fragments', async () => {
    const { value, proxy, upstream } = await setting();
    const talk = await openWebSocket(proxy);
    for (let at = 0; at < AUTH.length; at += 7) {
      talk.socket.send(AUTH.slice(at, at + 7), { fin: at + 7 >= AUTH.length });
    }
    await until(() => talk.messages.length === 1, 'the echo');
    expect(JSON.parse((await upstream.first()).messages[0]!.text)).toEqual({ type: 'auth', token: value });
  });

  it('is swapped over HTTP/2 as well', async () => {
    const { value, proxy, upstream } = await setting(true, false);
    const session = await connectH2(proxy, HOST);
    await until(() => session.remoteSettings?.enableConnectProtocol === true, 'the settings');
    const stream = open(session, [
      ...[':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':authority', HOST, ':path', '/socket'],
      ...['sec-websocket-version', '13'],
    ]);
    void answerOf(stream).catch(() => {});
    await new Promise((resolve) => stream.once('response', resolve));
    stream.write(Buffer.concat([Buffer.from([0x81, 0x80 | AUTH.length, 0, 0, 0, 0]), Buffer.from(AUTH)]));
    const heard = await upstream.first();
    await until(() => heard.messages.length === 1, 'the message');
    expect(JSON.parse(heard.messages[0]!.text)).toEqual({ type: 'auth', token: value });
    session.destroy();
  });
});

describe('the placeholder is refused, and nothing of the message leaves', () => {
  it.each<[string, (talk: Talk) => unknown, number]>([
    ['a second time', (talk) => sendAll(talk, AUTH, AUTH), 1],
    ['in the fifth message', (talk) => sendAll(talk, '1', '2', '3', '4', AUTH), 4],
    ['in a binary message', (talk) => talk.socket.send(Buffer.from(AUTH), { binary: true }), 0],
    ['in a ping', (talk) => talk.socket.ping(PLACEHOLDER), 0],
    ['in another encoding', (talk) => talk.socket.send(Buffer.from(PLACEHOLDER).toString('base64')), 0],
  ])('%s', async (_, send, left) => {
    const { value, proxy, upstream } = await setting();
    const talk = await openWebSocket(proxy);
    await send(talk);
    await refused(talk, proxy);
    const heard = await upstream.first();
    expect(heard.messages).toHaveLength(left);
    expect(heard.pings).toEqual([]);
    expect(JSON.stringify(heard.messages)).not.toContain(PLACEHOLDER);
    expect(heard.messages.filter(({ text }) => text.includes(value.slice(5))).length).toBeLessThanOrEqual(1);
  });

  it('on a route that does not name it', async () => {
    const { proxy, upstream } = await setting(false);
    const talk = await openWebSocket(proxy);
    talk.socket.send(AUTH);
    await refused(talk, proxy);
    expect((await upstream.first()).messages).toEqual([]);
  });
});

it('what stands for the placeholder inside of the proxy is only a text in later messages', async () => {
  const { value, proxy, upstream } = await setting();
  const talk = await openWebSocket(proxy);
  const guess = `swap0.${'swap.'.repeat(20)}`.slice(0, PLACEHOLDER.length);
  for (const text of [AUTH, guess]) talk.socket.send(text);
  await until(() => talk.messages.length === 2, 'the echoes');
  const heard = await upstream.first();
  expect(heard.messages[1]!.text).toBe(guess);
  expect(heard.messages[1]!.text).not.toContain(value);
});
