// `confirm`: what the spec allows and a person must see first. Nothing of it is outside before; one approval lets one request out, or one kind.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Route, RouteRule } from '../../src/contract.ts';
import { MOST_HELD } from '../../src/net/waiting-room.ts';
import { connectHost, type RawClient } from './harness/client.ts';
import { held, nthHeld, released } from './harness/held.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { answering, type Upstream } from './harness/upstream.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const ANY: RouteRule = { methods: null, paths: null, query: {}, headers: {} };
const DELETES: RouteRule = { methods: ['DELETE'], paths: ['/repos/**'], query: {}, headers: {}, confirm: 'each' };

const setting = (rules: readonly RouteRule[], more: Partial<Route> = {}) =>
  rawSetting(answering(OK), { route: { rules, ...more } });
const received = (upstream: Upstream): string => upstream.peers.map((peer) => peer.received()).join('');
const line = (start: string, fields = ''): string => `${start} HTTP/1.1\r\nHost: ${HOST}\r\n${fields}\r\n`;

async function asks(proxy: RunningProxy, request: string): Promise<RawClient> {
  const client = await connectHost(proxy, HOST);
  client.send(request);
  return client;
}

describe('confirm: each', () => {
  it('lets reads pass, and asks before a delete leaves: host, method, path, and that it is the spec that asks', async () => {
    const { proxy, upstream } = await setting([ANY, DELETES]);
    const client = await asks(proxy, line('GET /repos/acme/shop'));
    await client.waitFor('hi');
    expect(held(proxy)).toEqual([]);
    client.send(line('DELETE /repos/acme/shop?force=1'));
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({
      ...{ host: HOST, method: 'DELETE', path: '/repos/acme/shop?force=', confirm: 'each', findings: [] },
      ...{ stage: 'policy', rule: 'confirm', reason: `DELETE waits for a person here, each time (allow.${HOST})` },
    });
    expect(received(upstream)).not.toContain('DELETE');
    proxy.tell({ do: 'approve', id: event.id });
    await client.waitFor(OK + OK);
    expect(received(upstream)).toContain('DELETE /repos/acme/shop?force=1 ');
    const [, record] = await proxy.recorded(2);
    expect(record).toMatchObject({ verdict: 'hold', stage: 'policy', rule: 'confirm', status: 200, id: event.record });
    expect(record!.reason).toMatch(/^approved by a person: DELETE waits/);
  });

  it('is one approval for one request: not for the next, not for another body, not with always', async () => {
    const { proxy, upstream } = await setting([{ ...ANY, confirm: 'each' }]);
    const first = await asks(proxy, `${line('POST /pay', 'Content-Length: 3\r\n')}one`);
    const { id } = await nthHeld(proxy);
    const second = await asks(proxy, `${line('POST /pay', 'Content-Length: 3\r\n')}two`);
    const other = await nthHeld(proxy, 2);
    proxy.tell({ do: 'approve', id, always: true });
    await first.waitFor('hi');
    first.send(`${line('POST /pay', 'Content-Length: 3\r\n')}one`);
    await nthHeld(proxy, 3);
    expect(received(upstream)).toContain('one');
    expect(received(upstream)).not.toContain('two');
    proxy.tell({ do: 'approve', id });
    proxy.tell({ do: 'deny', id: other.id });
    await second.waitFor('denied by a person');
    expect(received(upstream).split('POST /pay')).toHaveLength(2);
  });

  it('asks once about a secret and the rule together, and always remembers neither', async () => {
    const { proxy } = await setting([{ ...ANY, confirm: 'each' }], { dlp: { onMatch: 'hold', except: [] } });
    const token = `ghp_${randomBytes(18).toString('hex')}`;
    const client = await asks(proxy, line('GET /', `X-Note: ${token}\r\n`));
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({ rule: 'confirm', confirm: 'each', findings: [{ detector: 'github-token' }] });
    proxy.tell({ do: 'approve', id: event.id, always: true });
    await client.waitFor('hi');
    client.send(line('GET /', `X-Note: ${token}\r\n`));
    expect(await nthHeld(proxy, 2)).toMatchObject({ confirm: 'each' });
  });

  it('is refused when nobody decides in time, and says what a person does', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), {
      route: { rules: [{ ...ANY, confirm: 'each' }] },
      limits: { holdTimeoutMs: 40 },
    });
    const client = await asks(proxy, line('DELETE /x'));
    await client.waitFor('no person decided within 0.04 s');
    expect(client.received()).toMatch(/^HTTP\/1\.1 403 [\s\S]*x-bottle-block: policy confirm /);
    expect(client.received()).toContain('bottle watch');
    expect(upstream.peers).toEqual([]);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', rule: 'confirm', status: 403 }]);
  });

  it('holds so many and no more: a flood is refused at once', async () => {
    const { proxy, upstream } = await setting([{ ...ANY, confirm: 'each' }]);
    const clients = await Promise.all(Array.from({ length: MOST_HELD + 6 }, () => asks(proxy, line('DELETE /x'))));
    await until(() => clients.filter((client) => client.received() !== '').length === 6, 'six refusals');
    expect(clients.filter((client) => client.received().includes('wait for a person already'))).toHaveLength(6);
    expect(held(proxy)).toHaveLength(MOST_HELD);
    expect(upstream.peers).toEqual([]);
  });

  const SMUGGLED: readonly (readonly [string, string])[] = [
    ['letters in another case', line('DELETE /REPOS/Acme/shop')],
    ['a method in another case', line('delete /repos/a')],
    ['an escape', line('DELETE /%72epos/a')],
    ['an escape of an escape', line('DELETE /%2572epos/a')],
    ['a doubled slash', line('DELETE //repos//a')],
    ['a dot segment', line('DELETE /x/../repos/a')],
    ['an encoded dot segment', line('DELETE /x/%2e%2e/repos/a')],
    ['a backslash', line('DELETE /x/..%5crepos/a')],
    ['a parameter', line('DELETE /repos;v=1/a')],
    ['a slash at the end', line('DELETE /repos/')],
    ['an override in a header', line('POST /repos/a', 'X-HTTP-Method-Override: delete\r\nContent-Length: 0\r\n')],
    ['an override in the query', line('POST /repos/a?_method=delete', 'Content-Length: 0\r\n')],
  ];

  it.each(SMUGGLED)('is asked for a path or method with %s', async (_, request) => {
    const { proxy, upstream } = await setting([ANY, DELETES]);
    const client = await asks(proxy, request);
    await until(() => held(proxy).length === 1 || client.received() !== '', 'a question or a refusal');
    expect(client.received()).not.toContain('200 OK');
    expect(upstream.peers).toEqual([]);
  });

  it('is refused where a header may replace the path, since nobody could tell what is asked', async () => {
    const { proxy, upstream } = await setting([ANY, DELETES]);
    const client = await asks(proxy, line('DELETE /x', 'X-Original-URL: /repos/a\r\n'));
    await client.waitFor('x-bottle-block: policy ambiguous-path');
    expect(upstream.peers).toEqual([]);
  });

  it('asks about a field that comes twice when one of the two fits', async () => {
    const { proxy } = await setting([ANY, { ...ANY, query: { do: 'wipe' }, confirm: 'each' }]);
    const client = await asks(proxy, line('GET /?do=look'));
    await client.waitFor('hi');
    client.send(line('GET /?do=look&do=wipe'));
    expect(await nthHeld(proxy)).toMatchObject({ rule: 'confirm' });
  });

  it('asks about the opening of a WebSocket', async () => {
    const { proxy, upstream } = await setting([{ ...ANY, confirm: 'each' }]);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    await asks(proxy, line('GET /socket', `${upgrade}Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`));
    expect(await nthHeld(proxy)).toMatchObject({ method: 'GET', path: '/socket', confirm: 'each' });
    expect(upstream.peers).toEqual([]);
  });
});

describe('confirm: session', () => {
  const POSTS: RouteRule = {
    methods: ['POST', 'PUT'],
    paths: ['/notes/**'],
    query: {},
    headers: {},
    confirm: 'session',
  };

  it('asks once for a rule and a method, and for nothing else again', async () => {
    const { proxy, upstream } = await setting([ANY, POSTS]);
    const client = await asks(proxy, line('POST /notes/1', 'Content-Length: 0\r\n'));
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({ confirm: 'session' });
    proxy.tell({ do: 'approve', id: event.id });
    await client.waitFor('hi');
    client.send(line('POST /notes/2', 'Content-Length: 0\r\n'));
    await client.waitFor(OK + OK);
    client.send(line('PUT /notes/2', 'Content-Length: 0\r\n'));
    expect(await nthHeld(proxy, 2)).toMatchObject({ method: 'PUT', path: '/notes/2' });
    expect(received(upstream)).not.toContain('PUT');
    const [, later] = await proxy.recorded(2);
    expect(later).toMatchObject({ verdict: 'hold', rule: 'confirm' });
    expect(later!.reason).toMatch(/^approved by a person, as before: /);
  });

  it.each([
    ['a header', line('POST /notes/1', 'X-HTTP-Method-Override: put\r\nContent-Length: 0\r\n')],
    ['the query', line('POST /notes/1?_method=put', 'Content-Length: 0\r\n')],
  ])('asks anew, and says so, where %s may make another method of one that was approved', async (_, request) => {
    const { proxy, upstream } = await setting([POSTS]);
    const client = await asks(proxy, line('POST /notes/1', 'Content-Length: 0\r\n'));
    proxy.tell({ do: 'approve', id: (await nthHeld(proxy)).id });
    await client.waitFor('hi');
    client.send(request);
    await until(() => held(proxy).length === 2 || client.received() === OK + OK, 'a question or an answer');
    expect(held(proxy)[1]?.reason).toMatch(/^POST or PUT waits for a person here/);
    expect(received(upstream).toLowerCase()).not.toContain('put');
  });

  it('answers those who asked the same meanwhile', async () => {
    const { proxy } = await setting([POSTS]);
    const clients = await Promise.all(
      ['1', '2', '3'].map((name) => asks(proxy, line(`POST /notes/${name}`, 'Content-Length: 0\r\n'))),
    );
    const { id } = await nthHeld(proxy, 3);
    proxy.tell({ do: 'approve', id });
    await Promise.all(clients.map((client) => client.waitFor('hi')));
    expect(released(proxy).map(({ by }) => by)).toEqual(['person', 'person', 'person']);
  });

  it('that was denied asks again, and a secret beside it is not approved by that', async () => {
    const { proxy } = await setting([POSTS], { dlp: { onMatch: 'hold', except: [] } });
    const client = await asks(proxy, line('POST /notes/1', 'Content-Length: 0\r\n'));
    proxy.tell({ do: 'deny', id: (await nthHeld(proxy)).id });
    await client.waitFor('denied by a person');
    client.send(line('POST /notes/1', 'Content-Length: 0\r\n'));
    proxy.tell({ do: 'approve', id: (await nthHeld(proxy, 2)).id });
    await client.waitFor('hi');
    const token = `ghp_${randomBytes(18).toString('hex')}`;
    client.send(line('POST /notes/1', `X-Note: ${token}\r\nContent-Length: 0\r\n`));
    expect(await nthHeld(proxy, 3)).toMatchObject({ findings: [{ detector: 'github-token' }] });
  });

  it('gives way to a rule that asks each time', async () => {
    const { proxy } = await setting([{ ...POSTS }, { ...POSTS, paths: ['/notes/paid'], confirm: 'each' }]);
    const client = await asks(proxy, line('POST /notes/paid', 'Content-Length: 0\r\n'));
    const event = await nthHeld(proxy);
    expect(event.confirm).toBe('each');
    proxy.tell({ do: 'approve', id: event.id });
    await client.waitFor('hi');
    client.send(line('POST /notes/1', 'Content-Length: 0\r\n'));
    expect(await nthHeld(proxy, 2)).toMatchObject({ confirm: 'session' });
  });
});
