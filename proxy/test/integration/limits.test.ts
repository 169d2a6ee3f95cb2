// What an agent may use up: beyond it nothing reaches the upstream, and the refusal says which line of the spec bounds it.
import { afterEach, describe, expect, it } from 'vitest';
import type { Quota } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { answering } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const POST = `POST / HTTP/1.1\r\nHost: ${HOST}\r\n`;
const bound = (more: Partial<Quota>, name = 'egress.limits'): Quota => ({
  name,
  requestBytes: null,
  requestsPerMinute: null,
  totalBytes: null,
  ...more,
});
const count = (text: string, part: string): number => text.split(part).length - 1;

describe('a bound', () => {
  it('on requests in a minute refuses the next one, on whatever connection, and the connection goes on', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), { quota: bound({ requestsPerMinute: 3 }) });
    const first = await connectHost(proxy, HOST);
    first.send(`GET /1 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`.repeat(2));
    await first.waitFor(OK.repeat(2));
    const second = await connectHost(proxy, HOST);
    second.send(`GET /2 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`.repeat(3));
    const records = await proxy.recorded(5);
    await second.waitFor(`${records[4]!.id})`);
    expect(second.received()).toMatch(/^HTTP\/1\.1 200 [\s\S]*hiHTTP\/1\.1 403 [\s\S]*HTTP\/1\.1 403 /);
    expect(second.received()).toContain('more than 3 requests in a minute (egress.limits.requests_per_minute); wait ');
    expect(records.map(({ status, stage, rule }) => [status, stage, rule]).slice(2)).toEqual([
      [200, 'none', `allow.${HOST}`],
      [403, 'limit', 'requests_per_minute'],
      [403, 'limit', 'requests_per_minute'],
    ]);
    expect(count(upstream.peers.map((peer) => peer.received()).join(''), 'GET /')).toBe(3);
  });

  it('on the body of a request refuses by what it announces, before it is asked for', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), {
      route: { quota: bound({ requestBytes: 10 }, 'allow.0.limits') },
    });
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}Expect: 100-continue\r\nContent-Length: 11\r\n\r\n`);
    await client.ended();
    expect(client.received()).toMatch(/^HTTP\/1\.1 403 [\s\S]*x-bottle-block: limit request_bytes /);
    expect(client.received()).toContain('allow.0.limits.request_bytes');
    expect(upstream.peers).toHaveLength(0);
    expect(await proxy.recorded(1)).toMatchObject([
      { verdict: 'block', stage: 'limit', rule: 'request_bytes', bytes_out: 0 },
    ]);
  });

  it('on the body of a request refuses a chunked one as it comes, and nothing of it leaves', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), { quota: bound({ requestBytes: 10 }) });
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    client.send('6\r\n world\r\n0\r\n\r\n');
    await client.waitFor('\r\nx-bottle-block: limit request_bytes ');
    expect(upstream.peers).toHaveLength(0);
    const fits = await connectHost(proxy, HOST);
    fits.send(`${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n`);
    await fits.waitFor('hi');
  });

  it('on the body of a request cuts one that streams: the upstream never sees its end', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, {
      quota: bound({ requestBytes: 1_500_000 }),
      limits: { holdBytes: 10_000 },
    });
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `3e8\r\n${'all work and no play '.repeat(50).slice(0, 1000)}\r\n`;
    client.send(chunk.repeat(1400));
    await (await upstream.peer(0)).waitFor('all work');
    client.send(chunk.repeat(101));
    expect(await client.ended()).toContain('x-bottle-block: limit request_bytes ');
    expect(upstream.peers[0]!.received()).not.toContain('\r\n0\r\n');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'limit', status: 403 }]);
  });

  it('on bytes in all counts over connections, and in the end nothing leaves any more', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), { quota: bound({ totalBytes: 2000 }) });
    const body = 'x'.repeat(400);
    const statuses: string[] = [];
    for (let i = 0; i < 8; i++) {
      const client = await connectHost(proxy, HOST);
      client.send(`${POST}Content-Length: 400\r\n\r\n${body}`);
      await client.waitFor('\r\n\r\n');
      statuses.push(client.received().slice(9, 12));
      client.close();
    }
    expect(statuses).toEqual(['200', '200', '200', '200', '403', '403', '403', '403']);
    expect(count(upstream.peers.map((peer) => peer.received()).join(''), body)).toBe(4);
    expect((await proxy.recorded(8)).at(-1)).toMatchObject({ stage: 'limit', rule: 'total_bytes' });
  });
});
