// `expires`: afterwards nothing of a route leaves any more, and what is under way ends.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Expiry, Route } from '../../src/contract.ts';
import { connectHost, connectProxy } from './harness/client.ts';
import { ask, connectH2, h2Upstream, requestList } from './harness/h2.ts';
import { nthHeld, released } from './harness/held.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo, rawSetting } from './harness/setting.ts';
import { answering, testAuthority } from './harness/upstream.ts';
import { openWebSocket, webSocketSetting } from './harness/websocket.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const get = (path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
/** Long enough for a proxy to start and a connection to open on a loaded machine. */
const SOON = 4_000;
const after = (afterMs: number): Partial<Route> => ({ expires: [{ name: 'allow.0.expires', afterMs }] });
const OVER = 'allow.0.expires allows it for';

describe('a route whose time is over', () => {
  it.each<[string, Expiry]>([
    ['after a duration', { name: 'allow.0.expires', afterMs: 1 }],
    ['at a time', { name: 'allow.0.expires', at: new Date(Date.now() - 1000).toISOString() }],
  ])('%s refuses every request, and nothing is dialled', async (_, expiry) => {
    const { proxy, upstream } = await rawSetting(answering(OK), { route: { expires: [expiry] } });
    const client = await connectHost(proxy, HOST);
    client.send(get());
    await client.waitFor('which is over');
    expect(client.received()).toMatch(/^HTTP\/1\.1 403 [\s\S]*x-bottle-block: policy expired /);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'policy', rule: 'expired' }]);
    expect(upstream.peers).toEqual([]);
  });

  it('of a secret that it adds adds it no more', async () => {
    const value = randomBytes(20).toString('hex');
    const { proxy, upstream } = await rawSetting(answering(OK), {
      secrets: [{ name: 'KEY', value, placeholder: `p${randomBytes(20).toString('hex')}` }],
      route: { auth: { type: 'bearer', secret: 'KEY' }, expires: [{ name: 'secrets.KEY.expires', afterMs: SOON }] },
    });
    const client = await connectHost(proxy, HOST);
    let sent = 0;
    while (!client.received().includes('secrets.KEY.expires')) {
      const had = client.received().length;
      client.send(get());
      sent++;
      await until(() => client.received().length > had, 'an answer');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const arrived = upstream.peers.map((peer) => peer.received()).join('');
    expect(arrived.split(value).length - 1).toBe(sent - 1);
  });

  it('is no way to another entry for the same place', async () => {
    const { proxy, upstream } = await rawSetting(answering(OK), {
      route: { expires: [{ name: 'x', afterMs: 1 }] },
      onDeny: 'hold',
    });
    const client = await connectHost(proxy, HOST);
    client.send(get());
    await client.waitFor('x-bottle-block: policy expired');
    expect(upstream.peers).toEqual([]);
  });
});

describe('what is under way when the time is over', () => {
  it('is a stream: cut, with a record that says why', async () => {
    const { proxy } = await rawSetting(
      (peer) => {
        void peer
          .waitFor('GET /')
          .then(() => peer.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n'));
      },
      { route: after(SOON) },
    );
    const client = await connectHost(proxy, HOST);
    client.send(get());
    await client.waitFor('data: 1');
    await client.ended();
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'block', stage: 'policy', rule: 'expired', status: 200 });
    expect(record!.reason).toContain(OVER);
  });

  it('is a request that waits for its answer: refused in its place', async () => {
    const { proxy, upstream } = await rawSetting(() => {}, { route: after(SOON) });
    const client = await connectHost(proxy, HOST);
    client.send(get('/slow'));
    await (await upstream.peer(0)).waitFor('/slow');
    await client.waitFor(OVER);
    expect(client.received()).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('is a request that waits for a person: refused, and the question is withdrawn', async () => {
    const rules = [{ methods: null, paths: null, query: {}, headers: {}, confirm: 'each' as const }];
    const { proxy, upstream } = await rawSetting(answering(OK), { route: { ...after(SOON), rules } });
    const client = await connectHost(proxy, HOST);
    client.send(get());
    const { id } = await nthHeld(proxy);
    await client.waitFor(OVER);
    expect(released(proxy)).toMatchObject([{ id }]);
    proxy.tell({ do: 'approve', id });
    client.send(get());
    await until(() => client.received().split(OVER).length > 2, 'a second refusal');
    expect(upstream.peers).toEqual([]);
  });

  it('is a WebSocket: closed with the reason', async () => {
    const { proxy, upstream } = await webSocketSetting({ deflate: false, route: after(SOON) });
    const talk = await openWebSocket(proxy, false);
    talk.socket.send('hello');
    await until(() => talk.messages.length === 1, 'the echo');
    await until(() => talk.closed !== null, 'the close');
    expect(talk.closed).toMatchObject({ code: 1008 });
    expect(talk.closed!.reason).toContain(OVER);
    const heard = await upstream.first();
    await until(() => heard.closed !== null, 'the close at the upstream');
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'expired', verdict: 'block' }]);
  });

  it('is a tunnel that nobody reads: ended', async () => {
    const { proxy } = await rawSetting(answering(OK), {
      route: { ...after(SOON), scheme: 'tcp', ports: [443] },
    });
    const client = await connectProxy(proxy);
    client.send(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    await client.waitFor(' 200 ');
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'expired', verdict: 'block' }]);
    const later = await connectProxy(proxy);
    later.send(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`);
    await later.waitFor('which is over');
    expect((await proxy.recorded(2))[1]).toMatchObject({ rule: 'expired', bytes_out: 0 });
  });

  it('is a stream of HTTP/2: reset, and the connection refuses the next one', async () => {
    const authority = testAuthority();
    const upstream = await h2Upstream(authority, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('begun');
    });
    const proxy = await proxyTo(upstream, authority.certificatePem, { route: after(SOON) });
    const session = await connectH2(proxy, HOST);
    const cut = await ask(session, requestList(HOST, 'GET', '/'));
    expect([cut.status, cut.body.toString()]).toEqual([200, 'begun']);
    expect(cut.rstCode).not.toBe(0);
    const next = await ask(session, requestList(HOST, 'GET', '/'));
    expect(next.status).toBe(403);
    expect(next.body.toString()).toContain(OVER);
  });
});
