// Many, slow, broken and rude peers: the proxy neither falls over nor keeps what they left behind.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openHost, openPlain, openTunnel, request, send } from './raw-client.ts';
import { type Rig, startRig, until } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - { host: open.example, auth: { type: bearer, secret: TOKEN } }
`,
    env: { HOSTILE_TOKEN: randomBytes(20).toString('hex') },
    hosts: ['open.example:443'],
  });
});
afterEach(() => rig.upstream.answerWith(null));
afterAll(async () => {
  expect(rig.stderr()).toBe('');
  await rig.stop();
});

const GET = request('GET /', 'open.example');
const descriptors = (): number => readdirSync(`/proc/${rig.pid}/fd`).length;
const residentBytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.pid}/status`, 'utf8'))?.[1]) * 1024;

async function isWell(): Promise<void> {
  expect(await send(rig, 'open.example', GET)).toMatchObject({ status: 200, body: 'ok' });
}

/** `count` runs of `act`, `wide` at a time. */
async function many(count: number, wide: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: wide }, async () => {
      for (let index = next++; index < count; index = next++) await act(index);
    }),
  );
}

async function settlesAt(before: number): Promise<void> {
  // Idle connections to the upstream may stay in the pool.
  await until(() => descriptors() <= before + 16, `descriptors to come back to ${before}, there are ${descriptors()}`);
}

test('2,000 connections in every state of undress leave no descriptor behind', async () => {
  await many(50, 10, isWell);
  const before = descriptors();
  await many(2000, 20, async (index) => {
    switch (index % 8) {
      case 0: {
        const socket = connect(rig.port, '127.0.0.1').on('error', () => {});
        await new Promise((resolve) => socket.once('connect', resolve));
        socket.resetAndDestroy();
        break;
      }
      case 1: {
        const client = await openPlain(rig);
        client.send('CONNECT open.exa');
        client.close();
        break;
      }
      case 2: {
        const tunnel = await openTunnel(rig, 'open.example:443');
        tunnel.destroy();
        break;
      }
      case 3: {
        const tunnel = await openTunnel(rig, 'open.example:443');
        tunnel.on('error', () => {}).write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
        tunnel.resetAndDestroy();
        break;
      }
      case 4: {
        const tunnel = await openTunnel(rig, 'evil.example:443');
        tunnel.on('error', () => {}).end(randomBytes(200));
        await new Promise((resolve) => tunnel.once('close', resolve).resume());
        break;
      }
      case 5: {
        const client = await openHost(rig, 'open.example');
        client.send('POST / HTTP/1.1\r\nHost: open.example\r\nContent-Length: 1000\r\n\r\nabc');
        client.socket.destroy();
        break;
      }
      case 6: {
        const client = await openHost(rig, 'open.example');
        client.send(GET);
        client.socket.destroy();
        break;
      }
      default:
        await send(rig, 'open.example', GET);
    }
  });
  await settlesAt(before);
  await isWell();
});

test('an upstream that ends at every byte of its answer leaves nothing behind, and every request is answered or cut', async () => {
  const before = descriptors();
  const whole = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
  for (let length = 0; length < whole.length; length++) {
    rig.upstream.answerWith((socket) => {
      socket.write(whole.slice(0, length));
      // Both kinds of end.
      if (length % 2 === 0) socket.end();
      else setImmediate(() => socket.destroy());
    });
    const { body } = await send(rig, 'open.example', GET);
    expect(body.endsWith('0\r\n\r\n')).toBe(false);
  }
  rig.upstream.answerWith(null);
  await settlesAt(before);
  await isWell();
});

test('an upstream that talks nonsense gets 502, not into the agent', async () => {
  const answers = [
    randomBytes(300).toString('latin1'),
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx',
    'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    'HTTP/1.1 99 No\r\n\r\n',
    'HTTP/1.1 1000 No\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw',
    'HTTP/1.1 100 Continue\r\n\r\n'.repeat(5000),
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n`.repeat(5000),
  ];
  for (const answer of answers) {
    rig.upstream.answerWith((socket) => socket.end(answer, 'latin1'));
    const seen = await send(rig, 'open.example', GET);
    expect(seen.status === 502 || seen.status === 0).toBe(true);
    expect(seen.head + seen.body).not.toContain('hello');
  }
  rig.upstream.answerWith(null);
  await isWell();
});

test('an answer behind the answer is never given to the next request', async () => {
  const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';
  rig.upstream.answerWith((socket, received) => {
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    if (received.includes('/first')) socket.write(`${ok}${forged}`);
    else socket.write(ok);
  });
  for (let round = 0; round < 10; round++) {
    const client = await openHost(rig, 'open.example');
    client.send(request('GET /first', 'open.example'));
    client.send(request('GET /second', 'open.example'));
    expect((await client.answer()).body).toBe('ok');
    expect((await client.answer()).body).toBe('ok');
    client.close();
  }
  // Late, on an idle connection.
  let isEnded = false;
  rig.upstream.answerWith((socket) => {
    socket.once('close', () => {
      isEnded = true;
    });
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    setTimeout(() => socket.write(forged), 5);
  });
  await isWell();
  await until(() => isEnded, 'the proxy to end a connection on which bytes came unasked');
  await isWell();
});

test('slow senders do not hold up others', async () => {
  const slow = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => {
      const client = index % 2 === 0 ? await openPlain(rig) : await openHost(rig, 'open.example');
      client.send('GET / HTTP/1.1\r\nHo');
      return client;
    }),
  );
  for (let i = 0; i < 20; i++) {
    for (const client of slow) if (!client.isEnded) client.send('s');
    await isWell();
  }
  for (const client of slow) client.close();
});

test('a hundred clients at once each get their own answer', async () => {
  rig.upstream.answerWith((socket, received) => {
    const name = /^GET (\S+)/.exec(received)?.[1] ?? '';
    setTimeout(
      () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`),
      Math.random() * 5,
    );
  });
  await many(600, 100, async (index) => {
    const { body } = await send(rig, 'open.example', request(`GET /${index}`, 'open.example'));
    expect(body).toBe(`/${index}`);
  });
});

test('an answer that nobody reads, and a body that nobody takes, are held back, not piled up', async () => {
  const before = residentBytes();
  const piece = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  rig.upstream.answerWith((socket) => {
    socket.write(piece);
    const pump = (): void => {
      while (!socket.destroyed && socket.write(chunk)) {}
      socket.once('drain', pump);
    };
    pump();
  });
  const client = await openHost(rig, 'open.example');
  client.socket.pause();
  client.send(GET);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(residentBytes() - before).toBeLessThan(120 * 1024 * 1024);
  client.close();
  rig.upstream.answerWith(null);
  await isWell();
});

test('compressed bombs are refused without eating memory or time', async () => {
  const { gzipSync, brotliCompressSync } = await import('node:zlib');
  const zeros = Buffer.alloc(600 * 1024 * 1024);
  const before = residentBytes();
  for (const [coding, body] of [
    ['gzip', gzipSync(zeros)],
    ['gzip, gzip', gzipSync(gzipSync(zeros))],
    ['br', brotliCompressSync(zeros, { params: { 1: 1 } })],
  ] as const) {
    rig.arrived();
    const { status } = await send(
      rig,
      'open.example',
      request('POST /', 'open.example', [`Content-Encoding: ${coding}`], body),
    );
    expect(status).toBe(403);
    expect(rig.arrived()).toBe('');
  }
  expect(residentBytes() - before).toBeLessThan(700 * 1024 * 1024);
  await isWell();
});

test('input made to be slow to search is searched in time', async () => {
  const bodies = [
    'ghp_'.repeat(250_000),
    'sk-ant-'.repeat(140_000),
    `${'eyJ'.repeat(300_000)}.`,
    '%25'.repeat(300_000),
    '\\u0061'.repeat(160_000),
    '&#97;'.repeat(200_000),
    'AKIA'.repeat(250_000),
    '-----BEGIN '.repeat(90_000),
    '{"a":'.repeat(100_000),
    '['.repeat(1_000_000),
    'https://a:'.repeat(100_000),
    Buffer.from('x'.repeat(700_000)).toString('base64'),
    '61:'.repeat(330_000),
    '\u200b'.repeat(300_000),
    'a '.repeat(500_000),
    '"a","b",'.repeat(120_000),
    'password='.repeat(110_000),
  ];
  const slow: string[] = [];
  for (const body of bodies) {
    const begin = performance.now();
    await send(rig, 'open.example', request('POST /', 'open.example', [], body));
    const ms = performance.now() - begin;
    if (ms > 4000) slow.push(`${body.slice(0, 12)}: ${Math.round(ms)} ms`);
  }
  expect(slow).toEqual([]);
  await isWell();
});
