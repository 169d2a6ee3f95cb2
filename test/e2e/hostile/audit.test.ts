// The log as evidence: one record for everything, whole, chained, without secrets; and nothing passes that could not be recorded.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHost, openPlain, openTunnel, request, send } from './raw-client.ts';
import { type Rig, type RigOptions, startRig, until } from './rig.ts';

const secret = randomBytes(24).toString('hex');
const options: RigOptions = {
  spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - { host: open.example, auth: { type: bearer, secret: TOKEN } }
    - "*.wild.example"
    - { host: gone.example }
    - { host: unresolved.invalid }
`,
  env: { HOSTILE_TOKEN: secret },
  hosts: ['open.example:443', 'x.wild.example:443'],
  // Nobody listens there.
  map: { 'gone.example:443': '127.0.0.1:1' },
};

const GET = request('GET /', 'open.example');

describe('the records', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig(options);
  });
  afterAll(() => rig.stop());

  /** The records of one act, once there are `count`, and a moment later still as many. */
  async function recordsOf(act: () => Promise<unknown>, count = 1) {
    const before = rig.records().length;
    await act();
    await until(() => rig.records().length >= before + count, `${count} records`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const records = rig.records().slice(before);
    expect(records).toHaveLength(count);
    return records;
  }

  test('an agent that goes away while it sends its body', async () => {
    const [record] = await recordsOf(async () => {
      const client = await openHost(rig, 'open.example');
      client.send('POST / HTTP/1.1\r\nHost: open.example\r\nContent-Length: 100\r\n\r\nabc');
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.close();
    });
    expect(record).toMatchObject({ host: 'open.example', method: 'POST', status: 0 });
  });

  test('an agent that goes away inside a head', async () => {
    const before = rig.records().length;
    const client = await openHost(rig, 'open.example');
    client.send('GET / HTTP/1.1\r\nHost: op');
    client.socket.end();
    await until(() => client.isEnded, 'the end');
    expect(rig.records().length - before).toBeLessThanOrEqual(1);
  });

  test('an upstream that goes away before, in and behind its head', async () => {
    for (const [bytes, status] of [
      ['', 502],
      ['HTTP/1.1 200 OK\r\nContent-Le', 502],
      ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 200],
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', 200],
      ['rubbish\r\n\r\n', 502],
    ] as const) {
      rig.upstream.answerWith((socket) => socket.end(bytes));
      const [record] = await recordsOf(() => send(rig, 'open.example', GET));
      expect(record).toMatchObject({ status, stage: 'upstream', injected: ['TOKEN'] });
    }
    rig.upstream.answerWith(null);
  });

  test('an upstream that is not there', async () => {
    const [record] = await recordsOf(() => send(rig, 'gone.example', request('GET /', 'gone.example')));
    expect(record).toMatchObject({ status: 502, stage: 'upstream' });
  });

  test('a client that does not trust our authority, and one that sends garbage', async () => {
    const [first] = await recordsOf(async () => {
      const tunnel = await openTunnel(rig, 'open.example:443');
      tunnel.on('error', () => {});
      const { connect } = await import('node:tls');
      const client = connect({ socket: tunnel, servername: 'open.example', ca: [] });
      await new Promise((resolve) => client.once('error', resolve));
    });
    expect(first).toMatchObject({ host: 'open.example', stage: 'protocol', rule: 'tls-handshake' });
    const [second] = await recordsOf(async () => {
      const tunnel = await openTunnel(rig, 'open.example:443');
      tunnel.on('error', () => {});
      tunnel.end(Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 2, 3]));
      await new Promise((resolve) => tunnel.once('close', resolve).resume());
    });
    expect(second).toMatchObject({ host: 'open.example', stage: 'protocol' });
  });

  test('a WebSocket', async () => {
    rig.upstream.answerWith((socket, received) => {
      const key = /sec-websocket-key: (\S+)/i.exec(received)?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
    const [record] = await recordsOf(async () => {
      const client = await openHost(rig, 'open.example');
      client.send(
        request('GET /ws', 'open.example', [
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        ]),
      );
      await until(() => client.received().includes('101'), 'the upgrade');
      client.close();
    });
    rig.upstream.answerWith(null);
    expect(record).toMatchObject({ path: '/ws', status: 101, verdict: 'allow' });
  });

  test('hostile words stay data: one line a record, no control characters, bounded', async () => {
    const words = [
      request('GET /%0a%7b%22v%22:1%7d%0d%0a%1b[2J', 'open.example'),
      request(`GET /${'a'.repeat(60_000)}?${'b'.repeat(2000)}=1`, 'open.example'),
      request('GET /"},{"verdict":"allow"', 'open.example'),
      request('GET /%e2%80%ae%f0%9f%99%82?__proto__=1&constructor=2', 'open.example'),
      Buffer.from('GET /\x1b]0;x\x07 HTTP/1.1\r\nHost: open.example\r\n\r\n', 'latin1'),
      request(`M${'x'.repeat(200)} /`, 'open.example'),
      Buffer.from(`GET / HTTP/1.1\r\nHost: ${'y'.repeat(5000)}\r\n\r\n`),
      request('GET /', 'open.example', [`X: \x80\xff\xfe`]),
    ];
    await recordsOf(async () => {
      for (const bytes of words) await send(rig, 'open.example', bytes);
    }, words.length);
    const text = readFileSync(rig.log, 'latin1');
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(6000);
  });

  test('thousands of findings do not make a record of megabytes', async () => {
    const tokens = Array.from({ length: 3000 }, () => `ghp_${randomBytes(18).toString('hex')}`);
    const [record] = await recordsOf(() =>
      send(rig, 'open.example', request('POST /', 'open.example', [], tokens.join('\n'))),
    );
    expect(record?.findings.length).toBeGreaterThan(10);
    expect(JSON.stringify(record).length).toBeLessThan(20_000);
  });

  test('secrets in places that records show', async () => {
    const [token, half] = [`ghp_${randomBytes(18).toString('hex')}`, secret.slice(0, 24)];
    const acts: (() => Promise<unknown>)[] = [secret, token].flatMap((text) => [
      () => send(rig, 'open.example', request(`GET /a/${text}/b`, 'open.example')),
      () => send(rig, 'open.example', request(`GET /?${text}=1`, 'open.example')),
      () => send(rig, 'open.example', request(`GET /${Buffer.from(text).toString('base64url')}`, 'open.example')),
      () => send(rig, 'open.example', request(`${text} /`, 'open.example')),
      () => send(rig, `${text.toLowerCase()}.wild.example`, request('GET /', `${text.toLowerCase()}.wild.example`)),
      () => send(rig, `${text.toLowerCase()}.evil.example`, request('GET /', `${text.toLowerCase()}.evil.example`)),
      () => send(rig, 'evil.example', request(`GET /${text}`, 'evil.example')),
      () => send(rig, 'open.example', Buffer.from(`GET /${text} HTTP/1.1\r\nHost: open.example\r\nX: a\nb\r\n\r\n`)),
      () => send(rig, 'open.example', Buffer.from(`GET /${text} HTTP/9.9\r\nHost: open.example\r\n\r\n`)),
      () => send(rig, 'open.example', Buffer.from(`GET / HTTP/1.1\r\nHost: ${text}.example\r\n\r\n`)),
      () =>
        send(
          rig,
          'open.example',
          Buffer.from(`GET https://${text}.example/${text} HTTP/1.1\r\nHost: open.example\r\n\r\n`),
        ),
      async () => {
        const client = await openPlain(rig);
        client.send(`CONNECT ${text}@open.example:443 HTTP/1.1\r\nHost: open.example\r\n\r\n`);
        await client.answer();
        client.close();
      },
      async () => {
        const tunnel = await openTunnel(rig, `${text.toLowerCase()}.evil.example:443`);
        tunnel.on('error', () => {});
        tunnel.end('garbage');
        await new Promise((resolve) => tunnel.once('close', resolve).resume());
      },
    ]);
    await recordsOf(async () => {
      for (const act of acts) await act();
    }, acts.length);
    const log = readFileSync(rig.log, 'latin1').toLowerCase();
    for (const text of [secret, token.slice(4).toLowerCase(), half.slice(2)]) expect(log).not.toContain(text);
    expect(log).not.toContain(Buffer.from(secret).toString('base64').slice(4, 40).toLowerCase());
    rig.arrived();
  });

  test('are chained: each names the hash of the one before', async () => {
    const lines = readFileSync(rig.log, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    let prev = '';
    for (const line of lines) {
      expect(JSON.parse(line).prev).toBe(prev);
      prev = createHash('sha256').update(line).digest('hex').slice(0, 32);
    }
    expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(lines.length);
  });

  test('of many exchanges at once are all there', async () => {
    const before = rig.records().length;
    await Promise.all(Array.from({ length: 60 }, () => send(rig, 'open.example', GET)));
    expect(rig.records().length - before).toBe(60);
    expect(rig.stderr()).toBe('');
  });
});

describe('a log that takes no more', () => {
  const request200 = async (rig: Rig): Promise<void> => {
    expect((await send(rig, 'open.example', GET)).status).toBe(200);
    expect(rig.arrived()).not.toBe('');
  };
  const refused = async (rig: Rig): Promise<void> => {
    for (const host of ['open.example', 'unlisted.example']) {
      const answer = await send(rig, host, request('GET /', host));
      expect(answer.status === 0 || answer.status >= 400).toBe(true);
    }
    const posted = await send(rig, 'open.example', request('POST /', 'open.example', [], 'x'.repeat(100_000)));
    expect(posted.status === 0 || posted.status >= 400).toBe(true);
    expect(rig.arrived()).toBe('');
  };

  test('because its file was replaced by a directory or made read-only: nothing passes', async () => {
    for (const spoil of [
      (log: string) => {
        rmSync(log);
        mkdirSync(log);
      },
      (log: string) => chmodSync(log, 0o400),
    ]) {
      const rig = await startRig(options);
      await request200(rig);
      spoil(rig.log);
      await refused(rig);
      await rig.stop();
    }
  });

  test('because its disk is full: nothing passes; once there is space again, all is as before', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bottle-small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]);
    const rig = await startRig({ ...options, log: join(directory, 'audit.jsonl') });
    try {
      await request200(rig);
      const filler = join(directory, 'filler');
      const { bavail, bsize } = statfsSync(directory);
      writeFileSync(filler, Buffer.alloc(bavail * bsize));
      await refused(rig);
      const lines = readFileSync(rig.log, 'utf8').split('\n');
      expect(lines.at(-1)).toBe('');
      for (const line of lines.slice(0, -1)) expect(() => JSON.parse(line)).not.toThrow();
      rmSync(filler);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await request200(rig);
    } finally {
      await rig.stop();
      execFileSync('umount', [directory]);
      rmSync(directory, { recursive: true });
    }
  });
});
