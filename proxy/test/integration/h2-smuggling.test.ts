import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requestList } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { block, connectRawH2, END_HEADERS, END_STREAM, frame, headers, TYPE } from './harness/raw-h2.ts';
import { HOST, rawSetting } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { answering, arrivals, type Upstream } from './harness/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
let proxy: RunningProxy;
let upstream: Upstream;

beforeAll(async () => {
  ({ proxy, upstream } = await rawSetting(answering(OK)));
});
afterAll(undoAll);
afterEach(() => expect(proxy.stderr()).toBe(''));

const GET = requestList(HOST, 'GET', '/');
const POST = requestList(HOST, 'POST', '/');
const but = (name: string, value: string | null): string[] => {
  const at = GET.indexOf(name);
  return value === null ? GET.toSpliced(at, 2) : GET.toSpliced(at + 1, 1, value);
};
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n';

describe('a request that two readers could understand differently does not reach an upstream of HTTP/1.1', () => {
  it.each<readonly [string, readonly Buffer[]]>([
    ['an upper-case name', [headers(1, [...GET, 'Smuggled', '1'])]],
    ['CR LF in :path', [headers(1, but(':path', `/ HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`))]],
    ['a space in :path', [headers(1, but(':path', '/ HTTP/1.1 smuggled'))]],
    ['an absolute :path', [headers(1, but(':path', 'https://evil.test/smuggled'))]],
    ['no :path', [headers(1, but(':path', null))]],
    ['an empty :path', [headers(1, but(':path', ''))]],
    ['CR LF in :method', [headers(1, but(':method', `GET / HTTP/1.1\r\n\r\n${SMUGGLED}`))]],
    ['a space in :method', [headers(1, but(':method', 'GET /smuggled'))]],
    ['no :method', [headers(1, but(':method', null))]],
    ['CR LF in :authority', [headers(1, but(':authority', `${HOST}\r\nsmuggled: 1`))]],
    ['another :authority', [headers(1, but(':authority', 'evil.test'))]],
    ['user information in :authority', [headers(1, but(':authority', `smuggled@${HOST}`))]],
    ['another port in :authority', [headers(1, but(':authority', `${HOST}:8443`))]],
    ['another host field', [headers(1, [...GET, 'host', 'evil.test'])]],
    ['two host fields', [headers(1, [...GET, 'host', HOST, 'host', HOST])]],
    ['no :authority and no host', [headers(1, but(':authority', null))]],
    ['plain :scheme', [headers(1, but(':scheme', 'http'))]],
    ['no :scheme', [headers(1, but(':scheme', null))]],
    ['CR LF in :scheme', [headers(1, but(':scheme', 'https\r\nsmuggled: 1'))]],
    [':path twice', [headers(1, [...GET, ':path', '/smuggled'])]],
    [':method twice', [headers(1, [':method', 'POST', ...GET])]],
    ['a pseudo-field behind a field', [headers(1, ['x', 'smuggled', ...GET])]],
    ['a pseudo-field of a response', [headers(1, [...GET, ':status', '200'])]],
    ['an unknown pseudo-field', [headers(1, [':smuggled', '1', ...GET])]],
    [
      'transfer-encoding',
      [
        headers(1, [...POST, 'transfer-encoding', 'chunked'], END_HEADERS),
        frame(TYPE.data, END_STREAM, 1, `0\r\n\r\n${SMUGGLED}`),
      ],
    ],
    [
      'transfer-encoding and content-length',
      [
        headers(1, [...POST, 'content-length', '4', 'transfer-encoding', 'chunked'], END_HEADERS),
        frame(TYPE.data, END_STREAM, 1, '0\r\n\r\nsmuggled'),
      ],
    ],
    ['connection', [headers(1, [...GET, 'connection', 'close, smuggled'])]],
    ['keep-alive', [headers(1, [...GET, 'keep-alive', 'smuggled'])]],
    ['upgrade to h2c', [headers(1, [...GET, 'upgrade', 'h2c', 'http2-settings', 'AAMAAABk'])]],
    ['te that is not trailers', [headers(1, [...GET, 'te', 'smuggled'])]],
    [
      'content-length smaller than the body',
      [headers(1, [...POST, 'content-length', '3'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, `abc${SMUGGLED}`)],
    ],
    [
      'content-length larger than the body',
      [headers(1, [...POST, 'content-length', '99'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled')],
    ],
    ['content-length without a body', [headers(1, [...POST, 'content-length', '9', 'x', 'smuggled'])]],
    [
      'two lengths',
      [
        headers(1, [...POST, 'content-length', '8', 'content-length', '8'], END_HEADERS),
        frame(TYPE.data, END_STREAM, 1, 'smuggled'),
      ],
    ],
    [
      'a signed length',
      [headers(1, [...POST, 'content-length', '+8'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled')],
    ],
    [
      'content_length',
      [headers(1, [...POST, 'content_length', '8'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled')],
    ],
    [
      'a forbidden trailer',
      [headers(1, POST, END_HEADERS), frame(TYPE.data, 0, 1, 'smuggled'), headers(1, ['content-length', '0'])],
    ],
    [
      'a pseudo-field among trailers',
      [headers(1, POST, END_HEADERS), frame(TYPE.data, 0, 1, 'smuggled'), headers(1, [':path', '/evil'])],
    ],
    [
      'CONNECT',
      [
        headers(1, [':method', 'CONNECT', ':authority', 'evil.test:443'], END_HEADERS),
        frame(TYPE.data, 0, 1, SMUGGLED),
      ],
    ],
    [
      'an extended CONNECT to something else',
      [headers(1, [':method', 'CONNECT', ':protocol', 'smuggled', ...GET.slice(2)], END_HEADERS)],
    ],
    ['a body before its head', [frame(TYPE.data, END_STREAM, 1, 'smuggled')]],
    ['an even stream', [headers(2, [...GET, 'x', 'smuggled'])]],
    ['a head cut by another stream', [frame(TYPE.headers, 0, 1, block(GET)), headers(3, [...GET, 'x', 'smuggled'])]],
    [
      'a promise',
      [frame(TYPE.pushPromise, END_HEADERS, 1, `\0\0\0\x02${block([...GET, 'x', 'smuggled']).toString('latin1')}`)],
    ],
    [
      'a frame larger than allowed',
      [headers(1, POST, END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled'.padEnd(20_000))],
    ],
    [
      'padding longer than its frame',
      [headers(1, POST, END_HEADERS), frame(TYPE.data, 8 | END_STREAM, 1, '\xffsmuggled')],
    ],
    [
      'fields that cannot be decoded',
      [frame(TYPE.headers, END_STREAM | END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))],
    ],
  ])('%s', async (name, frames) => {
    const arrived = arrivals(upstream);
    const records = proxy.records().length;
    const client = await connectRawH2(proxy, HOST);
    client.send(...frames);
    const end = await client.judged(name === 'an even stream' ? 2 : 1);
    expect(['answered', 'reset', 'goaway', 'closed']).toContain(end);
    client.socket.destroy();
    // Also what the reader of frames resets by itself, without a word to anybody.
    const own = (await proxy.recorded(records + 1)).slice(records);
    expect(own).toMatchObject([{ verdict: 'block', stage: expect.stringMatching(/^(protocol|policy)$/), host: HOST }]);
    // The next request, on a connection of its own, finds nothing in its way.
    const next = await connectRawH2(proxy, HOST);
    next.send(headers(1, but(':path', '/next')));
    expect(await next.judged(1)).toBe('answered');
    expect(arrived()).toBe(`GET /next HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
    expect((await proxy.recorded(records + 2)).slice(records)).toHaveLength(2);
  });
});

describe('fields that HTTP/2 forbids are dropped by the reader of its frames, before anybody could believe them', () => {
  it.each<readonly [string, readonly Buffer[]]>([
    ['CR LF in a value', [headers(1, [...GET, 'x', `a\r\n\r\n${SMUGGLED}`])]],
    ['LF in a value', [headers(1, [...GET, 'x', 'a\nsmuggled: 1'])]],
    ['NUL in a value', [headers(1, [...GET, 'x', 'a\0smuggled'])]],
    ['CR LF in a name', [headers(1, [...GET, 'x\r\nsmuggled', '1'])]],
    ['a colon in a name', [headers(1, [...GET, 'x: smuggled', '1'])]],
    ['an empty name', [headers(1, [...GET, '', 'smuggled'])]],
    [
      'content-length too small',
      [headers(1, [...POST, 'content-length', '0'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, SMUGGLED)],
    ],
    [
      'CR LF in a trailer',
      [headers(1, POST, END_HEADERS), frame(TYPE.data, 0, 1, 'payload'), headers(1, ['x', 'a\r\nb: c'])],
    ],
  ])('%s', async (_, frames) => {
    const arrived = arrivals(upstream);
    const client = await connectRawH2(proxy, HOST);
    client.send(...frames);
    await client.judged(1);
    const came = arrived().toLowerCase();
    expect(came.split('\r\n\r\n').length).toBeLessThanOrEqual(3);
    expect(came).not.toMatch(/evil|\/smuggled|\nsmuggled|b: c/);
    expect(came).toMatch(/^(?:$|get \/ http|post \/ http)/);
  });
});

describe('floods', () => {
  it.each<readonly [string, (client: Awaited<ReturnType<typeof connectRawH2>>) => void]>([
    [
      'of streams that are reset at once',
      (client) => {
        for (let n = 0; n < 5000; n++)
          client.send(headers(2 * n + 1, GET), frame(TYPE.reset, 0, 2 * n + 1, '\0\0\0\x08'));
      },
    ],
    [
      'of continuations',
      (client) => {
        client.send(frame(TYPE.headers, 0, 1, block(GET)));
        for (let n = 0; n < 2000; n++) client.send(frame(TYPE.continuation, 0, 1, block(['x', 'y'.repeat(1000)])));
      },
    ],
    [
      'of settings',
      (client) => {
        for (let n = 0; n < 20_000; n++) client.send(frame(TYPE.settings, 0, 0));
      },
    ],
    [
      'of pings',
      (client) => {
        client.socket.pause();
        for (let n = 0; n < 50_000; n++) client.send(frame(TYPE.ping, 0, 0, '12345678'));
      },
    ],
    [
      'of empty data',
      (client) => {
        client.send(headers(1, POST, END_HEADERS));
        for (let n = 0; n < 50_000; n++) client.send(frame(TYPE.data, 0, 1));
      },
    ],
  ])('%s cost no more than their connection', async (_, flood) => {
    const client = await connectRawH2(proxy, HOST);
    flood(client);
    await new Promise((resolve) => client.socket.write('', resolve));
    const other = await connectRawH2(proxy, HOST);
    other.send(headers(1, but(':path', '/beside')));
    expect(await other.judged(1)).toBe('answered');
    client.socket.destroy();
    await until(() => proxy.stderr() === '', 'nothing on stderr');
  });
});

describe('a connection', () => {
  it('has one record for each stream, also for those that were refused unread between others', async () => {
    const before = proxy.records().length;
    const client = await connectRawH2(proxy, HOST);
    client.send(headers(1, GET), headers(3, [...GET, 'X', '1']), headers(5, GET), headers(7, [...GET, 'te', 'x']));
    await Promise.all([1, 3, 5, 7].map((stream) => client.judged(stream)));
    client.socket.destroy();
    const rules = (await proxy.recorded(before + 4)).slice(before).map(({ rule }) => rule);
    expect(rules.sort()).toEqual([`allow.${HOST}`, `allow.${HOST}`, 'h2-stream', 'h2-stream']);
  });

  it('that its client just ends is closed at once, with what ran on it and its descriptor', async () => {
    const before = proxy.records().length;
    const clients = await Promise.all(Array.from({ length: 40 }, () => connectRawH2(proxy, HOST)));
    // Its body never ends, so that it is never answered; the answer to the second says that the first has begun.
    for (const client of clients) client.send(headers(1, POST, END_HEADERS), headers(3, but(':path', '*')));
    await Promise.all(clients.map((client) => client.judged(3)));
    const descriptors = (): number => readdirSync(`/proc/${proxy.pid}/fd`).length;
    const during = descriptors();
    for (const client of clients) client.socket.end();
    await until(() => descriptors() <= during - clients.length, 'the descriptors to be closed');
    expect((await proxy.recorded(before + 80)).slice(before)).toHaveLength(80);
  });
});
