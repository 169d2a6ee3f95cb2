// Bodies larger than the proxy holds: no boundary of chunks, windows or compression hides a secret, and none of it has left already.
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHost } from './raw-client.ts';
import { type Rig, startRig, until } from './rig.ts';
import { chars, TOKENS } from './tokens.ts';

const MIB = 1024 * 1024;
const known = chars('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 40);
const token = TOKENS['github classic']?.() ?? '';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({
    spec: `version: 1
secrets:
  TOKEN: { env: HOSTILE_TOKEN }
egress:
  allow:
    - open.example
    - { host: redact.example, dlp: { on_match: redact } }
    - { host: log.example, dlp: { on_match: log } }
`,
    env: { HOSTILE_TOKEN: known },
    hosts: ['open.example:443', 'redact.example:443', 'log.example:443'],
  });
});
afterAll(async () => {
  expect(rig.stderr()).toBe('');
  await rig.stop();
});

/** Nothing in it could be taken for an encoding. */
function filler(bytes: number): Buffer {
  const line = 'Lorem ipsum dolor sit amet, consetetur sadipscing elitr; sed diam.\n';
  return Buffer.from(line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes));
}

interface Sent {
  readonly host?: string;
  readonly fields?: readonly string[];
  /** Body bytes a chunk of the transfer coding; null = Content-Length. */
  readonly chunkBytes?: number | null;
}

async function upload(body: Buffer, { host = 'open.example', fields = [], chunkBytes = null }: Sent = {}) {
  rig.arrived();
  const before = rig.records().length;
  const client = await openHost(rig, host);
  const framing = chunkBytes === null ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
  client.send([`POST /up HTTP/1.1`, `Host: ${host}`, ...fields, framing, '', ''].join('\r\n'));
  if (chunkBytes === null) client.send(body);
  else {
    for (let at = 0; at < body.length; at += chunkBytes) {
      const piece = body.subarray(at, at + chunkBytes);
      client.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]));
    }
    client.send('0\r\n\r\n');
  }
  const { status } = await client.answer();
  client.close();
  await until(() => rig.records().length > before, 'the record');
  // What was on its way to the upstream is there soon.
  let arrived = rig.arrived();
  for (let quiet = 0; quiet < 3; quiet++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const more = rig.arrived();
    if (more !== '') quiet = 0;
    arrived += more;
  }
  const records = rig.records().slice(before);
  expect(records).toHaveLength(1);
  return { status, arrived, record: records[0] };
}

/** No stretch of 12 characters of a secret, plain or as it was written. */
function expectNothingOf(arrived: string, written: string): void {
  for (let at = 0; at + 12 <= written.length; at += 4) expect(arrived.includes(written.slice(at, at + 12))).toBe(false);
}

const writings: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(`k=${text}`).toString('base64'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'unicode escapes': (text) => [...text].map((char) => `\\u00${char.charCodeAt(0).toString(16)}`).join(''),
  percent: (text) => [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join(''),
};

describe('a secret in a large body', () => {
  test.each(Object.keys(writings))('%s, anywhere around what is held and at both ends', async (name) => {
    const write = writings[name] ?? String;
    for (const text of [known, token]) {
      const written = write(text);
      const half = written.length >> 1;
      for (const at of [
        0,
        4 * MIB - written.length,
        4 * MIB - half,
        4 * MIB,
        4 * MIB + 65_536 - half,
        5 * MIB - written.length - 2,
      ]) {
        const body = filler(5 * MIB);
        body.write(` ${written} `, Math.max(0, at - 1));
        const { status, arrived, record } = await upload(body);
        expect(status).toBe(403);
        expectNothingOf(arrived, written);
        expect(record).toMatchObject({ verdict: 'block', stage: 'dlp' });
      }
    }
  });

  test('cut by chunks of every size', async () => {
    for (const chunkBytes of [1000, 65_521, 1_000_003]) {
      const body = filler(5 * MIB);
      body.write(` ${known} `, Math.floor(4.3 * MIB));
      const { status, arrived } = await upload(body, { chunkBytes });
      expect(status).toBe(403);
      expectNothingOf(arrived, known);
    }
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', (bytes: Buffer) => brotliCompressSync(bytes, { params: { 1: 2 } })],
    ['zstd', zstdCompressSync],
  ] as const)('inside %s that is larger than what is held', async (coding, encode) => {
    // Random bytes do not shrink.
    const content = Buffer.concat([randomBytes(4.5 * MIB), Buffer.from(` ${known} `), randomBytes(0.5 * MIB)]);
    const { status, record } = await upload(encode(content), { fields: [`Content-Encoding: ${coding}`] });
    expect(status).toBe(403);
    expect(record).toMatchObject({ verdict: 'block', rule: 'known-secret' });
  });

  test('inside gzip that cannot be read to its end', async () => {
    const body = gzipSync(Buffer.concat([randomBytes(4.5 * MIB), Buffer.from(` ${known} `)]));
    const broken = Buffer.concat([body.subarray(0, body.length - 200), randomBytes(400)]);
    const { status } = await upload(broken, { fields: ['Content-Encoding: gzip'] });
    expect(status).toBe(403);
  });

  test('once refused, the rest is not let through', async () => {
    const body = filler(9 * MIB);
    body.write(` ${known} `, 4.5 * MIB);
    body.write(' THE-END-OF-IT ', 9 * MIB - 20);
    const { status, arrived } = await upload(body);
    expect(status).toBe(403);
    expect(arrived).not.toContain('THE-END-OF-IT');
    expectNothingOf(arrived, known);
  });
});

describe('a large body that passes', () => {
  test.each([
    ['with a length', null],
    ['in chunks', 100_000],
  ] as const)('%s, byte-exact', async (_, chunkBytes) => {
    const body = Buffer.concat([filler(3 * MIB), randomBytes(3 * MIB), filler(MIB)]);
    const { status, arrived, record } = await upload(body, { chunkBytes });
    expect(status).toBe(200);
    expect(record).toMatchObject({ verdict: 'allow', findings: [], bytes_out: body.length });
    const raw = arrived.slice(arrived.indexOf('\r\n\r\n') + 4);
    expect((chunkBytes === null ? raw : dechunked(raw)) === body.toString('latin1')).toBe(true);
  });

  test('on a route that redacts: all but the secrets', async () => {
    const body = filler(6 * MIB);
    for (const at of [100, 4 * MIB - 17, 5.5 * MIB]) body.write(` ${token} `, at);
    const { status, arrived, record } = await upload(body, { host: 'redact.example' });
    expect(status).toBe(200);
    expect(record).toMatchObject({ verdict: 'redact' });
    const text = dechunked(arrived.slice(arrived.indexOf('\r\n\r\n') + 4));
    expect(text).not.toContain(token.slice(4, 20));
    const parts = text.split(/bottle-redacted-[a-z-]+-[0-9a-f]{8}/);
    expect(parts).toHaveLength(4);
    expect(parts.join(token) === body.toString('latin1')).toBe(true);
  });

  test('on a route that logs: everything, and the finding is in the record', async () => {
    const body = filler(6 * MIB);
    body.write(` ${token} `, 5 * MIB);
    const { status, arrived, record } = await upload(body, { host: 'log.example' });
    expect(status).toBe(200);
    expect(arrived.endsWith(body.toString('latin1', body.length - 1000))).toBe(true);
    expect(record).toMatchObject({ verdict: 'allow', findings: [{ detector: 'github-token' }] });
  });
});

function dechunked(text: string): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) break;
    out += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
  return out;
}
