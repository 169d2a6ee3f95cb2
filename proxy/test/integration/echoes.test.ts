// An upstream that shows its whole request wherever an answer can show something: the agent gets the same bytes, with stars for what was injected.
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import aws4 from 'aws4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Auth, PlaceholderSwap, Route } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { endSettings, HOST } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { rawUpstream, testAuthority, type UpstreamPeer } from './harness/upstream.ts';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
/** A length that base64 needs no filling for. */
const VALUE = `tk_${hex(18)}`;
const PLACEHOLDER = `bottle_${hex(20)}`;
const AWS = { id: `AKIA${hex(8).toUpperCase()}`, key: hex(20), token: hex(60) };
const AWS_HELD = {
  accessKeyId: `AKIA${hex(8).toUpperCase()}`,
  secretAccessKey: hex(20),
  sessionToken: `bottle-${hex(20)}`,
};
const stars = (text: string): string => '*'.repeat(text.length);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Kind {
  readonly auth?: Auth;
  readonly placeholder?: PlaceholderSwap;
  readonly target?: string;
  readonly fields?: readonly string[];
  readonly body?: string;
}

const swap = (...places: PlaceholderSwap['in']): PlaceholderSwap => ({ secret: 'TOKEN', in: places });
const KINDS: Readonly<Record<string, Kind>> = {
  bearer: { auth: { type: 'bearer', secret: 'TOKEN' } },
  basic: { auth: { type: 'basic', secret: 'TOKEN', username: 'joe' } },
  swapped: { placeholder: swap('header'), fields: [`Authorization: Basic ${base64(`xy:${PLACEHOLDER}`)}`] },
  header: { auth: { type: 'header', secret: 'TOKEN', name: 'x-api-key', template: 'key="{secret}"' } },
  query: { auth: { type: 'query', secret: 'TOKEN', name: 'key' } },
  path: { placeholder: swap('path'), target: `/bot${PLACEHOLDER}/x` },
  body: {
    placeholder: swap('body'),
    body: JSON.stringify({ token: PLACEHOLDER }),
    fields: ['Content-Type: application/json'],
  },
  sigv4: {
    auth: { type: 'sigv4', accessKey: 'ID', secret: 'KEY', sessionToken: 'SESSION', services: null, regions: null },
  },
};

/** What the agent should see of a request that the upstream shows. */
function clean(text: string): string {
  const known = [
    VALUE,
    base64(`joe:${VALUE}`),
    encodeURIComponent(base64(`joe:${VALUE}`)),
    base64(VALUE),
    AWS.id,
    AWS.token,
  ];
  const signature = /(?<=Signature(?:=|%3D))[0-9a-f]{64}/g;
  return known.reduce((left, one) => left.replaceAll(one, stars(one)), text.replace(signature, stars));
}

/** What must be nowhere in what the agent got. */
const SECRETS = [
  VALUE,
  base64(VALUE).slice(1, -1),
  VALUE.slice(8, 30),
  AWS.id,
  AWS.key,
  AWS.token,
  AWS.token.slice(20, 60),
];

interface Place {
  /** The answer's bytes; an array = in pieces. */
  readonly send: (seen: string) => Buffer | readonly Buffer[];
  /** What an agent reads of it there. */
  readonly read: (answer: string) => string;
  readonly show: (seen: string) => string;
}

const same = (seen: string): string => seen;
const flat = (seen: string): string => seen.replace(/[\r\n]+/g, ' ').trim();
const bodyOf = (answer: string): string => {
  const [head, ...rest] = answer.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  return /transfer-encoding: chunked/i.test(head!) ? dechunked(body) : body;
};
function dechunked(text: string): string {
  let out = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return out;
    out += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}
const fieldOf = (name: string) => (answer: string) => new RegExp(`\r\n${name}: ([^\r]*)`, 'i').exec(answer)?.[1] ?? '';
const whole = (body: Buffer | string, fields = '', line = '200 OK'): Buffer =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 ${line}\r\n${fields}Content-Length: ${body.length}\r\n\r\n`),
    Buffer.from(body as Buffer),
  ]);
const chunk = (text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`), Buffer.from(text as Buffer), Buffer.from('\r\n')]);
const head = (field: string, value: (seen: string) => string, line = '200 OK'): Place => ({
  send: (seen) => whole('', `${field}: ${value(seen)}\r\n`, line),
  read: fieldOf(field),
  show: value,
});
const coded = (name: string, encode: (bytes: Buffer) => Buffer): Place => ({
  send: (seen) => whole(encode(Buffer.from(seen)), `Content-Encoding: ${name}\r\n`),
  read: bodyOf,
  show: same,
});
const inPieces = (type: string, show: (seen: string) => string): Place => ({
  send: (seen) => [
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`),
    ...Array.from(show(seen), chunk),
    Buffer.from('0\r\n\r\n'),
  ],
  read: bodyOf,
  show,
});
const events = (seen: string): string => `data: ${flat(seen)}\n\n`;
const multipart = (seen: string): string =>
  `--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n${seen}\r\n--b--\r\n`;

const PLACES: Readonly<Record<string, Place>> = {
  'the status line': {
    send: (seen) => whole('', '', `200 ${flat(seen)}`),
    read: (answer) => /^HTTP\/1\.1 200 ([^\r]*)/.exec(answer)![1]!,
    show: flat,
  },
  'a header': head('X-Echo', flat),
  'a cookie': head('Set-Cookie', (seen) => `a=${flat(seen)}; Path=/`),
  'a redirect': head('Location', (seen) => `https://evil.example/?q=${encodeURIComponent(seen)}`, '302 Found'),
  'an error page': {
    send: (seen) => whole(`<pre>${seen}</pre>`, 'Content-Type: text/html\r\n', '500 Internal Server Error'),
    read: bodyOf,
    show: (seen) => `<pre>${seen}</pre>`,
  },
  JSON: {
    send: (seen) => whole(JSON.stringify({ seen }), 'Content-Type: application/json\r\n'),
    read: bodyOf,
    show: (seen) => JSON.stringify({ seen }),
  },
  'a form': { send: (seen) => whole(encodeURIComponent(seen)), read: bodyOf, show: encodeURIComponent },
  gzip: coded('gzip', gzipSync),
  br: coded('br', brotliCompressSync),
  zstd: coded('zstd', zstdCompressSync),
  deflate: coded('deflate', deflateSync),
  'gzip in br': coded('gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))),
  'events, a byte each': inPieces('text/event-stream', events),
  'chunks of a byte': inPieces('text/plain', same),
  'parts of a form': {
    send: (seen) => whole(multipart(seen), 'Content-Type: multipart/form-data; boundary=b\r\n'),
    read: bodyOf,
    show: multipart,
  },
  'a trailer': {
    send: (seen) => [
      Buffer.from('HTTP/1.1 200 OK\r\nTrailer: X-Echo\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'),
      Buffer.from(`X-Echo: ${flat(seen)}\r\n\r\n`),
    ],
    read: fieldOf('X-Echo'),
    show: flat,
  },
  'an early hint': {
    send: (seen) => Buffer.concat([Buffer.from(`HTTP/1.1 103 Early Hints\r\nLink: ${flat(seen)}\r\n\r\n`), whole('')]),
    read: fieldOf('Link'),
    show: flat,
  },
};

const envelope = (message: Buffer, flags: number): Buffer => {
  const prefix = Buffer.alloc(5, flags);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};
/** Messages: one compressed, one not; what the agent gets of each. */
const GRPC: Place = {
  send: (seen) =>
    whole(
      Buffer.concat([envelope(gzipSync(seen), 1), envelope(Buffer.from(seen), 0)]),
      'Content-Type: application/grpc\r\nGrpc-Encoding: gzip\r\n',
    ),
  read: (answer) => {
    const body = Buffer.from(bodyOf(answer), 'latin1');
    const length = body.readUInt32BE(1);
    expect([body[0], body[5 + length]]).toEqual([0, 0]);
    return [body.subarray(5, 5 + length), body.subarray(10 + length)].join('\n');
  },
  show: (seen) => `${seen}\n${seen}`,
};

let proxy: RunningProxy;
let answer: (seen: string) => Buffer | readonly Buffer[] = () => whole('');
let seen = '';

beforeAll(async () => {
  const authority = testAuthority();
  const upstream = await rawUpstream(authority, (peer) => serve(peer));
  later(() => upstream.close());
  const routes = Object.entries(KINDS).map(([name, { auth, placeholder }]): Route => {
    const paths = [`/${name}`, ...(name === 'path' ? ['/bot*/x'] : [])];
    const rules = [{ methods: null, paths, query: {}, headers: {} }];
    return routeTo(HOST, { id: name, rules, auth: auth ?? null, placeholder: placeholder ?? null });
  });
  const secrets = [
    { name: 'TOKEN', value: VALUE, placeholder: PLACEHOLDER },
    { name: 'ID', value: AWS.id, placeholder: AWS_HELD.accessKeyId },
    { name: 'KEY', value: AWS.key, placeholder: AWS_HELD.secretAccessKey },
    { name: 'SESSION', value: AWS.token, placeholder: AWS_HELD.sessionToken },
  ];
  const map = { [`${HOST}:443`]: upstream.address };
  proxy = await startProxy((directory) =>
    testConfig(directory, { routes, secrets, roots: authority.certificatePem, map }),
  );
  later(() => proxy.stop());
});
afterAll(endSettings);

function serve(peer: UpstreamPeer): void {
  peer.socket.on('data', () => {
    const got = peer.received();
    const length = Number(/content-length: (\d+)/i.exec(got)?.[1] ?? 0);
    const end = got.indexOf('\r\n\r\n') + 4;
    if (end < 4 || got.length < end + length) return;
    seen = got;
    const bytes = answer(got);
    for (const piece of Buffer.isBuffer(bytes) ? [bytes] : bytes) peer.send(piece);
    peer.socket.end();
  });
}

/** The answer to a request of this kind, as the agent got it. */
async function ask(kind: string, fields: readonly string[] = []): Promise<string> {
  const { target = `/${kind}`, fields: own = [], body = '' } = KINDS[kind]!;
  const client = await connectHost(proxy, HOST);
  const signed = kind !== 'sigv4' ? [] : signedFields(target);
  const all = [`Host: ${HOST}`, 'Connection: close', ...own, ...signed, ...fields];
  if (body !== '') all.push(`Content-Length: ${body.length}`);
  client.send(`${body === '' ? 'GET' : 'POST'} ${target} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`);
  return client.ended();
}

function signedFields(path: string): string[] {
  const { headers = {} } = aws4.sign({ host: HOST, path, service: 's3', region: 'eu-west-1', method: 'GET' }, AWS_HELD);
  return Object.entries(headers)
    .filter(([name]) => name !== 'Host')
    .map(([name, value]) => `${name}: ${value}`);
}

const lastFindings = () => proxy.records().at(-1)!.findings;

describe.each(Object.keys(KINDS))('what was injected as %s', (kind) => {
  it.each(Object.entries({ ...PLACES, 'messages of gRPC, compressed': GRPC }))(
    'and comes back in %s is stars there, and in the record',
    async (_name, place) => {
      answer = place.send;
      const got = await ask(kind);
      // The upstream did see it: there was something to scrub.
      expect(clean(seen)).not.toBe(seen);
      expect(place.read(got)).toBe(clean(place.show(seen)));
      for (const secret of SECRETS) expect(got).not.toContain(secret);
      expect(lastFindings()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            detector: 'echoed-credential',
            where: expect.stringMatching(/^response (head|body)/),
          }),
        ]),
      );
      expect(lastFindings().find(({ detector }) => detector === 'echoed-credential')!.fingerprint).toMatch(
        /^[0-9a-f]{16}$/,
      );
    },
  );
});

describe('an answer that says what it is not', () => {
  it.each<[string, (text: string) => Buffer]>([
    ['gzip, and is plain', (text) => whole(text, 'Content-Encoding: gzip\r\n')],
    ['plain text, and is gzip', (text) => whole(gzipSync(text), 'Content-Type: text/plain\r\n')],
    ['JSON, and is zstd', (text) => whole(zstdCompressSync(Buffer.from(text)), 'Content-Type: application/json\r\n')],
    ['br, and is br in gzip', (text) => whole(gzipSync(brotliCompressSync(text)), 'Content-Encoding: br\r\n')],
    ['gzip five times', (text) => whole(gzipSync(text), 'Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n')],
  ])('(%s) is cut off, with the reason in the record', async (_what, send) => {
    answer = send;
    const got = Buffer.from(await ask('bearer'), 'latin1');
    expect(got.toString('latin1')).not.toContain(VALUE);
    expect(got.includes(send(seen).subarray(-60))).toBe(false);
    expect(proxy.records().at(-1)).toMatchObject({ stage: 'upstream', rule: 'undecodable' });
  });
});

it('UTF-16 is searched, too', async () => {
  answer = (text) => whole(Buffer.from(text, 'utf16le'), 'Content-Type: text/plain; charset=utf-16le\r\n');
  const body = Buffer.from(bodyOf(await ask('bearer')), 'latin1').toString('utf16le');
  expect(body).toBe(seen.replaceAll(VALUE, `${'\u2a2a'.repeat(VALUE.length - 1)}*`));
});

describe('a value cannot be had in pieces', () => {
  const page = (): string => `${'.'.repeat(300)}${VALUE}${'.'.repeat(300)}`;
  /** Serves parts as RFC 9110 says. */
  const parts = (request: string): Buffer => {
    const text = page();
    const range = /\r\nrange: bytes=(\d*)-(\d*)\r\n/i.exec(request);
    if (range === null) return whole(text);
    const first = range[1] === '' ? Math.max(0, text.length - Number(range[2])) : Number(range[1]);
    const last = range[1] === '' || range[2] === '' ? text.length - 1 : Math.min(text.length - 1, Number(range[2]));
    if (first > last) return whole('', `Content-Range: bytes */${text.length}\r\n`, '416 Range Not Satisfiable');
    return whole(
      text.slice(first, last + 1),
      `Content-Range: bytes ${first}-${last}/${text.length}\r\n`,
      '206 Partial Content',
    );
  };

  it.each([1, 3, 11, 30, 64])(
    'of %i bytes: each is the part of the scrubbed whole that was asked for',
    async (size) => {
      answer = parts;
      let text = '';
      for (let at = 290; at < 350; at += size) {
        const got = await ask('bearer', [`Range: bytes=${at}-${at + size - 1}`]);
        expect(got).toMatch(/^HTTP\/1\.1 206 /);
        expect(fieldOf('Content-Range')(got)).toBe(`bytes ${at}-${at + size - 1}/${page().length}`);
        expect(fieldOf('Content-Length')(got)).toBe(String(size));
        text += bodyOf(got);
      }
      expect(text).toBe(clean(page()).slice(290, 290 + text.length));
    },
  );

  it.each([
    ['bytes=-320', '206', -320, undefined],
    ['bytes=310-', '206', 310, undefined],
    ['bytes=0-9999', '206', 0, undefined],
    ['bytes=300-310,311-320', '200', 0, undefined],
    ['bytes=x', '200', 0, undefined],
  ])('asked for as %s', async (range, status, first, last) => {
    answer = parts;
    const got = await ask('bearer', [`Range: ${range}`]);
    expect(got.slice(9, 12)).toBe(status);
    expect(bodyOf(got)).toBe(clean(page()).slice(first, last));
  });

  it('behind the end there is nothing, and it says so', async () => {
    answer = parts;
    const got = await ask('bearer', [`Range: bytes=${page().length}-`]);
    expect(got).toMatch(/^HTTP\/1\.1 416 /);
    expect(fieldOf('Content-Range')(got)).toBe(`bytes */${page().length}`);
    expect(bodyOf(got)).toBe('');
  });

  it('a part that says not which one it is does not pass', async () => {
    answer = () => whole(VALUE.slice(0, 20), '', '206 Partial Content');
    const got = await ask('bearer', ['Range: bytes=0-19']);
    expect(got).not.toContain(VALUE.slice(0, 8));
    expect(proxy.records().at(-1)).toMatchObject({ stage: 'upstream', rule: 'undecodable' });
  });

  it('units of the service itself stay as they are', async () => {
    answer = () => whole('');
    await ask('bearer', ['Range: items=0-24']);
    expect(seen).toContain('Range: items=0-24');
  });
});
