// Several threads of one proxy: they join under load, and are one proxy in the log, in TLS, in the limits and in their end.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { chainHash } from '../../src/audit/record.ts';
import type { HeldEvent } from '../../src/contract.ts';
import { MOST_HELD } from '../../src/net/waiting-room.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo } from './harness/setting.ts';
import { GET, keepBusy, oneOfTwoThreads, openTls, POST, relayed, twoThreads } from './harness/two-threads.ts';
import { later } from './harness/undo.ts';
import { answering, rawUpstream, testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

function isGone(pid: number): boolean {
  return !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
}

/** A request whose body is on its way: its head has come, since what stands before it is answered. */
async function beginPost(path: string, ca: string): Promise<void> {
  const client = await openTls(path, ca);
  client.send(GET + POST.slice(0, 200));
  await client.waitFor('hi');
}

test('threads under load write one log: every exchange once, in one chain, whoever served it', async () => {
  const { proxy, paths } = await twoThreads();
  const before = proxy.records().length;
  const clients = await Promise.all([0, 1, 0, 1].map((thread) => openTls(paths[thread]!, proxy.ca)));
  const each = 150;
  await Promise.all(
    clients.map(async (client) => {
      for (let index = 1; index <= each; index++) {
        client.send(GET);
        await until(() => client.answers() === index, 'an answer');
      }
    }),
  );
  // Written before the answers left: nothing is waited for.
  const lines = readFileSync(proxy.auditPath, 'utf8').trimEnd().split('\n');
  let prev = '';
  for (const line of lines) {
    expect(JSON.parse(line).prev).toBe(prev);
    prev = chainHash(line);
  }
  const records = proxy.records().slice(before);
  expect(records.filter(({ method }) => method === 'GET')).toHaveLength(clients.length * each);
  expect(new Set(proxy.records().map(({ id }) => id)).size).toBe(lines.length);
});

test('a TLS session that one thread began resumes in the other, both ways', async () => {
  const { proxy, paths } = await twoThreads();
  for (const [from, to] of [paths, paths.toReversed()] as const) {
    const first = await openTls(from!, proxy.ca);
    first.send(GET);
    await first.waitFor('hi');
    const again = await openTls(to!, proxy.ca, await first.ticket());
    expect(again.socket).toHaveProperty('destroyed', false);
    expect((again.socket as TLSSocket).isSessionReused()).toBe(true);
    again.send(GET);
    await again.waitFor('hi');
  }
});

test('the limit of connections counts those of all threads', async () => {
  const { proxy, paths } = await twoThreads({ connections: 6 });
  // What the load left behind is closed first.
  await until(() => proxy.records().length > 0, 'records');
  const open: Socket[] = [];
  let refused = 0;
  for (let index = 0; index < 10; index++) {
    const socket = await relayed(paths[index % 2]!);
    socket.on('error', () => {}).on('close', () => refused++);
    socket.resume();
    open.push(socket);
  }
  await until(() => refused >= 4, 'four of ten connections to be refused');
  // A connection is closed before its record is written.
  const records = () => proxy.records().filter(({ rule }) => rule === 'connections');
  await until(() => records().length >= 4, 'their records');
  expect(open.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(6);
});

test('told to stop, every thread ends its exchanges with their records', async () => {
  const { proxy, paths } = await twoThreads();
  for (const path of paths) await beginPost(path, proxy.ca);
  process.kill(proxy.pid, 'SIGTERM');
  await until(() => isGone(proxy.pid), 'its end');
  expect(proxy.records().filter(({ method, bytes_out }) => method === 'POST' && bytes_out === 0)).toHaveLength(2);
});

test('a thread that dies takes the whole proxy with it, and what ran is recorded', async () => {
  const { proxy, paths } = await oneOfTwoThreads();
  await beginPost(paths[0], proxy.ca);
  // The second thread cannot listen here.
  mkdirSync(paths[1]);
  await keepBusy(paths[0], proxy.ca, () => isGone(proxy.pid)).catch(() => {}); // Its clients are cut off in any of their steps.
  await until(() => isGone(proxy.pid), 'the end of the proxy');
  expect(
    proxy.records().filter(({ method, bytes_out, status }) => method === 'POST' && bytes_out === 0 && status === 0)
      .length,
  ).toBeGreaterThanOrEqual(1);
  expect(await proxy.stop()).toBe(125);
});

test('a port that somebody listens on is not shared with a second proxy', async () => {
  const authority = testAuthority();
  const upstream = await rawUpstream(authority, answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
  later(() => upstream.close());
  const first = await proxyTo(upstream, authority.certificatePem, { limits: { workers: 2 } });
  const listen = { explicit: `127.0.0.1:${first.port}` };
  const second = proxyTo(upstream, authority.certificatePem, { limits: { workers: 2 }, listen });
  await expect(second).rejects.toThrow('something else listens there');
});

test('a person decides on what any thread holds; what is remembered is remembered in all, and all hold so many together', async () => {
  const { proxy, paths } = await twoThreads();
  const held = (): HeldEvent[] => proxy.events().filter((event): event is HeldEvent => event.event === 'held');
  const secret = `ghp_${randomBytes(18).toString('hex')}`;
  const ask = (text: string): string => `GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-Note: ${text}\r\n\r\n`;
  const other = await openTls(paths[1], proxy.ca);
  other.send(ask(secret));
  await until(() => held().length === 1, 'a held request');
  proxy.tell({ do: 'approve', id: held()[0]!.id, always: true });
  await other.waitFor('hi');
  for (const path of paths) {
    const again = await openTls(path, proxy.ca);
    again.send(ask(secret));
    await again.waitFor('hi');
  }
  expect(held()).toHaveLength(1);

  for (let index = 0; index < MOST_HELD; index++) {
    const client = await openTls(paths[index % 2]!, proxy.ca);
    client.send(ask(`ghp_${randomBytes(18).toString('hex')}`));
  }
  await until(() => held().length === 1 + MOST_HELD, 'as many as may be held');
  for (const path of paths) {
    const late = await openTls(path, proxy.ca);
    late.send(ask(`ghp_${randomBytes(18).toString('hex')}`));
    await late.waitFor('wait for a person already');
  }
});
