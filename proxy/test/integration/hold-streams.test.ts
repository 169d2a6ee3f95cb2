// What waits for a person in the middle of something that has begun: WebSocket messages, calls, trailers, bodies too large to hold.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Route } from '../../src/contract.ts';
import { MOST_HELD } from '../../src/net/waiting-room.ts';
import { connectHost } from './harness/client.ts';
import { held, nthHeld, released } from './harness/held.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { openRawThrough, openWebSocket, webSocketSetting } from './harness/websocket.ts';

afterEach(endSettings);

const HOLDING: Partial<Route> = { dlp: { onMatch: 'hold', except: [] } };
const token = (): string => `ghp_${randomBytes(18).toString('hex')}`;
const HOLD_BYTES = 16 * 1024;
const CLOSE = 8;

describe.each([
  ['', false],
  ['compressed ', true],
])('a %sWebSocket message', (_how, deflate) => {
  const setting = () => webSocketSetting({ deflate, route: HOLDING, limits: { holdBytes: HOLD_BYTES } });

  it('waits, and everything behind it; what came before and pings both ways do not', async () => {
    const { proxy, upstream } = await setting();
    const talk = await openWebSocket(proxy, deflate);
    const secret = token();
    talk.socket.send('before');
    talk.socket.send(`my ${secret}`);
    talk.socket.send('behind');
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({ method: 'GET', path: '/live', stage: 'dlp', rule: 'github-token' });
    expect(event.reason).toContain('github-token in message');
    expect(JSON.stringify(event)).not.toContain(secret);
    const heard = await upstream.first();
    // Pings of the agent arrive and are answered; its pongs arrive as well.
    talk.socket.ping('of the agent');
    heard.socket.ping('of the upstream');
    await until(() => talk.pongs.length === 1 && heard.pongs.length === 1, 'both pongs');
    expect([talk.pongs, heard.pongs]).toEqual([['of the agent'], ['of the upstream']]);
    expect(heard.messages.map(({ text }) => text)).toEqual(['before']);

    proxy.tell({ do: 'approve', id: event.id });
    await until(() => talk.messages.length === 3, 'three echoes');
    expect(heard.messages.map(({ text }) => text)).toEqual(['before', `my ${secret}`, 'behind']);
    talk.socket.close(1000);
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ verdict: 'hold', stage: 'dlp', rule: 'github-token', status: 101 }]);
    expect(records[0]!.reason).toMatch(/^approved by a person: /);
    expect(records[0]!.findings).toHaveLength(1);
    expect(released(proxy)).toEqual([{ event: 'released', id: event.id, by: 'person' }]);
  });

  it('is asked about alone: the word for the first is none for the second', async () => {
    const { proxy, upstream } = await setting();
    const talk = await openWebSocket(proxy, deflate);
    const [first, second] = [token(), token()];
    talk.socket.send(first);
    talk.socket.send(second);
    const one = await nthHeld(proxy, 1);
    proxy.tell({ do: 'approve', id: one.id });
    const two = await nthHeld(proxy, 2);
    expect(two.id).not.toBe(one.id);
    proxy.tell({ do: 'approve', id: one.id });
    proxy.tell({ do: 'deny', id: two.id });
    await until(() => talk.closed !== null, 'the close');
    expect(talk.closed).toMatchObject({
      code: 1008,
      reason: expect.stringContaining('bottle: github-token in message'),
    });
    const heard = await upstream.first();
    await until(() => heard.closed !== null, 'the close at the upstream');
    expect(heard.messages.map(({ text }) => text)).toEqual([first]);
    const records = await proxy.recorded(1);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ verdict: 'hold', reason: expect.stringContaining('denied by a person') });
  });

  it('too large to hold waits where the secret is', async () => {
    const { proxy, upstream } = await setting();
    const talk = await openWebSocket(proxy, deflate);
    const text = `${randomBytes(60_000).toString('hex')} ${token()} ${randomBytes(60_000).toString('hex')}`;
    talk.socket.send(text);
    const event = await nthHeld(proxy);
    const heard = await upstream.first();
    expect(heard.messages).toEqual([]);
    proxy.tell({ do: 'approve', id: event.id });
    await until(() => talk.messages.length === 1, 'the echo');
    expect(heard.messages[0]!.text === text).toBe(true);
  });
});

describe('a WebSocket whose message waits', () => {
  it('counts and sends nothing of it when nobody decides in time', async () => {
    const { proxy, upstream } = await webSocketSetting({
      deflate: false,
      route: HOLDING,
      limits: { holdTimeoutMs: 50 },
    });
    const talk = await openWebSocket(proxy, false);
    talk.socket.send(token());
    await until(() => talk.closed !== null, 'the close');
    expect(talk.closed).toMatchObject({ code: 1008 });
    expect(await proxy.recorded(1)).toMatchObject([
      { verdict: 'hold', bytes_out: 0, reason: expect.stringContaining('no person decided within 0.05 s') },
    ]);
    expect((await upstream.first()).messages).toEqual([]);
    expect(released(proxy)).toMatchObject([{ by: 'timeout' }]);
  });

  const ENDS: readonly (readonly [string, 'client' | 'upstream'])[] = [
    ['its client leaves', 'client'],
    ['its upstream leaves', 'upstream'],
  ];

  it.each(ENDS)('ends when %s, with one record, and the word that comes after is to nobody', async (_, who) => {
    const { proxy, upstream } = await webSocketSetting({ deflate: false, route: HOLDING });
    const talk = await openWebSocket(proxy, false);
    talk.socket.send(token());
    const { id } = await nthHeld(proxy);
    const heard = await upstream.first();
    (who === 'client' ? talk.socket : heard.socket).terminate();
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([
      { verdict: 'hold', bytes_out: 0, reason: expect.stringContaining(`the ${who} left while it waited`) },
    ]);
    proxy.tell({ do: 'approve', id });
    await until(() => released(proxy).length === 1, 'the end of the wait');
    // Another exchange shows that the proxy has read the word.
    const other = await openWebSocket(proxy, false);
    other.socket.send('clean');
    await until(() => other.messages.length === 1, 'an echo');
    expect(heard.messages).toEqual([]);
    expect(proxy.records()).toHaveLength(1);
  });

  it('keeps a close in its place, and the agent is not read for ever', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate: false, route: HOLDING });
    const raw = await openRawThrough(proxy, null);
    const secret = token();
    raw.send({ opcode: 1, payload: secret });
    const { id } = await nthHeld(proxy);
    // Far more than may stand behind a question: the client cannot get rid of it.
    const piece = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    for (; sent < 400 && raw.socket.writableLength < 8 * 1024 * 1024; sent++) raw.send({ opcode: 2, payload: piece });
    raw.send({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) });
    const heard = await upstream.first();
    expect(heard.messages).toEqual([]);
    proxy.tell({ do: 'approve', id });
    await until(() => heard.closed !== null, 'the close');
    expect(heard.messages).toHaveLength(sent + 1);
    expect(heard.messages[0]!.text).toBe(secret);
    expect(heard.closed!.code).toBe(1000);
    expect(await proxy.recorded(1)).toMatchObject([
      { verdict: 'hold', bytes_out: secret.length + sent * piece.length },
    ]);
  });

  it('closes at once when a later message is refused anyway', async () => {
    const value = `real-${randomBytes(20).toString('hex')}`;
    const secrets = [{ name: 'TOKEN', value, placeholder: `bottle_${randomBytes(20).toString('hex')}` }];
    const { proxy, upstream } = await webSocketSetting({ deflate: false, route: HOLDING, secrets });
    const talk = await openWebSocket(proxy, false);
    talk.socket.send(token());
    const { id } = await nthHeld(proxy);
    talk.socket.send(value);
    await until(() => talk.closed !== null, 'the close');
    proxy.tell({ do: 'approve', id });
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'known-secret', bytes_out: 0 }]);
    const heard = await upstream.first();
    await until(() => heard.closed !== null, 'the close at the upstream');
    expect(heard.messages).toEqual([]);
  });
});

const CHUNKED = `POST /notes HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const LAST_CHUNK = /\r\n0\r\n(?:X-T: .*\r\n)?\r\n$/;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Chunked bodies are put together again. */
function contentOf(received: string): string {
  const body = received.slice(received.indexOf('\r\n\r\n') + 4);
  let content = '';
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\r\n', at);
    const size = end < 0 ? 0 : Number.parseInt(body.slice(at, end), 16);
    if (size === 0) break;
    content += body.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
  return content;
}

describe('a body that is too large to hold', () => {
  const setting = (limits: Record<string, number> = {}) =>
    rawSetting(
      (peer) =>
        peer.socket.on('data', () => {
          if (LAST_CHUNK.test(peer.received().slice(-200))) peer.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
        }),
      { route: HOLDING, limits: { holdBytes: HOLD_BYTES, ...limits } },
    );
  const clean = 'all work and no play '.repeat(10_000);

  it('waits at the window that has the secret; then all of it leaves as it came', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectHost(proxy, HOST);
    const [first, second] = [token(), token()];
    client.send(`${CHUNKED}${chunk(clean)}`);
    const peer = await upstream.peer(0);
    await until(() => peer.received().length > 100_000, 'the beginning at the upstream');
    client.send(chunk(`${clean}${first}${clean}`));
    const one = await nthHeld(proxy, 1);
    client.send(`${chunk(clean)}${chunk(second)}0\r\n\r\n`);
    proxy.tell({ do: 'approve', id: one.id });
    const two = await nthHeld(proxy, 2);
    expect(two.findings).toHaveLength(1);
    expect(two.findings[0]!.fingerprint).not.toBe(one.findings[0]!.fingerprint);
    expect(peer.received()).not.toContain(second);
    proxy.tell({ do: 'approve', id: two.id });
    await client.waitFor('hi');
    expect(contentOf(peer.received()) === `${clean}${clean}${first}${clean}${clean}${second}`).toBe(true);
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ verdict: 'hold', status: 200, reason: expect.stringMatching(/, and 1 more$/) }]);
    expect(records[0]!.findings).toHaveLength(2);
  });

  it('with the secret in its held beginning has not begun when the person is asked', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectHost(proxy, HOST);
    const secret = token();
    client.send(`${CHUNKED}${chunk(`${clean}${secret}${clean}`)}`);
    const { id } = await nthHeld(proxy);
    proxy.tell({ do: 'deny', id });
    await client.waitFor('denied by a person');
    expect(upstream.peers.map((peer) => peer.received()).join('')).not.toContain(secret);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', status: 403 }]);
  });

  it('that is denied never ends at the upstream', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectHost(proxy, HOST);
    const secret = token();
    client.send(`${CHUNKED}${chunk(clean)}`);
    const peer = await upstream.peer(0);
    await until(() => peer.received().length > 100_000, 'the beginning at the upstream');
    client.send(`${chunk(`${secret}${clean}`)}0\r\n\r\n`);
    const { id } = await nthHeld(proxy);
    proxy.tell({ do: 'deny', id });
    await client.waitFor('denied by a person');
    await until(() => peer.socket.destroyed, 'the end of the connection');
    expect(peer.received()).not.toContain(secret);
    expect(peer.received().endsWith('0\r\n\r\n')).toBe(false);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', status: 403 }]);
  });

  it('waits with its trailer, too', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectHost(proxy, HOST);
    const secret = token();
    client.send(`${CHUNKED}${chunk(clean)}0\r\nX-T: ${secret}\r\n\r\n`);
    const event = await nthHeld(proxy);
    expect(event.reason).toContain('github-token in trailer');
    const peer = await upstream.peer(0);
    expect(peer.received().endsWith('0\r\n\r\n')).toBe(false);
    proxy.tell({ do: 'approve', id: event.id });
    await client.waitFor('hi');
    expect(peer.received()).toMatch(new RegExp(`\\r\\n0\\r\\nX-T: ${secret}\\r\\n\\r\\n$`));
  });

  it('ends when its client goes away in the middle of it', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectHost(proxy, HOST);
    client.send(`${CHUNKED}${chunk(clean)}${chunk(`${token()}${clean}`)}`);
    const { id } = await nthHeld(proxy);
    client.close();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', status: 0 }]);
    expect(released(proxy)).toEqual([{ event: 'released', id, by: 'client' }]);
    expect(upstream.peers.map((peer) => peer.received()).join('')).not.toContain('ghp_');
  });

  it('is read no further than a bound while it waits', async () => {
    const { proxy, upstream } = await setting();
    const client = await connectHost(proxy, HOST);
    client.send(`${CHUNKED}${chunk(clean)}`);
    const peer = await upstream.peer(0);
    await until(() => peer.received().length > 100_000, 'the beginning at the upstream');
    client.send(chunk(`${token()}${clean}`));
    const { id } = await nthHeld(proxy);
    for (let i = 0; i < 20; i++) client.send(chunk(clean));
    client.send('0\r\n\r\n');
    proxy.tell({ do: 'approve', id });
    await client.waitFor('hi');
    expect(contentOf(peer.received()).length).toBe(40 + clean.length * 22);
  });
});

describe('an agent that asks and leaves', () => {
  it('a thousand times leaves nothing behind, and room for one who waits', async () => {
    const { proxy } = await rawSetting(() => {}, { route: HOLDING });
    const rounds = 25;
    const each = 40;
    expect(each).toBeLessThan(MOST_HELD);
    for (let round = 1; round <= rounds; round++) {
      const clients = await Promise.all(Array.from({ length: each }, () => connectHost(proxy, HOST)));
      for (const client of clients) {
        const body = token();
        client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }
      await nthHeld(proxy, round * each);
      for (const client of clients) client.close();
      await until(() => released(proxy).length === round * each, 'the end of the waits');
    }
    expect(released(proxy).every(({ by }) => by === 'client')).toBe(true);
    await proxy.recorded(rounds * each);
    expect(new Set(proxy.records().map(({ verdict, status }) => `${verdict} ${status}`))).toEqual(new Set(['hold 0']));
    // Room for as many as ever.
    const last = await connectHost(proxy, HOST);
    last.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-Note: ${token()}\r\n\r\n`);
    await nthHeld(proxy, rounds * each + 1);
    expect(held(proxy)).toHaveLength(rounds * each + 1);
  });
});
