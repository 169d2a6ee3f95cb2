// What an agent, or an upstream, may try with messages, fragments, compression and closes.
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { RunningProxy } from './harness/proxy.ts';
import { until } from './harness/proxy.ts';
import { endSettings, rawSetting } from './harness/setting.ts';
import type { Upstream, UpstreamPeer } from './harness/upstream.ts';
import {
  frameBytes,
  HANDSHAKE_ACCEPT,
  openRawThrough,
  openWebSocket,
  type RawWebSocket,
  readFrames,
  webSocketSetting,
} from './harness/websocket.ts';

afterEach(endSettings);

const token = (): string => `ghp_${randomBytes(18).toString('hex')}`;
const deflated = (text: string | Buffer): Buffer =>
  deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

/** A server that says yes to the handshake and then nothing. */
async function silentSetting(
  options: Parameters<typeof rawSetting>[1] = {},
  extension = '',
): Promise<{
  proxy: RunningProxy;
  upstream: Upstream;
}> {
  return rawSetting((peer) => {
    peer.socket.once('data', () => peer.send(yes(extension)));
  }, options);
}

const yes = (extension: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${HANDSHAKE_ACCEPT}\r\n` +
  `${extension === '' ? '' : `Sec-WebSocket-Extensions: ${extension}\r\n`}\r\n`;

/** The frames that a silent server got, and their bytes. */
function got(peer: UpstreamPeer) {
  const text = peer.received();
  return readFrames(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1'));
}

const closeOf = (raw: RawWebSocket): { code: number; reason: string } | null => {
  const close = raw.frames().find(({ opcode }) => opcode === 8);
  return close === undefined
    ? null
    : { code: close.payload.readUInt16BE(0), reason: close.payload.toString('latin1', 2) };
};

describe('what is not rewritten', () => {
  it('leaves in the frames and the compression that it came in, under another mask', async () => {
    const { proxy, upstream } = await silentSetting({}, 'permessage-deflate');
    const agent = await openRawThrough(proxy, 'permessage-deflate');
    const payload = deflated('all work and no play '.repeat(9));
    const sent = [
      { opcode: 1, isFinal: false, reserved: 4, payload: payload.subarray(0, 5) },
      { opcode: 9, payload: 'ping' },
      { opcode: 0, isFinal: false, payload: '' },
      { opcode: 0, payload: payload.subarray(5) },
      { opcode: 2, payload: Buffer.alloc(70_000, 1) },
      { opcode: 1, reserved: 4, payload: Buffer.from([0]) },
    ];
    agent.write(Buffer.concat(sent.map((frame) => frameBytes(frame, true))));
    const peer = await upstream.peer(0);
    await until(() => got(peer).length === sent.length, 'all frames');
    // A control frame may overtake what waits for the end of its message.
    const inOrder = [sent[1]!, sent[0]!, ...sent.slice(2)];
    expect(got(peer)).toEqual(
      inOrder.map(({ opcode, isFinal = true, reserved = 0, payload }) => ({
        ...{ opcode, isFinal, reserved },
        payload: Buffer.from(payload as string, 'latin1'),
      })),
    );
    expect(peer.received()).not.toContain(frameBytes(sent[1]!, true).toString('latin1', 2, 6));
  });

  it('comes back byte by byte as the upstream sent it', async () => {
    const { proxy, upstream } = await silentSetting({}, 'permessage-deflate; server_no_context_takeover');
    const agent = await openRawThrough(proxy, 'permessage-deflate');
    const sent = Buffer.concat(
      [
        { opcode: 1, isFinal: false, payload: 'one ' },
        { opcode: 9, payload: '' },
        { opcode: 0, payload: 'two' },
        { opcode: 1, reserved: 4, payload: deflated('three') },
        { opcode: 8, payload: '\x03\xe8bye' },
      ].map((frame) => frameBytes(frame, false)),
    );
    const peer = await upstream.peer(0);
    for (let at = 0; at < sent.length; at += 7) peer.send(sent.subarray(at, at + 7));
    await until(() => agent.received().length >= sent.length, 'all bytes');
    expect(agent.received().equals(sent)).toBe(true);
  });
});

describe('a redacted message', () => {
  const route = { dlp: { onMatch: 'redact' as const, except: [] } };

  it.each([
    ['without compression', false],
    ['that is compressed', true],
    ['of an agent that starts each message anew', { clientNoContextTakeover: true }],
    ['of an agent with a small window', { clientMaxWindowBits: 9 }],
    ['of both sides with the smallest window', { clientMaxWindowBits: 8, serverMaxWindowBits: 8 }],
  ])('%s leaves without its token, and all that follow arrive', async (_what, deflate) => {
    const { proxy, upstream } = await webSocketSetting({ deflate, route, limits: { holdBytes: 100_000 } });
    const talk = await openWebSocket(proxy, deflate);
    const secret = token();
    const filler = 'the same words again and again, '.repeat(20);
    const noise = randomBytes(80_000).toString('hex').replace(/\d/g, ' ');
    const texts = [
      `${filler} 1`,
      `${filler} ${secret} 2`,
      `${filler} 3 ${secret}`,
      `${filler} 4`,
      `${noise} ${secret} ${noise}`,
      noise,
      '',
      `${filler} 5`,
    ];
    for (const text of texts) talk.socket.send(text);
    talk.socket.send(`${filler} ${secret.slice(0, 9)}`, { fin: false });
    talk.socket.ping('p');
    talk.socket.send(`${secret.slice(9)} ${filler}`);
    await until(() => talk.messages.length === texts.length + 1, 'all echoes');
    const heard = await upstream.first();
    const replaced = /bottle-redacted-github-token-\w+/.exec(heard.messages[1]!.text)?.[0] ?? 'nothing';
    const expected = [...texts, `${filler} ${secret} ${filler}`].map((text) => text.replaceAll(secret, replaced));
    expect(heard.messages.map(({ text }) => text).map((text, i) => text === expected[i])).toEqual(
      expected.map(() => true),
    );
    expect(talk.messages.join('')).not.toContain(secret);
    talk.socket.close(1000);
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'redact', status: 101 });
    expect(record!.findings.length).toBeGreaterThanOrEqual(4);
  });
});

describe('compression that hides something', () => {
  const compressing = 'permessage-deflate';

  it('such as a token that refers to an earlier message is read', async () => {
    const { proxy, upstream } = await webSocketSetting();
    const talk = await openWebSocket(proxy);
    const secret = token();
    talk.socket.send(`here is a word: ${secret.slice(4)}`);
    talk.socket.send('and now gh');
    await until(() => talk.messages.length === 2, 'the echoes');
    talk.socket.send(`here is a word: ghp_${secret.slice(4)}`);
    await until(() => talk.closed !== null, 'the close');
    expect(talk.closed!.code).toBe(1008);
    expect((await upstream.first()).messages).toHaveLength(2);
  });

  const hostile: [string, Buffer[], number, string][] = [
    ['a bomb', [deflated(Buffer.alloc(32 * 1024 * 1024))], 1009, 'over_budget'],
    ['a bomb in fragments', pieces(deflated(Buffer.alloc(32 * 1024 * 1024)), 5), 1009, 'over_budget'],
    ['noise', [Buffer.from('ffffffff', 'hex')], 1007, 'undecodable'],
    ['a message that ends in the middle', [deflated('hello'.repeat(99)).subarray(0, 6)], 1007, 'undecodable'],
    [
      'data behind its end',
      [Buffer.concat([Buffer.from('f348cdc9c9070000', 'hex'), deflated(token())])],
      1007,
      'undecodable',
    ],
  ];
  it.each(hostile)('such as %s never leaves', async (_what, payload, code, rule) => {
    const { proxy, upstream } = await silentSetting({ limits: { decodedBytes: 1024 * 1024 } }, compressing);
    const agent = await openRawThrough(proxy, compressing);
    payload.forEach((piece, i) => {
      const isFinal = i === payload.length - 1;
      agent.send({ opcode: i === 0 ? 2 : 0, reserved: i === 0 ? 4 : 0, isFinal, payload: piece });
    });
    await until(() => agent.isEnded(), 'the end');
    expect(closeOf(agent)).toMatchObject({ code, reason: expect.stringMatching(/^bottle: the message /) });
    const peer = await upstream.peer(0);
    await until(() => peer.socket.readableEnded, 'the end of the upstream side');
    // What was read of a bomb before it was known as one is zeros; no message ends.
    expect(got(peer).filter(({ opcode, isFinal }) => isFinal && opcode !== 8)).toEqual([]);
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ verdict: 'block', stage: 'dlp', rule }]);
    expect(records[0]!.findings).toMatchObject([{ detector: rule, where: 'message' }]);
  });

  it('passes unread on a route that says so, and stays what it is', async () => {
    const route = { dlp: { onMatch: 'block' as const, except: ['undecodable'] } };
    const { proxy, upstream } = await silentSetting({ route }, compressing);
    const agent = await openRawThrough(proxy, compressing);
    agent.send({ opcode: 2, reserved: 4, payload: Buffer.from('ffffffff', 'hex') });
    agent.send({ opcode: 2, reserved: 4, payload: deflated('hello') });
    const secret = token();
    const peer = await upstream.peer(0);
    await until(() => got(peer).filter(({ isFinal }) => isFinal).length === 2, 'both messages');
    expect(Buffer.concat(got(peer).map(({ payload }) => payload)).toString('hex')).toBe(
      `ffffffff${deflated('hello').toString('hex')}`,
    );
    // What is not compressed is read as before.
    agent.send({ opcode: 1, payload: secret });
    await until(() => agent.isEnded(), 'the end');
    expect(closeOf(agent)!.code).toBe(1008);
    expect(peer.received()).not.toContain(secret);
  });

  it('that nobody offered is no answer', async () => {
    const { proxy } = await silentSetting({}, 'permessage-deflate');
    const agent = await openRawThrough(proxy, 'x-webkit-deflate-frame');
    expect(agent.head).toMatch(/^HTTP\/1\.1 502 /);
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'upgrade' }]);
  });
});

describe('a refusal', () => {
  it('waits until the upstream is not in the middle of a frame', async () => {
    const { proxy, upstream } = await silentSetting();
    const agent = await openRawThrough(proxy, null);
    const peer = await upstream.peer(0);
    const reply = frameBytes({ opcode: 2, payload: Buffer.alloc(5000, 7) }, false);
    peer.send(reply.subarray(0, 3000));
    await until(() => agent.received().length === 3000, 'the first half');
    agent.send({ opcode: 1, payload: token() });
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'dlp' }]);
    expect(agent.received().length).toBe(3000);
    peer.send(reply.subarray(3000));
    await until(() => agent.isEnded(), 'the end');
    expect(agent.received().subarray(0, reply.length).equals(reply)).toBe(true);
    expect(closeOf(agent)).toMatchObject({ code: 1008 });
    expect(got(peer)).toMatchObject([{ opcode: 8 }]);
  });

  it('is recorded after the upstream closed, too: until the agent has closed nothing is over', async () => {
    const { proxy, upstream } = await silentSetting();
    const agent = await openRawThrough(proxy, null);
    const peer = await upstream.peer(0);
    peer.send(frameBytes({ opcode: 8, payload: '\x03\xe8' }, false));
    await until(() => agent.frames().length === 1, 'the close');
    expect(proxy.records()).toHaveLength(0);
    const secret = token();
    agent.send({ opcode: 1, payload: secret });
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'dlp', rule: 'github-token' }]);
    await until(() => agent.isEnded(), 'the end');
    expect(peer.received()).not.toContain(secret.slice(0, 8));
  });

  it('is not needed behind the close of the agent: nothing of that leaves', async () => {
    const { proxy, upstream } = await silentSetting();
    const agent = await openRawThrough(proxy, null);
    const peer = await upstream.peer(0);
    agent.send({ opcode: 8, payload: '\x03\xe8' });
    agent.send({ opcode: 1, payload: token() });
    await until(() => got(peer).length === 1, 'the close');
    peer.send(frameBytes({ opcode: 8, payload: '\x03\xe8' }, false));
    peer.socket.end();
    await until(() => agent.isEnded(), 'the end');
    expect(got(peer)).toMatchObject([{ opcode: 8 }]);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'allow', status: 101 }]);
  });

  it('of a frame that breaks the rules says so to the agent, and the upstream sees a going away', async () => {
    const { proxy, upstream } = await silentSetting();
    const agent = await openRawThrough(proxy, null);
    agent.send({ opcode: 1, payload: 'good' });
    agent.send({ opcode: 3, payload: 'bad' });
    await until(() => agent.isEnded(), 'the end');
    expect(closeOf(agent)).toEqual({ code: 1002, reason: 'bottle: an unknown frame type' });
    const frames = got(await upstream.peer(0));
    expect(frames.map(({ payload }) => payload.toString('latin1'))).toEqual(['good', '\x03\xe9']);
  });

  it('of an upstream that breaks the rules lets pass what was right before', async () => {
    const { proxy, upstream } = await silentSetting();
    const agent = await openRawThrough(proxy, null);
    const peer = await upstream.peer(0);
    const good = frameBytes({ opcode: 1, payload: 'good' }, false);
    peer.send(Buffer.concat([good, frameBytes({ opcode: 1, payload: 'masked' }, true)]));
    await until(() => agent.isEnded(), 'the end');
    expect(agent.frames().map(({ opcode }) => opcode)).toEqual([1, 8]);
    expect(closeOf(agent)).toMatchObject({ code: 1002 });
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'allow', stage: 'upstream', rule: 'ws-mask' }]);
  });
});

describe('an injected value that the upstream echoes', () => {
  const value = `sk-live-${randomBytes(20).toString('hex')}`;
  const options = {
    route: { auth: { type: 'bearer', secret: 'TOKEN' } as const },
    secrets: [{ name: 'TOKEN', value, placeholder: 'bottle-placeholder-abcdefgh' }],
  };
  const stars = '*'.repeat(value.length);
  const say = (texts: string[]) => (socket: WebSocket) => {
    for (const text of texts) socket.send(text);
  };

  const echoes: [string, (socket: WebSocket) => void, string[]][] = [
    ['in a message', say([`you are ${value}!`]), [`you are ${stars}!`]],
    [
      'in one of many',
      say(['one', `two ${value}`, 'three', `${value} four`]),
      ['one', `two ${stars}`, 'three', `${stars} four`],
    ],
    [
      'across fragments',
      (socket) => {
        socket.send(`a ${value.slice(0, 10)}`, { fin: false });
        socket.ping('between');
        socket.send(value.slice(10, 20), { fin: false });
        socket.send(`${value.slice(20)} b`, { fin: true });
      },
      [`a ${stars} b`],
    ],
    [
      'a letter a fragment',
      (socket) => {
        for (const letter of value) socket.send(letter, { fin: false });
        socket.send('', { fin: true });
      },
      [stars],
    ],
    [
      // So much of it at a message's end is no chance; the next message may have the rest.
      'with its beginning at the end of a message',
      say([`x ${value.slice(0, 12)}`, 'y', `${value.slice(0, 12)}z`]),
      [`x ${'*'.repeat(12)}`, 'y', `${value.slice(0, 12)}z`],
    ],
    ['in base64', say([Buffer.from(value).toString('base64')]), []],
    [
      'in a large message',
      say([`${'x'.repeat(700_000)}${value}${'y'.repeat(700_000)}`, 'after']),
      [`${'x'.repeat(700_000)}${stars}${'y'.repeat(700_000)}`, 'after'],
    ],
    [
      'in a message that compresses well, and one behind it',
      say([`${'z'.repeat(9_000_000)}${value}`, 'z'.repeat(100), value]),
      [`${'z'.repeat(9_000_000)}${stars}`, 'z'.repeat(100), stars],
    ],
  ];
  describe.each([
    ['without compression', false],
    ['with compression', true],
    ['with compression that starts each message anew', { serverNoContextTakeover: true }],
    ['with the smallest windows', { clientMaxWindowBits: 8, serverMaxWindowBits: 8 }],
  ])('%s', (_how, deflate) => {
    it.each(echoes)('%s is scrubbed, and everything else arrives', async (_what, talkOf, expected) => {
      const { proxy } = await webSocketSetting({
        ...options,
        deflate,
        talk: (socket) =>
          socket.once('message', () => {
            talkOf(socket);
            socket.send('the end');
          }),
      });
      const talk = await openWebSocket(proxy, deflate);
      talk.socket.send('go');
      await until(() => talk.messages.at(-1) === 'the end', 'the last message');
      const messages = talk.messages.slice(0, -1);
      if (expected.length > 0)
        expect(messages.map((text, i) => text === expected[i])).toEqual(expected.map(() => true));
      const all = messages.join('');
      expect(all.includes(value)).toBe(false);
      expect(Buffer.from(all, 'base64').includes(value)).toBe(false);
      talk.socket.close(1000);
      expect(await proxy.recorded(1)).toMatchObject([{ injected: ['TOKEN'], verdict: 'allow' }]);
    });
  });

  it('is scrubbed from pings and closes', async () => {
    const { proxy } = await webSocketSetting({
      ...options,
      talk: (socket) =>
        socket.once('message', () => {
          socket.ping(value);
          socket.close(4000, `bye ${value}`);
        }),
    });
    const talk = await openWebSocket(proxy);
    const pings: string[] = [];
    talk.socket.on('ping', (data) => pings.push(data.toString()));
    talk.socket.send('go');
    await until(() => talk.closed !== null, 'the close');
    expect(pings).toEqual([stars]);
    expect(talk.closed).toEqual({ code: 4000, reason: `bye ${stars}` });
  });

  it('cannot be hidden in what does not decode', async () => {
    const { proxy, upstream } = await silentSetting(options, 'permessage-deflate');
    const agent = await openRawThrough(proxy, 'permessage-deflate');
    const peer = await upstream.peer(0);
    const hidden = Buffer.concat([Buffer.from('f348cdc9c9070000', 'hex'), Buffer.from(value)]);
    peer.send(frameBytes({ opcode: 1, payload: 'first' }, false));
    peer.send(frameBytes({ opcode: 1, reserved: 4, payload: hidden }, false));
    await until(() => agent.isEnded(), 'the end');
    expect(agent.frames().map(({ opcode }) => opcode)).toEqual([1, 8]);
    expect(closeOf(agent)).toMatchObject({ code: 1007 });
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'undecodable' }]);
  });
});

function pieces(bytes: Buffer, count: number): Buffer[] {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
