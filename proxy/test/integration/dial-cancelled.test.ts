// Clients that go away while their upstream is being dialled: nobody waits any more, so nothing is dialled any more.
import { afterEach, expect, it } from 'vitest';
import { connectHost, connectProxy } from './harness/client.ts';
import { until } from './harness/proxy.ts';
import { HOST, proxyTo } from './harness/setting.ts';
import { later, undoAll } from './harness/undo.ts';
import { rawUpstream, type Upstream } from './harness/upstream.ts';

afterEach(undoAll);

/** Longer than anything here waits. */
const LIMITS = { connectTimeoutMs: 10 * 60_000 };
const MANY = 10;

/** Takes connections and never says a word: TLS is never there. */
async function silentUpstream(): Promise<{ readonly upstream: Upstream; open(): number }> {
  let open = 0;
  const upstream = await rawUpstream(null, ({ socket }) => {
    open++;
    socket.on('close', () => open--);
  });
  later(() => upstream.close());
  return { upstream, open: () => open };
}

it.each(['GET', 'POST'])('a %s that its client gives up ends the dial at once, with its one record', async (method) => {
  const { upstream, open } = await silentUpstream();
  const proxy = await proxyTo(upstream, '', { limits: LIMITS });
  const clients = await Promise.all(Array.from({ length: MANY }, () => connectHost(proxy, HOST)));
  const body = method === 'POST' ? 'Content-Length: 2\r\n\r\nhi' : '\r\n';
  for (const client of clients) client.send(`${method} / HTTP/1.1\r\nHost: ${HOST}\r\n${body}`);
  await until(() => upstream.peers.length === MANY && open() === MANY, 'the dials');
  for (const client of clients) client.close();
  await until(() => open() === 0, 'the end of the dials');
  const records = await proxy.recorded(MANY);
  expect(records).toHaveLength(MANY);
  expect(new Set(records.map(({ reason }) => reason))).toEqual(new Set(['the client closed early']));
  expect(proxy.stderr()).toBe('');
});

it.each([
  ['while it is opened', ''],
  ['once it is open', '200 '],
])('a tunnel whose client leaves %s ends with it', async (_, heard) => {
  const { upstream, open } = await silentUpstream();
  const proxy = await proxyTo(upstream, '', { route: { scheme: 'tcp', ports: [7000] }, limits: LIMITS });
  const client = await connectProxy(proxy);
  client.send(`CONNECT ${HOST}:7000 HTTP/1.1\r\nHost: ${HOST}:7000\r\n\r\n`);
  await client.waitFor(heard);
  await until(() => open() === 1, 'the tunnel');
  client.close();
  await until(() => open() === 0, 'its end');
  expect(await proxy.recorded(1)).toHaveLength(1);
});
