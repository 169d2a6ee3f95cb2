import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectHost } from './harness/client.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting, type SettingOptions } from './harness/setting.ts';

afterEach(endSettings);

const fresh = () => `real-${randomBytes(20).toString('hex')}`;
const PLACEHOLDER = `bottle_${randomBytes(20).toString('hex')}`;

/** A service that accepts what `accepts` says now, and echoes what it was sent. */
async function service(options: SettingOptions = {}) {
  const [first, second] = [fresh(), fresh()];
  const state = { accepts: first };
  const arrived: string[] = [];
  const { proxy } = await httpSetting(
    (request, response) => {
      const { authorization = '' } = request.headers;
      arrived.push(authorization);
      request.resume().once('end', () => {
        response.statusCode = authorization === `Bearer ${state.accepts}` ? 200 : 401;
        response.end(`answer ${response.statusCode} to ${authorization} old ${first} .`);
      });
    },
    {
      secrets: [{ name: 'TOKEN', value: first, placeholder: PLACEHOLDER }],
      route: { auth: { type: 'bearer', secret: 'TOKEN' } },
      ...options,
    },
  );
  return { proxy, state, arrived, first, second };
}

async function ask(proxy: RunningProxy, body = ''): Promise<string> {
  const client = await connectHost(proxy, HOST);
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  client.send(
    `${body === '' ? 'GET' : 'POST'} / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n${length}\r\n${body}`,
  );
  await client.ended();
  return client.received();
}

const said = (proxy: RunningProxy, event: string) =>
  vi.waitFor(() => {
    const found = proxy.events().filter((one) => one.event === event);
    expect(found).not.toEqual([]);
    return found;
  }, 10_000);

it('many new values need no more threads than one, also where rules run in one', async () => {
  const rule = {
    ...{ id: 'acme-token', description: '', regex: 'acme_[a-f0-9]{24}', secretGroup: 0, entropy: 0 },
    ...{ keywords: ['acme_'], allowlists: [], required: [], skipReport: false },
  };
  const { proxy, state } = await service({ rules: [rule], limits: { workers: 1 } });
  const threads = () => readdirSync(`/proc/${proxy.pid}/task`).length;
  await ask(proxy);
  const before = threads();
  for (let i = 0; i < 12; i++) {
    state.accepts = fresh();
    proxy.tell({ do: 'renew', values: [{ name: 'TOKEN', value: state.accepts }] });
    await vi.waitFor(async () => expect(await ask(proxy)).toContain('HTTP/1.1 200'), 10_000);
  }
  // The pool of Node itself may have grown meanwhile.
  expect(threads() - before).toBeLessThan(8);
});

describe('an answer of 401 to a secret that can be renewed', () => {
  const renewable = async () => {
    const value = fresh();
    const secret = { name: 'TOKEN', value, placeholder: PLACEHOLDER, isRenewable: true } as const;
    const { proxy, state, second } = await service({ secrets: [secret] });
    state.accepts = second;
    return { proxy, state, second };
  };

  it('comes when the new value is in place, so that the next try has it', async () => {
    const { proxy, second } = await renewable();
    const answer = ask(proxy);
    await said(proxy, 'stale');
    const early = await Promise.race([answer, new Promise((done) => setImmediate(done, 'waits'))]);
    expect(early).toBe('waits');
    proxy.tell({ do: 'renew', values: [{ name: 'TOKEN', value: second }] });
    expect(await answer).toMatch(/^HTTP\/1\.1 401[\s\S]*answer 401/);
    expect(await ask(proxy)).toMatch(/^HTTP\/1\.1 200/);
  });

  it('comes when there is nothing new', async () => {
    const { proxy } = await renewable();
    const answer = ask(proxy);
    await said(proxy, 'stale');
    proxy.tell({ do: 'renew', values: [] });
    expect(await answer).toMatch(/^HTTP\/1\.1 401[\s\S]*answer 401/);
  });

  it('is one record each, whether or not the client stays', async () => {
    const { proxy } = await renewable();
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await said(proxy, 'stale');
    client.close();
    proxy.tell({ do: 'renew', values: [] });
    await vi.waitFor(() => expect(proxy.records()).toHaveLength(1), 10_000);
    expect(proxy.records()[0]).toMatchObject({ verdict: 'allow' });
  });
});

describe('a secret with a new value', () => {
  it('is asked for when a service answers 401, and goes into the next request', async () => {
    const { proxy, state, arrived, first, second } = await service();
    expect(await ask(proxy)).toMatch(/^HTTP\/1\.1 200/);
    expect(proxy.events()).toEqual([]);
    state.accepts = second;
    expect(await ask(proxy)).toMatch(/^HTTP\/1\.1 401/);
    expect(await said(proxy, 'stale')).toEqual([{ event: 'stale', secret: 'TOKEN' }]);
    proxy.tell({ do: 'renew', values: [{ name: 'TOKEN', value: second }] });
    expect(await said(proxy, 'renewed')).toEqual([{ event: 'renewed', secrets: ['TOKEN'] }]);
    expect(await ask(proxy)).toMatch(/^HTTP\/1\.1 200/);
    expect(arrived).toEqual([first, first, second].map((value) => `Bearer ${value}`));
  });

  it('and its old one are both kept inside, and both stopped on their way out', async () => {
    const { proxy, arrived, first, second } = await service();
    proxy.tell({ do: 'renew', values: [{ name: 'TOKEN', value: second }] });
    await said(proxy, 'renewed');
    const answer = await ask(proxy);
    expect(answer).not.toContain(second);
    expect(answer).toContain('old ');
    for (const value of [first, second, Buffer.from(first).toString('base64'), PLACEHOLDER]) {
      expect(await ask(proxy, `x=${value}`)).toMatch(/^HTTP\/1\.1 403/);
    }
    expect(arrived).toHaveLength(1);
    expect(JSON.stringify(proxy.records()) + proxy.stderr()).not.toMatch(new RegExp(`${first}|${second}`));
  });

  it('is asked for once a second, however many requests are not accepted', async () => {
    const { proxy, state } = await service();
    state.accepts = fresh();
    const began = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => ask(proxy)));
    const seconds = (performance.now() - began) / 1000;
    expect((await said(proxy, 'stale')).length).toBeLessThanOrEqual(1 + Math.ceil(seconds));
  });

  it('is not asked for when the 401 is about a request without a credential', async () => {
    const { proxy, state } = await service({ route: { auth: null } });
    state.accepts = fresh();
    expect(await ask(proxy)).toMatch(/^HTTP\/1\.1 401/);
    await proxy.recorded(1);
    expect(proxy.events()).toEqual([]);
  });

  it('that cannot be sent as the route asks is refused, and the old one stays', async () => {
    const { proxy, arrived, first } = await service();
    proxy.tell({ do: 'renew', values: [{ name: 'TOKEN', value: `${fresh()} ` }] });
    const [event] = await said(proxy, 'not-renewed');
    expect(event).toMatchObject({ secrets: ['TOKEN'], why: expect.stringContaining('outer white space') as string });
    await ask(proxy);
    expect(arrived).toEqual([`Bearer ${first}`]);
  });

  it('of a name that there is not changes nothing', async () => {
    const { proxy, arrived, first } = await service();
    proxy.tell({ do: 'renew', values: [{ name: 'OTHER', value: fresh() }] });
    await said(proxy, 'renewed');
    await ask(proxy);
    expect(arrived).toEqual([`Bearer ${first}`]);
  });
});
