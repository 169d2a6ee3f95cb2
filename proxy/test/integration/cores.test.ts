// Several threads of one proxy: they join under load, and are one proxy in the log, in TLS, in the limits and in their end.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { chainHash } from '../../src/audit/record.ts';
import type { HeldEvent } from '../../src/contract.ts';
import { MOST_HELD } from '../../src/net/waiting-room.ts';
import { rawClient } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { type RunningProxy, startProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, proxyTo } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { answering, httpUpstream, rawUpstream, testAuthority } from './harness/upstream.ts';

afterEach(endSettings);

const HELLO = `${JSON.stringify({ kind: 'tcp', address: '198.51.100.1', port: 443 })}\n`;
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const words = JSON.stringify({ text: 'Plain words of a conversation that holds nothing of interest. '.repeat(8_000) });
const POST = `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${words.length}\r\n\r\n${words}`;

interface TwoThreads {
  readonly proxy: RunningProxy;
  /** The socket of each thread. */
  readonly paths: readonly [string, string];
}

/** A proxy that may have two threads, and has one so far. */
async function oneOfTwoThreads(limits: { connections?: number } = {}): Promise<TwoThreads> {
  const authority = testAuthority();
  const upstream = await httpUpstream(authority, (request, response) => {
    request.resume().on('end', () => response.end('hi'));
  });
  later(() => upstream.close());
  const proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes: [routeTo(HOST, { dlp: { onMatch: 'hold', except: [] } })],
      roots: authority.certificatePem,
      map: { [`${HOST}:443`]: upstream.address },
      limits: { workers: 2, ...limits },
      listen: { explicit: null, relaySocket: join(directory, 'relay.sock') },
    }),
  );
  later(() => proxy.stop());
  return { proxy, paths: [join(proxy.directory, 'relay.sock'), join(proxy.directory, 'relay.sock.1')] };
}

/** Keeps the first thread busy until the second one has joined. */
async function twoThreads(limits: { connections?: number } = {}): Promise<TwoThreads> {
  const { proxy, paths } = await oneOfTwoThreads(limits);
  await keepBusy(paths[0], proxy.ca, () => existsSync(paths[1]));
  // The file is there a moment before the thread listens on it.
  for (let isUp = false; !isUp; ) {
    const trial = connect({ path: paths[1] });
    isUp = await once(trial, 'connect').then(
      () => true,
      () => false,
    );
    trial.destroy();
  }
  return { proxy, paths };
}

async function keepBusy(path: string, ca: string, isEnough: () => boolean): Promise<void> {
  const one = async (): Promise<void> => {
    while (!isEnough()) {
      const client = await openTls(path, ca);
      for (let index = 0; index < 20 && !client.socket.destroyed && !isEnough(); index++) {
        const had = client.answers();
        client.send(POST);
        await until(() => client.answers() > had || client.socket.destroyed, 'an answer');
      }
      client.close();
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
}

function isGone(pid: number): boolean {
  return !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
}

/** A request whose body is on its way: its head has come, since what stands before it is answered. */
async function beginPost(path: string, ca: string): Promise<void> {
  const client = await openTls(path, ca);
  client.send(GET + POST.slice(0, 200));
  await client.waitFor('hi');
}

async function relayed(path: string): Promise<Socket> {
  const socket = connect({ path });
  await once(socket, 'connect');
  later(() => socket.destroy());
  socket.write(HELLO);
  return socket;
}

async function openTls(path: string, ca: string, session?: Buffer) {
  const given = session === undefined ? {} : { session };
  const socket: TLSSocket = connectTls({ socket: await relayed(path), servername: HOST, ca, ...given });
  let ticket: Buffer | null = null;
  socket.on('session', (fresh) => {
    ticket = fresh;
  });
  await once(socket, 'secureConnect');
  const client = rawClient(socket);
  return {
    ...client,
    answers: () => client.received().split('HTTP/1.1 200').length - 1,
    /** The session that a next connection may offer. */
    ticket: async () => {
      await until(() => ticket !== null, 'a session ticket');
      return ticket!;
    },
  };
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

test('a log that cannot be written any more fails closed in every thread', async () => {
  const { proxy, paths } = await twoThreads();
  const clients = await Promise.all(paths.map((path) => openTls(path, proxy.ca)));
  for (const client of clients) {
    client.send(GET);
    await client.waitFor('hi');
  }
  rmSync(proxy.auditPath);
  mkdirSync(proxy.auditPath);
  for (const client of clients) {
    const heads = (): number => client.received().split('HTTP/1.1 ').length - 1;
    // A thread looks at its file at most every few milliseconds: until then a request may still pass, recorded in the open file.
    while (!client.received().includes('x-bottle-block: audit')) {
      const had = heads();
      client.send(GET);
      await until(() => heads() > had, 'an answer');
    }
  }
  // From here on nothing passes, on connections old and new of either thread.
  for (const [index, client] of clients.entries()) {
    const passed = client.answers();
    const another = await openTls(paths[index]!, proxy.ca);
    for (const one of [client, another]) {
      const refused = (): number => one.received().split('x-bottle-block: audit').length - 1;
      const before = refused();
      one.send(GET);
      await until(() => refused() > before, 'a refusal');
    }
    expect([client.answers(), another.answers()]).toEqual([passed, 0]);
  }
});
