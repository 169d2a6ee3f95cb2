// Responses that are searched for an injected credential while they stream: nothing waits, whatever the encoding.
import { randomBytes } from 'node:crypto';
import {
  type BrotliOptions,
  brotliCompressSync,
  createBrotliCompress,
  createDeflate,
  createDeflateRaw,
  createGzip,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gzipSync,
  constants as zlib,
  zstdCompressSync,
} from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost, type RawClient } from './harness/client.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting, rawSetting, type SettingOptions } from './harness/setting.ts';

afterEach(endSettings);

const VALUE = `real-${randomBytes(20).toString('hex')}`;
const STARS = '*'.repeat(VALUE.length);
const INJECTING: SettingOptions = {
  secrets: [{ name: 'TOKEN', value: VALUE, placeholder: `bottle_${randomBytes(20).toString('hex')}` }],
  route: { auth: { type: 'bearer', secret: 'TOKEN' } },
};
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

/** A body in chunks, put together. */
function bodyOf(client: RawClient): string {
  const [, ...rest] = client.received().split('\r\n\r\n');
  let text = rest.join('\r\n\r\n');
  let body = '';
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/.exec(text);
    if (size === null) return body;
    const start = size[0].length;
    body += text.slice(start, start + Number.parseInt(size[1]!, 16));
    text = text.slice(start + Number.parseInt(size[1]!, 16) + 2);
  }
}

const chunk = (bytes: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), Buffer.from(bytes as string), Buffer.from('\r\n')]);

/** One compressor for all events, flushed after each, as a server of events does it. */
interface Compressor {
  write(bytes: Buffer): unknown;
  flush(done: () => void): void;
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
}
const brotliFast: BrotliOptions = { params: { [zlib.BROTLI_PARAM_QUALITY]: 4 } };
const compressors: [string, () => Compressor][] = [
  ['gzip', () => createGzip()],
  ['x-gzip', () => createGzip()],
  ['deflate', () => createDeflate()],
  ['deflate', () => createDeflateRaw()],
  ['br', () => createBrotliCompress(brotliFast)],
  ['zstd', () => createZstdCompress()],
];

describe('a stream of events that is searched', () => {
  it.each(compressors)('and compressed with %s passes event by event', async (encoding, create) => {
    const { proxy, upstream } = await rawSetting(() => {}, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send(
      `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: ${encoding}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const compressor = create();
    let compressed: Buffer[] = [];
    compressor.on('data', (bytes) => compressed.push(bytes));
    let expected = '';
    for (let i = 0; i < 30; i++) {
      const event = `data: {"n":${i},"said":"${i % 7 === 3 ? VALUE : 'nothing new'}"}\n\n`;
      compressor.write(Buffer.from(event));
      await new Promise<void>((resolve) => compressor.flush(resolve));
      peer.send(chunk(Buffer.concat(compressed)));
      compressed = [];
      expected += event.replace(VALUE, STARS);
      await until(() => bodyOf(client) === expected, `event ${i}`);
    }
    expect(client.received()).not.toMatch(/content-encoding/i);
  });

  it('keeps a credential that comes over many events of one letter from the agent, and holds nothing else back', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.waitFor('chunked');
    for (const [i, letter] of [...VALUE].entries()) {
      peer.send(chunk(letter));
      if (i === 9) expect(bodyOf(client)).toBe('');
    }
    peer.send(chunk(`\n${VALUE.slice(0, 9)}`));
    peer.send(chunk(' is no credential\n'));
    const expected = `${STARS}\n${VALUE.slice(0, 9)} is no credential\n`;
    await until(() => bodyOf(client).length === expected.length, 'all of it');
    expect(bodyOf(client)).toBe(expected);
  });

  it('of 200 events arrives one by one, in order', async () => {
    const { proxy } = await httpSetting((_request, response) => {
      response.setHeader('content-type', 'text/event-stream');
      response.flushHeaders();
      let sent = 0;
      const timer = setInterval(() => {
        response.write(`data: ${sent++}\n\n`);
        if (sent < 200) return;
        clearInterval(timer);
        response.end();
      }, 5);
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    const reads: string[] = [];
    client.socket.on('data', (bytes: Buffer) => reads.push(bytes.toString('latin1')));
    client.send(GET);
    await client.waitFor('\r\n0\r\n\r\n');
    const events = reads.map((read) => (read.match(/data: \d+/g) ?? []).length);
    expect(bodyOf(client)).toBe(Array.from({ length: 200 }, (_, i) => `data: ${i}\n\n`).join(''));
    // A busy machine may let a few of them come together; a proxy that gathers would leave a handful of reads.
    expect(events.filter((count) => count === 1).length).toBeGreaterThan(150);
  });

  it('reaches an agent of HTTP/1.0 without chunks, and ends with the connection', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    let expected = '';
    for (let i = 0; i < 5; i++) {
      peer.send(chunk(`data: ${i} ${VALUE}\n\n`));
      expected += `data: ${i} ${STARS}\n\n`;
      await client.waitFor(`\r\n\r\n${expected}`);
    }
    peer.send('0\r\n\r\n');
    const all = await client.ended();
    expect(all).not.toMatch(/transfer-encoding/i);
    expect(all.endsWith(`\r\n\r\n${expected}`)).toBe(true);
  });

  it('may be silent for long and answer late', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(`GET /poll HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    const peer = await upstream.peer(0);
    await peer.waitFor('/poll');
    // A few sweeps of the clock that watches over idle connections.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(client.received()).toBe('');
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
    await client.waitFor('late');
  });
});

describe('a whole response that is searched', () => {
  const body = Buffer.from(`${'all work '.repeat(40)} ${VALUE} ${'no play '.repeat(40)}`);
  const clean = body.toString().replace(VALUE, STARS);
  it.each<[string, Buffer]>([
    ['gzip', gzipSync(body)],
    ['gzip', Buffer.concat([gzipSync(body.subarray(0, 375)), gzipSync(body.subarray(375))])],
    ['GZIP', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['deflate', deflateRawSync(body)],
    ['br', brotliCompressSync(body)],
    ['zstd', zstdCompressSync(body)],
    ['zstd', Buffer.concat([zstdCompressSync(body.subarray(0, 375)), zstdCompressSync(body.subarray(375))])],
    ['gzip, br', brotliCompressSync(gzipSync(body))],
    ['identity', body],
  ])('and encoded with %s is decoded at any cut', async (encoding, encoded) => {
    const { proxy } = await httpSetting((request, response) => {
      const step = Number(request.url!.slice(1));
      response.setHeader('content-encoding', encoding);
      response.socket!.setNoDelay(true);
      for (let at = 0; at < encoded.length; at += step) response.write(encoded.subarray(at, at + step));
      response.end();
    }, INJECTING);
    for (const step of [10_000, 1]) {
      const client = await connectHost(proxy, HOST);
      client.send(GET.replace('/', `/${step}`));
      await client.waitFor('\r\n0\r\n\r\n');
      expect(bodyOf(client)).toBe(clean);
    }
  });

  it.each<[string, Buffer]>([
    ['gzip', gzipSync(body).subarray(0, 60)],
    ['gzip', Buffer.from('this is no gzip')],
    ['br', Buffer.from('this is no brotli, by no means')],
    ['zstd', Buffer.from('this is no zstd')],
    ['gzip, br', gzipSync(body)],
  ])('and is not what its encoding %s says breaks off, with a record', async (encoding, encoded) => {
    const { proxy } = await httpSetting((_request, response) => {
      response.setHeader('content-encoding', encoding);
      response.end(encoded);
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    expect(await client.ended()).not.toContain('\r\n0\r\n\r\n');
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'undecodable' }]);
  });

  it('and encoded in a way that we do not know is refused', async () => {
    const { proxy } = await httpSetting((_request, response) => {
      response.setHeader('content-encoding', 'gzip, snappy');
      response.end(gzipSync(body));
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    expect(await client.waitFor('"rule":"undecodable"')).toMatch(/^HTTP\/1\.1 502 /);
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'undecodable' }]);
  });

  it.each(['gzip', 'deflate', 'br', 'zstd'])('and is empty, encoded with %s, is empty', async (encoding) => {
    const { proxy } = await httpSetting((_request, response) => {
      response.setHeader('content-encoding', encoding);
      response.setHeader('content-length', 0);
      response.end();
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.send(GET);
    await client.waitFor('\r\n\r\n');
    client.send(GET);
    expect(await proxy.recorded(2)).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5000\r\nETag: "a"\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nETag: "a"\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nETag: "a"\r\n\r\n'],
    ['GET', 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/9000\r\nContent-Length: 5\r\n\r\nabcde'],
    ['GET', 'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9000\r\nContent-Length: 0\r\n\r\n'],
  ])('by %s: %s keeps its head, and the connection goes on', async (method, answer) => {
    const { proxy, upstream } = await rawSetting((peer) => {
      peer.socket.on('data', () => peer.send(answer));
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    for (let i = 1; i <= 2; i++) {
      client.send(`${method} /${i} HTTP/1.1\r\nHost: ${HOST}\r\nRange: bytes=0-4\r\nAccept-Encoding: gzip\r\n\r\n`);
      await until(() => client.received() === answer.repeat(i), `answer ${i}; it has ${client.received()}`);
    }
    expect(upstream.peers).toHaveLength(1);
    // More than the part is asked for, so that no value can be had in pieces; there is nothing of it in an answer to HEAD.
    const range = method === 'HEAD' ? /bytes=0-4/ : /bytes=0-\d{3,}/;
    expect(upstream.peers[0]!.received()).toMatch(
      new RegExp(`Range: ${range.source}\r\nAccept-Encoding: identity\r\n`),
    );
  });

  it('that expands a thousandfold comes whole to a slow agent, and the proxy does not grow with it', async () => {
    const size = 64 * 1024 * 1024;
    const { proxy } = await httpSetting((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(Buffer.alloc(size, 'z')));
    }, INJECTING);
    const client = await connectHost(proxy, HOST);
    client.socket.removeAllListeners('data');
    let received = 0;
    client.socket.on('data', (bytes: Buffer) => {
      received += bytes.length;
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
    client.send(GET);
    await until(() => received > size, 'the whole body');
    expect(await proxy.recorded(1)).toMatchObject([{ status: 200 }]);
  });
});
