import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { but, DROPPED, GET, POST, REFUSED } from './harness/h2-smuggling-cases.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { block, connectRawH2, END_HEADERS, frame, headers, type RawH2, TYPE } from './harness/raw-h2.ts';
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

describe('a request that two readers could understand differently does not reach an upstream of HTTP/1.1', () => {
  it.each(REFUSED)('%s', async (name, frames) => {
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
  it.each(DROPPED)('%s', async (_, frames) => {
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
  it.each<readonly [string, (client: RawH2) => void]>([
    ['is destroyed', (client) => client.socket.destroy()],
    ['is reset', (client) => client.reset()],
    ['ends', (client) => client.socket.end()],
    ['broke a rule', (client) => client.send(frame(TYPE.data, 0, 0, 'x'))],
  ])('that %s has one record for each stream, also for those that were refused unread', async (how, end) => {
    const own = await rawSetting(answering(OK));
    const client = await connectRawH2(own.proxy, HOST);
    client.send(headers(1, GET), headers(3, [...GET, 'X', '1']), headers(5, GET), headers(7, [...GET, 'te', 'x']));
    await Promise.all([1, 3, 5, 7].map((stream) => client.judged(stream)));
    end(client);
    // The last of them stands for the connection that was broken.
    const last = how === 'broke a rule' ? 'h2-connection' : 'h2-stream';
    const rules = (await own.proxy.recorded(4)).map(({ rule }) => rule);
    expect(rules.sort()).toEqual([`allow.${HOST}`, `allow.${HOST}`, last, 'h2-stream']);
    await own.proxy.stop();
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
