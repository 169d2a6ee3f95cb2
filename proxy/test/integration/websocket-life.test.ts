// Long and short lives of WebSockets: kept alive by pings, ended when idle, dropped in every phase without a trace but their record.
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { openTunnel } from './harness/client.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import {
  frameBytes,
  HANDSHAKE_ACCEPT,
  HANDSHAKE_KEY,
  openRawThrough,
  openWebSocket,
  webSocketSetting,
} from './harness/websocket.ts';

afterEach(endSettings);

const run = promisify(execFile);

const descriptors = (proxy: RunningProxy): number => readdirSync(`/proc/${proxy.pid}/fd`).length;

describe('a WebSocket', () => {
  it('on which nothing moves but pings lives on, and ends with its reason once nothing moves at all', async () => {
    const { proxy, upstream } = await webSocketSetting({ limits: { idleTimeoutMs: 1_500 } });
    const talk = await openWebSocket(proxy);
    const heard = await upstream.first();
    const begun = performance.now();
    const timer = setInterval(() => talk.socket.ping(), 250);
    // Twice the limit.
    await until(() => performance.now() - begun > 3_000, 'the time to pass');
    clearInterval(timer);
    expect(talk.closed).toBeNull();
    await until(() => talk.closed !== null && heard.closed !== null, 'the end');
    expect(talk.closed).toEqual({ code: 1001, reason: 'bottle: nothing moved for longer than the idle limit' });
    expect(heard.closed).toEqual({ code: 1001, reason: '' });
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'allow', stage: 'upstream', rule: 'timeout' }]);
  });

  it('whose upstream is slow holds the agent back instead of growing', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate: false, talk: () => {} });
    const talk = await openWebSocket(proxy, false);
    const heard = await upstream.first();
    heard.socket.pause();
    const piece = Buffer.alloc(512 * 1024, 'slow and steady ');
    for (let i = 0; i < 128; i++) talk.socket.send(piece);
    let before = -1;
    await until(() => {
      const isStill = talk.socket.bufferedAmount === before;
      before = talk.socket.bufferedAmount;
      return isStill && before > 0;
    }, 'the agent to be held back');
    expect(talk.socket.bufferedAmount).toBeGreaterThan(32 * 1024 * 1024);
    heard.socket.resume();
    await until(() => heard.messages.length === 128, 'all messages');
  });

  it('of the Python package websockets works both ways, compressed and large', async () => {
    const { proxy } = await webSocketSetting({ limits: { holdBytes: 64 * 1024 } });
    const ca = join(proxy.directory, 'ca.pem');
    const script = join(proxy.directory, 'client.py');
    writeFileSync(ca, proxy.ca);
    writeFileSync(script, PYTHON);
    const { stdout } = await run('/usr/bin/python3', [script, String(proxy.port), ca, HOST]);
    expect(JSON.parse(stdout)).toEqual({
      extensions: ['PerMessageDeflate'],
      echoes: [true, true, true, true, true],
      pong: true,
      closed: 1000,
      refused: 1008,
    });
    const records = await proxy.recorded(2);
    expect(records).toMatchObject([{ verdict: 'allow' }, { verdict: 'block', rule: 'github-token' }]);
  });
});

/** Echoes of several kinds, a ping, a clean close; then a connection with a token in it. */
const PYTHON = `
import asyncio, json, os, socket, ssl, sys
import websockets

async def connect(port, ca, host):
    raw = socket.create_connection(("127.0.0.1", port))
    raw.sendall(f"CONNECT {host}:443 HTTP/1.1\\r\\nHost: {host}:443\\r\\n\\r\\n".encode())
    answer = b""
    while b"\\r\\n\\r\\n" not in answer:
        answer += raw.recv(1)
    raw.setblocking(False)
    context = ssl.create_default_context(cafile=ca)
    return await websockets.connect(f"wss://{host}/py", sock=raw, ssl=context, server_hostname=host, max_size=None)

async def main(port, ca, host):
    one = await connect(int(port), ca, host)
    echoes = []
    large = "all work and no play " * 20000
    for said in ["hello", b"\\x00\\x01", large, os.urandom(200000), ""]:
        await one.send(said)
        echoes.append(await one.recv() == said)
    pong = await asyncio.wait_for(await one.ping(b"p"), 5) is None or True
    await one.close(1000)
    two = await connect(int(port), ca, host)
    try:
        await two.send("my token is ghp_" + os.urandom(18).hex())
        await two.recv()
        refused = 0
    except websockets.ConnectionClosed as error:
        refused = error.rcvd.code
    names = [type(e).__name__ for e in one.extensions]
    print(json.dumps({"extensions": names, "echoes": echoes, "pong": pong, "closed": one.close_code, "refused": refused}))

asyncio.run(main(*sys.argv[1:]))
`;

describe('sockets that are dropped', () => {
  const EACH = 250;
  const AT_ONCE = 25;
  const text = frameBytes({ opcode: 1, payload: 'hello' }, true);

  it('in every phase leave a record each, and no descriptor', async () => {
    let upstreamSockets = 0;
    const { proxy, upstream } = await rawSetting(
      (peer) => {
        upstreamSockets++;
        peer.socket.on('close', () => upstreamSockets--);
        peer.socket.once('data', () => {
          if (peer.received().startsWith('GET /silent')) return;
          peer.send(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
              `Sec-WebSocket-Accept: ${HANDSHAKE_ACCEPT}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
          );
          if (peer.received().startsWith('GET /half-reply'))
            peer.send(frameBytes({ opcode: 2, payload: 'x'.repeat(500) }, false).subarray(0, 99));
          if (peer.received().startsWith('GET /dropped')) peer.socket.destroy();
        });
      },
      { route: { scheme: 'http' } },
    );
    const before = descriptors(proxy);

    // What the agent says last, once the handshake is answered; null = it does not wait for an answer.
    const nothing = Buffer.alloc(0);
    const phases: [string, string, Buffer | null][] = [
      ['while the upstream is silent', '/silent', null],
      ['right behind the handshake', '/open', nothing],
      ['inside a head', '/open', text.subarray(0, 3)],
      ['inside a frame', '/open', text.subarray(0, 8)],
      [
        'inside a compressed message',
        '/open',
        frameBytes({ opcode: 1, isFinal: false, reserved: 4, payload: '\xf2\x48' }, true),
      ],
      ['behind a message', '/open', text],
      ['inside a reply', '/half-reply', nothing],
      ['by the upstream', '/dropped', text],
      ['behind a close', '/open', frameBytes({ opcode: 8, payload: '\x03\xe8' }, true)],
    ];
    const handshake = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${HANDSHAKE_KEY}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`;

    let opened = 0;
    for (const [, path, lastWords] of phases) {
      for (let begun = 0; begun < EACH; begun += AT_ONCE) {
        const reached = upstream.peers.length;
        await Promise.all(
          Array.from({ length: AT_ONCE }, async (_, i) => {
            const socket = await openTunnel(proxy, `${HOST}:80`);
            let received = '';
            socket.on('data', (chunk: Buffer) => {
              received += chunk.toString('latin1');
            });
            socket.on('error', () => {});
            socket.write(handshake(path));
            if (lastWords === null) await until(() => upstream.peers.length >= reached + AT_ONCE, 'the upstream');
            else {
              await until(() => received.includes('\r\n\r\n'), 'the answer');
              if (lastWords.length > 0) await new Promise((resolve) => socket.write(lastWords, resolve));
            }
            // Half of them politely, half with a reset. Who only ends its side of a plain request waits for the answer.
            if (i % 2 === 0 && lastWords !== null) socket.destroy();
            else socket.resetAndDestroy();
            opened++;
          }),
        );
        await until(() => proxy.records().length >= opened, `${opened} records`);
      }
    }
    await until(() => descriptors(proxy) <= before + 2, `no more than ${before} descriptors`);
    await until(() => upstreamSockets === 0, 'the upstream sides to end');
    expect(proxy.records()).toHaveLength(opened);
    expect(proxy.stderr()).toBe('');
  });
});

describe('a WebSocket with a half-closed side', () => {
  it('still brings what the upstream has to say', async () => {
    const { proxy, upstream } = await rawSetting((peer) => {
      peer.socket.once('data', () =>
        peer.send(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${HANDSHAKE_ACCEPT}\r\n\r\n`,
        ),
      );
    });
    const agent = await openRawThrough(proxy, null);
    agent.send({ opcode: 1, payload: 'my last words' });
    const peer = await upstream.peer(0);
    await until(() => !peer.received().endsWith('\r\n\r\n'), 'the words');
    peer.send(frameBytes({ opcode: 1, payload: 'mine' }, false));
    peer.socket.end();
    await until(() => agent.isEnded(), 'the end');
    expect(agent.frames().map(({ payload }) => payload.toString())).toEqual(['mine']);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'allow', bytes_out: 13, bytes_in: 4 }]);
  });
});
