// The bounds of connections and messages come from the configuration: each is met by a peer that goes one beyond it.
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type Http2Limits, type ProxyLimits } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { requestList } from './harness/h2.ts';
import { until } from './harness/proxy.ts';
import { connectRawH2, END_HEADERS, frame, headers, type RawH2, TYPE } from './harness/raw-h2.ts';
import { HOST, rawSetting } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { answering } from './harness/upstream.ts';

afterEach(undoAll);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const GET = requestList(HOST, 'GET', '/');
const POST = requestList(HOST, 'POST', '/');
const CANCEL = '\0\0\0\x08';
const fields = (count: number): string[] => Array.from({ length: count }, (_, n) => [`x-${n}`, '1']).flat();

const setting = (limits: Partial<ProxyLimits>, answer = OK) => rawSetting(answering(answer), { limits });
const http2 = (limits: Partial<Http2Limits>) => setting({ http2: { ...DEFAULT_LIMITS.http2, ...limits } });

/** id -> value of the settings that the proxy announced. */
async function settingsOf(client: RawH2): Promise<Map<number, number>> {
  const ours = () => client.frames.find(({ type, flags }) => type === TYPE.settings && flags === 0);
  await until(() => ours() !== undefined, 'the settings');
  const { payload } = ours()!;
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  return settings;
}

describe('of HTTP/2, a bound', () => {
  it('on streams and windows is announced', async () => {
    const { proxy } = await http2({ streams: 7, streamWindowBytes: 100_000, windowBytes: 300_000 });
    const client = await connectRawH2(proxy, HOST);
    const settings = await settingsOf(client);
    expect([settings.get(3), settings.get(4), settings.get(6)]).toEqual([7, 100_000, DEFAULT_LIMITS.headBytes]);
    const update = () => client.frames.find(({ type, stream }) => type === TYPE.windowUpdate && stream === 0);
    await until(() => update() !== undefined, 'the window of the connection');
    // On top of what every connection begins with (RFC 9113, 6.9.2).
    expect(update()!.payload.readUInt32BE(0)).toBe(300_000 - 65_535);
  });

  it.each<readonly [string, Partial<Http2Limits>, (client: RawH2) => void]>([
    [
      'open streams',
      { streams: 3 },
      (client) => client.send(...[1, 3, 5, 7].map((stream) => headers(stream, POST, END_HEADERS))),
    ],
    [
      'resets at once',
      { resetBurst: 10, resetsPerSecond: 1 },
      (client) => {
        for (let n = 0; n < 40; n++) {
          const stream = 2 * n + 1;
          client.send(headers(stream, POST, END_HEADERS), frame(TYPE.reset, 0, stream, CANCEL));
        }
      },
    ],
    [
      'settings in a frame',
      { settings: 4 },
      (client) => client.send(frame(TYPE.settings, 0, 0, Buffer.from('000100001000'.repeat(5), 'hex'))),
    ],
  ])(
    'on %s ends the connection of the client that goes beyond it, with a record, and no other',
    async (_, limits, attack) => {
      const { proxy } = await http2(limits);
      const beside = await connectRawH2(proxy, HOST);
      const client = await connectRawH2(proxy, HOST);
      await settingsOf(client);
      attack(client);
      await until(() => client.isClosed() || client.frames.some(({ type }) => type === TYPE.goAway), 'the end');
      beside.send(headers(1, GET));
      expect(await beside.judged(1)).toBe('answered');
      await until(() => proxy.records().some(({ rule }) => rule === 'h2-connection'), 'the record of the end');
    },
  );

  it('is not met by a client that keeps to it', async () => {
    const { proxy } = await http2({ streams: 3, resetBurst: 5, settings: 4 });
    const client = await connectRawH2(proxy, HOST);
    await settingsOf(client);
    client.send(...[1, 3, 5].map((stream) => headers(stream, GET)));
    for (const stream of [1, 3, 5]) expect(await client.judged(stream)).toBe('answered');
    expect(client.frames.filter(({ type }) => type === TYPE.goAway)).toEqual([]);
  });

  it('on the fields of a head is refused in words', async () => {
    const { proxy, upstream } = await setting({ headFields: 20 });
    const client = await connectRawH2(proxy, HOST);
    client.send(headers(1, [...GET, ...fields(21)]), headers(3, [...GET, ...fields(19)]));
    expect([await client.judged(1), await client.judged(3)]).toEqual(['answered', 'answered']);
    expect((await proxy.recorded(2)).map(({ rule }) => rule).sort()).toEqual([`allow.${HOST}`, 'too-many-fields']);
    expect(upstream.peers).toHaveLength(1);
  });
});

describe('of HTTP/1.1, a bound', () => {
  const lines = (count: number): string => fields(count).join(': ').replaceAll(': x-', '\r\nx-');

  it('on the fields of a head is refused in words', async () => {
    const { proxy, upstream } = await setting({ headFields: 20 });
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n${lines(20)}\r\n\r\n`);
    expect(await client.ended()).toContain('x-bottle-block: protocol too-many-fields ');
    expect(upstream.peers).toHaveLength(0);
    const fits = await connectHost(proxy, HOST);
    fits.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n${lines(19)}\r\n\r\n`);
    await fits.waitFor('hi');
  });

  it('on trailers is refused in words', async () => {
    const { proxy, upstream } = await setting({ trailerBytes: 1024 });
    const client = await connectHost(proxy, HOST);
    const body = 'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n';
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\n${body}x-t: ${'y'.repeat(1100)}\r\n\r\n`);
    expect(await client.ended()).toContain('x-bottle-block: protocol trailers ');
    expect(upstream.peers).toHaveLength(0);
  });

  it('on interim answers ends an upstream that sends nothing else', async () => {
    const { proxy } = await setting({ interims: 2 }, `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3)}${OK}`);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await client.waitFor('HTTP/1.1 502');
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'interim' }]);
  });
});
