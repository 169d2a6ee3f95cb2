// Every case is played twice, straight and through the proxy: both ends must notice no difference. What breaks the rules of framing is
// stopped by the proxy: then the sender sees the same close as from the other end, which gets what came before and nothing else.
import { createHash } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { openTunnel } from './harness/client.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { type EchoUpstream, echoUpstream, type Frame, frameBytes, openRaw, readFrames } from './harness/websocket.ts';
import { CASES, type Case, compressed } from './harness/websocket-cases.ts';

const END: Frame = { opcode: 9, payload: 'the end of the case' };
const PLAIN = { scheme: 'http' as const };
const LIMITS = { holdBytes: 2 * 1024 * 1024 };
const AUTH = {
  route: { ...PLAIN, auth: { type: 'bearer', secret: 'TOKEN' } as const },
  secrets: [{ name: 'TOKEN', value: `sk-${'0123456789abcdef'.repeat(2)}`, placeholder: 'bottle-placeholder-xyz' }],
};

/** A frame of one end, as the other end got it. */
interface Got {
  readonly opcode: number;
  readonly payload: string;
}
type Close = { readonly code: number; readonly reason: string } | null;

/** Fragments put together: where they are cut is nobody's business. */
function messagesOf(frames: ReturnType<typeof readFrames>): Got[] {
  const out: Got[] = [];
  let pieces: Buffer[] = [];
  let begun = 0;
  for (const { opcode, isFinal, payload } of frames) {
    if (opcode >= 8) {
      out.push({ opcode, payload: payload.toString('latin1') });
      continue;
    }
    if (opcode !== 0) begun = opcode;
    pieces.push(payload);
    if (!isFinal) continue;
    out.push({ opcode: begun, payload: Buffer.concat(pieces).toString('latin1') });
    pieces = [];
  }
  return out;
}

const codeOf = (got: readonly Got[]): number | null => {
  const close = got.find(({ opcode }) => opcode === 8);
  return close === undefined || close.payload.length < 2 ? null : Buffer.from(close.payload, 'latin1').readUInt16BE(0);
};
const isOurs = (got: readonly Got[]): boolean =>
  got.some(({ opcode, payload }) => opcode === 8 && payload.slice(2).startsWith('bottle: '));

function write(socket: Socket, { frames, chop }: Case, isMasked: boolean): void {
  const bytes = Buffer.concat([...frames, END].map((frame) => frameBytes(frame, isMasked)));
  const step = chop ?? bytes.length;
  for (let at = 0; at < bytes.length; at += step) socket.write(bytes.subarray(at, at + step));
}

async function straight(address: string): Promise<Socket> {
  const socket = connect({ port: Number(address.split(':')[1]), host: '127.0.0.1', allowHalfOpen: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  later(() => socket.destroy());
  return socket;
}

const through = (proxy: RunningProxy): Promise<Socket> => openTunnel(proxy, `${HOST}:80`);

let plays = 0;

afterAll(endSettings);

describe.each([
  ['as it is', false],
  ['compressed', true],
])('from an agent, %s', (_how, uses) => {
  let upstream: EchoUpstream;
  let proxy: RunningProxy;
  beforeAll(async () => {
    upstream = await echoUpstream(null, uses);
    proxy = await proxyTo(upstream, '', { limits: LIMITS, route: PLAIN });
  });

  async function play(socket: Socket, one: Case) {
    const path = `/${++plays}`;
    const raw = await openRaw(socket, HOST, uses ? 'permessage-deflate' : null, path);
    const heard = upstream.heard.find((other) => other.path === path)!;
    write(socket, one, true);
    await until(
      () =>
        raw.isEnded() ||
        raw.frames().some(({ opcode, payload }) => opcode === 10 && payload.toString() === END.payload),
      'the end of the case',
    );
    socket.end();
    await until(() => heard.closed !== null, 'the end of the upstream side');
    const { messages, pings, pongs, closed } = heard;
    return { agent: raw.frames(), upstream: { messages, pings, pongs, closed } };
  }

  it.concurrent.each(CASES.map((one) => [one.name, one] as const))('%s', async (_name, given) => {
    const one = { ...given, frames: uses ? compressed(given.frames) : given.frames };
    const direct = await play(await straight(upstream.address), one);
    const proxied = await play(await through(proxy), one);
    const got = messagesOf(proxied.agent);
    if (isOurs(got)) {
      expect(codeOf(got)).toBe(codeOf(messagesOf(direct.agent)));
      const { messages, pings, pongs } = direct.upstream;
      expect(proxied.upstream).toEqual({ messages, pings, pongs, closed: { code: 1001, reason: '' } });
    } else {
      expect(proxied.agent).toEqual(direct.agent);
      expect(proxied.upstream).toEqual(direct.upstream);
    }
  });

  it('leaves one record for each case', async () => {
    const records = await proxy.recorded(CASES.length);
    expect(records).toHaveLength(CASES.length);
    const blocked = records.filter(({ verdict }) => verdict === 'block');
    expect(blocked.length).toBeGreaterThan(20);
    expect(blocked.every(({ stage, rule }) => stage === 'protocol' && rule.startsWith('ws-'))).toBe(true);
  });
});

describe.each([
  ['as it comes', false, { route: PLAIN }],
  ['searched', false, AUTH],
  ['compressed and searched', true, AUTH],
])('from an upstream, %s', (_how, uses, options) => {
  let address: string;
  let proxy: RunningProxy;
  const peers: Peers = new Map();
  beforeAll(async () => {
    address = await rawServer(uses, peers);
    proxy = await proxyTo({ address }, '', { limits: LIMITS, ...options });
  });

  async function play(socket: Socket, one: Case) {
    const path = `/${++plays}`;
    const client = new WebSocket(`ws://${HOST}${path}`, { createConnection: () => socket, perMessageDeflate: uses });
    const got: Got[] = [];
    let closed: Close = null;
    client.on('message', (data: Buffer, isBinary) =>
      got.push({ opcode: isBinary ? 2 : 1, payload: data.toString('latin1') }),
    );
    client.on('ping', (data) => got.push({ opcode: 9, payload: data.toString('latin1') }));
    client.on('pong', (data) => got.push({ opcode: 10, payload: data.toString('latin1') }));
    client.on('close', (code, reason) => {
      closed = { code, reason: reason.toString('latin1') };
    });
    client.on('error', () => {});
    later(() => client.terminate());
    await until(() => client.readyState === WebSocket.OPEN, 'the handshake');
    const { socket: peer, received } = peers.get(path)!;
    write(peer, one, false);
    const isAnswered = (): boolean =>
      readFrames(received()).some(({ opcode, payload }) => opcode === 10 && payload.toString() === END.payload);
    await until(() => closed !== null || isAnswered(), 'the end of the case');
    if (closed === null) peer.end();
    await until(() => closed !== null && peer.readableEnded, 'the end of both sides');
    peer.destroy();
    return { agent: got, closed: closed as Close, upstream: messagesOf(readFrames(received())) };
  }

  it.concurrent.each(CASES.map((one) => [one.name, one] as const))('%s', async (_name, given) => {
    const one = { ...given, frames: uses ? compressed(given.frames) : given.frames };
    const direct = await play(await straight(address), one);
    const proxied = await play(await through(proxy), one);
    expect(proxied.agent).toEqual(direct.agent);
    if (proxied.closed!.reason.startsWith('bottle: ')) {
      // The client of `ws` that finds the flaw itself reports what it sent.
      const sent = codeOf(direct.upstream);
      expect(proxied.closed!.code).toBe(sent);
      const isRefused = ({ opcode }: Got): boolean => opcode !== 8;
      expect(proxied.upstream.filter(isRefused)).toEqual(direct.upstream.filter(isRefused));
      expect(codeOf(proxied.upstream)).toBe(1001);
    } else {
      expect(proxied.closed).toEqual(direct.closed);
      expect(proxied.upstream).toEqual(direct.upstream);
    }
  });

  it('leaves one record for each case', async () => {
    expect(await proxy.recorded(CASES.length)).toHaveLength(CASES.length);
    expect(proxy.records().every(({ verdict, status }) => verdict === 'allow' && status === 101)).toBe(true);
  });
});

type Peers = Map<string, { readonly socket: Socket; readonly received: () => Buffer }>;

/** Says yes to every handshake and leaves the rest to the case. */
async function rawServer(compresses: boolean, peers: Peers): Promise<string> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    let bytes = Buffer.alloc(0);
    let head = -1;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (head >= 0) return;
      head = bytes.indexOf('\r\n\r\n');
      if (head < 0) return;
      const text = bytes.toString('latin1', 0, head);
      const key = /sec-websocket-key: (\S+)/i.exec(text)![1]!;
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      peers.set(text.split(' ')[1]!, { socket, received: () => bytes.subarray(head + 4) });
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
          `${compresses ? 'Sec-WebSocket-Extensions: permessage-deflate\r\n' : ''}\r\n`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  later(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return `127.0.0.1:${address.port}`;
}
