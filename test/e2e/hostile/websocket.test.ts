// WebSocket as a way out: what frames carry is read like a body, however it is cut, masked or dressed.
import { createHash, randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHost, type RawClient, request } from './raw-client.ts';
import { type Rig, startRig, until } from './rig.ts';
import { TOKENS } from './tokens.ts';

const secret = randomBytes(20).toString('hex');
const token = TOKENS['github classic']?.() ?? '';

let rig: Rig;
let placeholder: string;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - open.example
    - { host: redact.example, dlp: { on_match: redact } }
`,
    env: { HOSTILE_TOKEN: secret },
    hosts: ['open.example:443', 'redact.example:443'],
  });
  placeholder = rig.placeholders.TOKEN ?? '';
  rig.upstream.answerWith((socket, received) => {
    const key = /sec-websocket-key: (\S+)/i.exec(received)?.[1] ?? '';
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
});
afterAll(async () => {
  expect(rig.stderr()).toBe('');
  await rig.stop();
});

const handshake = (host: string, fields: readonly string[] = []): Buffer =>
  request('GET /ws', host, [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...fields,
  ]);

interface FrameOptions {
  readonly opcode?: number;
  readonly isLast?: boolean;
  readonly isMasked?: boolean;
  readonly reserved?: number;
}

function frame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = 1, isLast = true, isMasked = true, reserved = 0 } = options;
  const data = Buffer.from(payload);
  const length =
    data.length < 126
      ? Buffer.from([data.length])
      : data.length < 65_536
        ? Buffer.from([126, data.length >> 8, data.length & 255])
        : Buffer.concat([Buffer.from([127, 0, 0, 0, 0]), Buffer.from(Uint32Array.of(data.length).buffer).swap32()]);
  length[0] = (length[0] ?? 0) | (isMasked ? 0x80 : 0);
  const mask = isMasked ? randomBytes(4) : Buffer.alloc(0);
  const masked = isMasked ? data.map((byte, i) => byte ^ (mask[i & 3] ?? 0)) : data;
  return Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | (reserved << 4) | opcode]), length, mask, masked]);
}

/** What the upstream's side of a WebSocket got, unmasked. */
function payloads(bytes: string): string {
  const data = Buffer.from(bytes, 'latin1');
  let out = '';
  for (let at = 0; at + 2 <= data.length; ) {
    let length = (data[at + 1] ?? 0) & 127;
    const isMasked = ((data[at + 1] ?? 0) & 128) !== 0;
    at += 2;
    if (length === 126) {
      length = data.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(data.readBigUInt64BE(at));
      at += 8;
    }
    const mask = data.subarray(at, at + 4);
    if (isMasked) at += 4;
    const payload = data.subarray(at, at + length).map((byte, i) => (isMasked ? byte ^ (mask[i & 3] ?? 0) : byte));
    out += Buffer.from(payload).toString('latin1');
    at += length;
  }
  return out;
}

async function open(host = 'open.example', fields: readonly string[] = []): Promise<RawClient> {
  const client = await openHost(rig, host);
  client.send(handshake(host, fields));
  await until(() => client.received().includes('\r\n\r\n') || client.isEnded, 'the upgrade');
  expect(client.received()).toContain(' 101 ');
  return client;
}

describe('a message that must not leave', () => {
  const halves = (text: string): readonly [string, string] => [text.slice(0, 19), text.slice(19)];
  const ways: Readonly<Record<string, (text: string) => readonly Buffer[]>> = {
    text: (text) => [frame(`hello ${text}`)],
    binary: (text) => [frame(Buffer.concat([Buffer.from([0, 255]), Buffer.from(text)]), { opcode: 2 })],
    JSON: (text) => [frame(JSON.stringify({ type: 'x', data: { t: text } }))],
    base64: (text) => [frame(Buffer.from(`x${text}`).toString('base64'))],
    'gzip in binary': (text) => [frame(gzipSync(text).toString('base64'), { opcode: 2 })],
    'two fragments': (text) => [frame(halves(text)[0], { isLast: false }), frame(halves(text)[1], { opcode: 0 })],
    'a fragment a byte': (text) =>
      [...text].map((char, i) => frame(char, { opcode: i === 0 ? 1 : 0, isLast: i === text.length - 1 })),
    'fragments with a ping between': (text) => [
      frame(halves(text)[0], { isLast: false }),
      frame('ping', { opcode: 9 }),
      frame(halves(text)[1], { opcode: 0 }),
    ],
    'empty fragments between': (text) => [
      frame('', { isLast: false }),
      frame(halves(text)[0], { opcode: 0, isLast: false }),
      frame('', { opcode: 0, isLast: false }),
      frame(halves(text)[1], { opcode: 0 }),
    ],
    'a ping': (text) => [frame(text, { opcode: 9 })],
    'a pong': (text) => [frame(text, { opcode: 10 })],
    'the reason of a close': (text) => [
      frame(Buffer.concat([Buffer.from([3, 232]), Buffer.from(text)]), { opcode: 8 }),
    ],
    'a message of 5 MB': (text) => [frame(`${'lorem ipsum '.repeat(430_000)}${text}`)],
    'fragments of 5 MB': (text) => [
      frame('lorem ipsum '.repeat(430_000), { isLast: false }),
      frame(halves(text)[0], { opcode: 0, isLast: false }),
      frame(halves(text)[1], { opcode: 0 }),
    ],
    'compressed, though nobody agreed to it': (text) => [frame(deflateRawSync(text), { reserved: 4 })],
  };

  test.each(Object.keys(ways))('%s', async (name) => {
    for (const text of [secret, placeholder, token]) {
      const client = await open();
      rig.arrived();
      const before = rig.records().length;
      for (const bytes of ways[name]?.(text) ?? []) client.send(bytes);
      await until(() => client.isEnded || /\x88[\s\S]/.test(client.received()), 'a close');
      await until(() => rig.records().length > before, 'the record');
      client.close();
      const arrived = payloads(rig.arrived());
      expect(arrived).not.toContain(text.slice(19));
      expect(arrived).not.toContain(text.slice(0, 19));
      const records = rig.records().slice(before);
      expect(records).toHaveLength(1);
      expect(records[0]).toMatchObject({ verdict: 'block', path: '/ws' });
      expect(JSON.stringify(records)).not.toContain(text.slice(5, 25));
    }
  });

  test('the client is told why, with the code 1008', async () => {
    const client = await open();
    client.send(frame(secret));
    await until(() => client.isEnded, 'the end');
    const text = client.received().split('\r\n\r\n')[1] ?? '';
    expect(text.charCodeAt(0)).toBe(0x88);
    expect((text.charCodeAt(2) << 8) | text.charCodeAt(3)).toBe(1008);
    expect(text.slice(4)).toContain('bottle: the value of secret TOKEN');
    client.close();
  });

  test.each([
    ['an unmasked frame', frame(token, { isMasked: false })],
    ['a reserved opcode', frame(token, { opcode: 3 })],
    ['a reserved bit', frame(token, { reserved: 1 })],
    ['a continuation of nothing', frame(token, { opcode: 0 })],
    ['a control frame in fragments', frame(token, { opcode: 9, isLast: false })],
    ['a control frame that is too long', frame(token.repeat(4), { opcode: 9 })],
    ['a message inside a message', Buffer.concat([frame('a', { isLast: false }), frame(token)])],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
    ['plain HTTP', request('GET /smuggled', 'open.example')],
    ['random bytes', Buffer.concat([Buffer.from([0xf7]), randomBytes(100)])],
  ])('%s ends it', async (_, bytes) => {
    const client = await open();
    rig.arrived();
    client.send(bytes);
    await until(() => client.isEnded || /\x88[\s\S]/.test(client.received()), 'the end');
    client.close();
    const arrived = rig.arrived();
    expect(payloads(arrived)).not.toContain(token.slice(6));
    expect(arrived).not.toContain('smuggled');
  });

  test('in the handshake itself', async () => {
    for (const field of [
      `Sec-WebSocket-Protocol: v1, bearer.${secret}`,
      `Sec-WebSocket-Extensions: x; t=${secret}`,
      `Origin: https://${secret}.example`,
    ]) {
      rig.arrived();
      const client = await openHost(rig, 'open.example');
      client.send(handshake('open.example', [field]));
      const answer = await client.answer();
      client.close();
      // Extensions are not passed on, so what stands there leaves nothing.
      expect(rig.arrived()).not.toContain(secret);
      if (!field.includes('Extensions')) expect(answer.status).toBe(403);
    }
  });
});

describe('what passes', () => {
  test('messages, fragments, pings and closes arrive as they were sent', async () => {
    const client = await open();
    rig.arrived();
    const frames = [
      frame('hello'),
      frame(randomBytes(70_000), { opcode: 2 }),
      frame('ping', { opcode: 9 }),
      frame('part ', { isLast: false }),
      frame('whole', { opcode: 0 }),
      frame(''),
    ];
    const sent = Buffer.concat(frames).toString('latin1');
    for (const bytes of frames) client.send(bytes);
    let arrived = '';
    await until(() => {
      arrived += rig.arrived();
      return payloads(arrived).length >= payloads(sent).length;
    }, 'all of it');
    expect(payloads(arrived)).toBe(payloads(sent));
    client.close();
  });

  test('no extension is agreed on that the proxy could not read through', async () => {
    rig.arrived();
    const offers = 'x-cipher, permessage-deflate; client_max_window_bits, x-webkit-deflate-frame, bbf-usp-protocol';
    const client = await open('open.example', [`Sec-WebSocket-Extensions: ${offers}`]);
    const offered = /sec-websocket-extensions: (.*)\r\n/.exec(rig.arrived().toLowerCase())?.[1];
    expect(offered).toBe('permessage-deflate; client_max_window_bits');
    expect(client.received().toLowerCase()).not.toContain('extensions');
    client.close();
  });

  test('frames sent before the upgrade is answered are read all the same', async () => {
    rig.arrived();
    const client = await openHost(rig, 'open.example');
    client.send(Buffer.concat([handshake('open.example'), frame(`early ${secret}`)]));
    await until(() => client.isEnded, 'the end');
    expect(payloads(rig.arrived().split('\r\n\r\n').slice(1).join('\r\n\r\n'))).not.toContain(secret);
  });

  test('bytes behind a handshake that the upstream does not take are a request again, judged as one', async () => {
    rig.upstream.answerWith((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno'));
    rig.arrived();
    const client = await openHost(rig, 'open.example');
    client.send(Buffer.concat([handshake('open.example'), request(`GET /${secret}`, 'open.example')]));
    expect((await client.answer()).body).toBe('no');
    const second = await client.answer();
    expect(second.status === 403 || second.status === 0).toBe(true);
    client.close();
    expect(rig.arrived()).not.toContain(secret);
  });
});
