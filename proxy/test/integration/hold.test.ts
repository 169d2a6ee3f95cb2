// Requests that wait for a person: nothing of them is outside before the approval, and nobody but the person gives it.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type Route } from '../../src/contract.ts';
import { MOST_HELD } from '../../src/net/waiting-room.ts';
import { connectHost, type RawClient } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { held, nthHeld, released } from './harness/held.ts';
import { type RunningProxy, startProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting, type SettingOptions } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { rawUpstream, testAuthority, type Upstream, type UpstreamPeer } from './harness/upstream.ts';

afterEach(endSettings);

const STRANGER = 'stranger.example';
const HOLDING: Partial<Route> = { dlp: { onMatch: 'hold', except: [] } };
const token = (): string => `ghp_${randomBytes(18).toString('hex')}`;

/** Answers each request as soon as its last bytes are there. */
function answering(peer: UpstreamPeer): void {
  peer.socket.on('data', () => {
    if (/\r\n\r\n(?:.*#)?$/s.test(peer.received())) peer.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi');
  });
}

const holding = (options: SettingOptions = { route: HOLDING }) => rawSetting(answering, options);

const received = (upstream: Upstream): string => upstream.peers.map((peer) => peer.received()).join('');

function post(text: string, host = HOST): string {
  const body = `${text}#`;
  return `POST /notes?q=1 HTTP/1.1\r\nHost: ${host}\r\nX-Odd: two  spaces\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

async function asks(proxy: RunningProxy, request: string, host = HOST): Promise<RawClient> {
  const client = await connectHost(proxy, host);
  client.send(request);
  return client;
}

describe('a request that waits for a person', () => {
  const SHAPES: readonly (readonly [string, (secret: string) => string])[] = [
    ['a body', (secret) => post(`{"note":"${secret}"}`)],
    ['a header', (secret) => `GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-Note: ${secret}\r\n\r\n`],
    ['a query', (secret) => `GET /?note=${secret} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`],
    [
      'a chunked body with a trailer',
      (secret) =>
        `POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n29\r\n${secret}#\r\n0\r\nX-T: v\r\n\r\n`,
    ],
  ];

  it.each(SHAPES)('with %s leaves as it came once it is approved, and not a byte of it before', async (_, write) => {
    const { proxy, upstream } = await holding();
    const secret = token();
    const request = write(secret);
    const client = await asks(proxy, request);
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({ host: HOST, port: 443, stage: 'dlp', rule: 'github-token', credential: null });
    expect(event.waitsMs).toBe(DEFAULT_LIMITS.holdTimeoutMs);
    expect(JSON.stringify(event)).not.toContain(secret);
    expect(received(upstream)).toBe('');
    expect(client.received()).toBe('');
    expect(proxy.records()).toEqual([]);

    proxy.tell({ do: 'approve', id: event.id });
    await client.waitFor('hi');
    expect(received(upstream)).toContain(secret);
    if (!request.includes('chunked')) expect(received(upstream)).toBe(request);
    expect(await proxy.recorded(1)).toMatchObject([
      { id: event.record, verdict: 'hold', stage: 'dlp', rule: 'github-token', status: 200 },
    ]);
    expect(proxy.records()[0]!.reason).toMatch(/^approved by a person: github-token in /);
    expect(released(proxy)).toEqual([{ event: 'released', id: event.id, by: 'person' }]);
  });

  it('is refused in the usual way when the person denies it', async () => {
    const { proxy, upstream } = await holding();
    const client = await asks(proxy, post(token()));
    const event = await nthHeld(proxy);
    proxy.tell({ do: 'deny', id: event.id });
    await client.waitFor('denied by a person');
    expect(client.received()).toMatch(/^HTTP\/1\.1 403 /);
    expect(client.received()).toContain(`x-bottle-block: dlp github-token ${event.record}\r\n`);
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', status: 403, bytes_out: 0 }]);
    expect(upstream.peers).toEqual([]);
  });

  it('is refused when nobody decides in time', async () => {
    const { proxy, upstream } = await holding({ route: HOLDING, limits: { holdTimeoutMs: 40 } });
    const client = await asks(proxy, post(token()));
    await client.waitFor('no person decided within 0.04 s');
    expect(released(proxy)).toMatchObject([{ by: 'timeout' }]);
    proxy.tell({ do: 'approve', id: held(proxy)[0]!.id });
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', status: 403 }]);
    expect(upstream.peers).toEqual([]);
  });

  it('ends when its client goes away; an approval after that sends nothing', async () => {
    const { proxy, upstream } = await holding();
    const client = await asks(proxy, post(token()));
    const event = await nthHeld(proxy);
    client.close();
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', status: 0, bytes_out: 0 }]);
    expect(released(proxy)).toEqual([{ event: 'released', id: event.id, by: 'client' }]);
    proxy.tell({ do: 'approve', id: event.id });
    const next = await asks(proxy, `GET /clean HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await next.waitFor('hi');
    expect(received(upstream)).toMatch(/^GET \/clean /);
    expect(proxy.records()).toHaveLength(2);
  });

  it('is decided by itself when two wait at once', async () => {
    const { proxy, upstream } = await holding();
    const [first, second] = [token(), token()];
    const one = await asks(proxy, post(first));
    const { id } = await nthHeld(proxy, 1);
    const two = await asks(proxy, post(second));
    const other = await nthHeld(proxy, 2);
    expect(other.id).not.toBe(id);
    proxy.tell({ do: 'approve', id: other.id });
    await two.waitFor('hi');
    expect(received(upstream)).not.toContain(first);
    proxy.tell({ do: 'deny', id });
    await one.waitFor('denied by a person');
    expect(received(upstream)).not.toContain(first);
    expect(await proxy.recorded(2)).toMatchObject([{ status: 200 }, { status: 403 }]);
  });

  it('is remembered when the person says always: the same secret to the same host, and nothing else', async () => {
    const { proxy } = await holding();
    const known = token();
    const client = await asks(proxy, post(known));
    proxy.tell({ do: 'approve', id: (await nthHeld(proxy)).id, always: true });
    await client.waitFor('hi');
    const again = await asks(proxy, `GET /else HTTP/1.1\r\nHost: ${HOST}\r\nX-Note: ${known}\r\n\r\n`);
    await again.waitFor('hi');
    expect((await proxy.recorded(2))[1]).toMatchObject({ verdict: 'hold', status: 200 });
    expect(proxy.records()[1]!.reason).toMatch(/^approved by a person, as before: /);
    expect(held(proxy)).toHaveLength(1);
    // Together with a second one it is another question.
    await asks(proxy, post(`${known} ${token()}`));
    await nthHeld(proxy, 2);
  });
});

describe('what no person is asked about', () => {
  const VALUE = `real-${randomBytes(20).toString('hex')}`;
  const PLACEHOLDER = `bottle_${randomBytes(20).toString('hex')}`;
  const secrets = [{ name: 'TOKEN', value: VALUE, placeholder: PLACEHOLDER }];
  const REFUSED: readonly (readonly [string, string, string])[] = [
    ['a secret of the spec', post(VALUE), 'known-secret'],
    ['a placeholder', post(PLACEHOLDER), 'placeholder'],
    ['a secret of the spec beside a token', post(`${VALUE} ${token()}`), 'known-secret'],
  ];

  it.each(REFUSED)('%s', async (_, request, words) => {
    const { proxy, upstream } = await holding({ route: HOLDING, secrets, limits: { holdBytes: 16 * 1024 } });
    const client = await asks(proxy, request);
    await proxy.recorded(1);
    await until(() => client.received() !== '', 'an answer');
    expect(proxy.records()).toMatchObject([{ verdict: 'block' }]);
    expect(client.received()).toContain(words);
    expect(held(proxy)).toEqual([]);
    expect(received(upstream)).not.toMatch(/ghp_|real-|bottle_/);
  });

  it('more than a person could look at', async () => {
    const { proxy, upstream } = await holding();
    for (let i = 0; i < MOST_HELD; i++) await asks(proxy, post(token()));
    await nthHeld(proxy, MOST_HELD);
    const one = await asks(proxy, post(token()));
    await one.waitFor(`${MOST_HELD} requests wait for a person already`);
    expect(held(proxy)).toHaveLength(MOST_HELD);
    // One that is decided makes room.
    proxy.tell({ do: 'deny', id: held(proxy)[0]!.id });
    await proxy.recorded(2);
    await asks(proxy, post(token()));
    await nthHeld(proxy, MOST_HELD + 1);
    expect(upstream.peers).toEqual([]);
  });
});

describe('a request that no rule allows, with on_deny: hold', () => {
  async function strangers(rules: Route['rules'] = []): Promise<{ proxy: RunningProxy; upstream: Upstream }> {
    const authority = testAuthority();
    const upstream = await rawUpstream(authority, answering);
    later(() => upstream.close());
    const map = { [`${HOST}:443`]: upstream.address, [`${STRANGER}:443`]: upstream.address };
    const roots = authority.certificatePem;
    const secrets = [{ name: 'TOKEN', value: `real-${'x'.repeat(20)}`, placeholder: `bottle_${'y'.repeat(20)}` }];
    const routes = [routeTo(HOST, { rules, auth: { type: 'bearer', secret: 'TOKEN' } })];
    const proxy = await startProxy((directory) =>
      testConfig(directory, { routes, roots, map, secrets, onDeny: 'hold' }),
    );
    later(() => proxy.stop());
    return { proxy, upstream };
  }

  it('to a host that is not listed leaves as it came, without a credential, once it is approved', async () => {
    const { proxy, upstream } = await strangers();
    const request = post('harmless', STRANGER);
    const client = await asks(proxy, request, STRANGER);
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({
      host: STRANGER,
      path: '/notes?q=',
      stage: 'policy',
      rule: 'default',
      credential: null,
    });
    expect(upstream.peers).toEqual([]);
    proxy.tell({ do: 'approve', id: event.id, always: true });
    await client.waitFor('hi');
    expect(received(upstream)).toBe(request);
    // The same method and path again, and no other one.
    await (await asks(proxy, request, STRANGER)).waitFor('hi');
    await asks(proxy, request.replace('/notes', '/other'), STRANGER);
    expect(await nthHeld(proxy, 2)).toMatchObject({ path: '/other?q=' });
    expect(await proxy.recorded(2)).toMatchObject([
      { verdict: 'hold', stage: 'policy', injected: [] },
      { verdict: 'hold', stage: 'policy', injected: [] },
    ]);
  });

  it('on a listed host says whose credential it would get', async () => {
    const { proxy, upstream } = await strangers([{ methods: ['GET'], paths: ['/'], query: {}, headers: {} }]);
    const client = await asks(proxy, post('harmless'));
    const event = await nthHeld(proxy);
    expect(event).toMatchObject({ rule: `allow.${HOST}`, credential: 'TOKEN' });
    proxy.tell({ do: 'approve', id: event.id });
    await client.waitFor('hi');
    expect(received(upstream)).toContain('Bearer real-');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'hold', injected: ['TOKEN'] }]);
  });

  const REFUSED: readonly (readonly [string, string, string])[] = [
    ['a denied host', 'denied.example', 'GET / HTTP/1.1\r\nHost: denied.example\r\n\r\n'],
    ['a metadata service', '169.254.169.254', 'GET / HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n'],
    ['a private address', '10.0.0.1', 'GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n'],
    ['a path with two readings', STRANGER, `GET /a/..%2fb HTTP/1.1\r\nHost: ${STRANGER}\r\n\r\n`],
    ['a token', STRANGER, post(token(), STRANGER)],
    ['a placeholder', STRANGER, post(`bottle_${'y'.repeat(20)}`, STRANGER)],
  ];

  it.each(REFUSED)('is refused at once with %s', async (_, host, request) => {
    const { proxy, upstream } = await strangers();
    await (await asks(proxy, request, host)).waitFor('x-bottle-block');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block' }]);
    expect(held(proxy)).toEqual([]);
    expect(upstream.peers).toEqual([]);
  });
});

describe('an agent that would approve by itself', () => {
  it('finds no words for it: what it sends is data, whatever it looks like', async () => {
    const { proxy, upstream } = await holding();
    const secret = token();
    await asks(proxy, post(secret));
    const { id } = await nthHeld(proxy);
    const word = JSON.stringify({ do: 'approve', id, always: true });
    // Even with the id, which it cannot know.
    const tries = [
      `POST /approve HTTP/1.1\r\nHost: ${HOST}\r\nX-Bottle-Approve: ${id}\r\nContent-Length: ${word.length + 1}\r\n\r\n${word}#`,
      `GET /?do=approve&id=${id} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
    ];
    for (const request of tries) await (await asks(proxy, request)).waitFor('hi');
    expect(released(proxy)).toEqual([]);
    expect(received(upstream)).not.toContain(secret);
  });

  it('cannot know the id, and a word with another one does nothing', async () => {
    const { proxy, upstream } = await holding();
    const client = await asks(proxy, post(token()));
    const event = await nthHeld(proxy);
    expect(event.id).toMatch(/^[a-z2-7]{12}$/);
    expect(event.id).not.toBe(event.record);
    for (const id of [event.record, '', '*', event.id.slice(0, -1), event.id.toUpperCase()]) {
      proxy.tell({ do: 'approve', id });
    }
    proxy.tell({ do: 'deny', id: event.id });
    await client.waitFor('denied by a person');
    expect(client.received()).not.toContain(event.id);
    expect(upstream.peers).toEqual([]);
  });

  it('gains nothing from an approval that comes twice', async () => {
    const { proxy, upstream } = await holding();
    const client = await asks(proxy, post(token()));
    const { id } = await nthHeld(proxy);
    proxy.tell({ do: 'approve', id });
    proxy.tell({ do: 'approve', id });
    await client.waitFor('hi');
    const second = token();
    client.send(post(second));
    expect((await nthHeld(proxy, 2)).id).not.toBe(id);
    proxy.tell({ do: 'approve', id });
    proxy.tell({ do: 'deny', id: held(proxy)[1]!.id });
    await client.waitFor('denied by a person');
    expect(received(upstream)).not.toContain(second);
  });
});
