// The log of a proxy of two threads breaks: neither lets anything pass, whatever broke it; mended, they go on in one chain.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { chainHash } from '../../src/audit/record.ts';
import { until } from './harness/proxy.ts';
import { endSettings } from './harness/setting.ts';
import { GET, openTls, type TwoThreads, twoThreads } from './harness/two-threads.ts';
import { later } from './harness/undo.ts';

afterEach(endSettings);

type Client = Awaited<ReturnType<typeof openTls>>;

const refusals = ({ received }: Client): number => received().split('x-bottle-block: audit').length - 1;

/** Asks once, and waits for the answer. */
async function ask(client: Client): Promise<void> {
  const had = client.answers() + refusals(client);
  client.send(GET);
  await until(() => client.answers() + refusals(client) > had, 'an answer');
}

async function askUntil(client: Client, isSo: () => boolean): Promise<void> {
  while (!isSo()) await ask(client);
}

/** One connection to each thread, over which something has passed. */
async function passing({ proxy, paths }: TwoThreads): Promise<readonly Client[]> {
  const clients = await Promise.all(paths.map((path) => openTls(path, proxy.ca)));
  for (const client of clients) await ask(client);
  expect(clients.map(({ answers }) => answers())).toEqual([1, 1]);
  return clients;
}

/** Nothing passes, on connections old and new of either thread, nor reaches the upstream; the answer says that it is the log. */
async function expectClosed({ proxy, paths, served }: TwoThreads, clients: readonly Client[]) {
  // A thread looks at its file at most every millisecond: until then a request may still pass, recorded in the open file.
  for (const client of clients) {
    const before = refusals(client);
    await askUntil(client, () => refusals(client) > before);
  }
  const reached = served();
  const fresh = await Promise.all(paths.map((path) => openTls(path, proxy.ca)));
  for (const client of [...clients, ...fresh]) {
    const passed = client.answers();
    await ask(client);
    expect(client.answers()).toBe(passed);
    expect(client.received().split('x-bottle-block: audit').at(-1)).toContain('"rule":"log"');
  }
  expect(served()).toBe(reached);
}

test('a log whose place is taken fails closed in every thread', async () => {
  const threads = await twoThreads();
  const clients = await passing(threads);
  rmSync(threads.proxy.auditPath);
  mkdirSync(threads.proxy.auditPath);
  await expectClosed(threads, clients);
});

test('a full disk, then a read-only one, fail closed in every thread; with space again, one chain goes on', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'bottle-audit-'));
  later(() => rmSync(mount, { recursive: true }));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount]);
  later(() => execFileSync('umount', [mount]));
  const auditPath = join(mount, 'audit.jsonl');
  const threads = await twoThreads({ auditPath });
  const clients = await passing(threads);

  const { bavail, bsize } = statfsSync(mount);
  writeFileSync(join(mount, 'ballast'), Buffer.alloc(bavail * bsize));
  await expectClosed(threads, clients);

  // The kernel would refuse this if any thread still held the file open for writing.
  execFileSync('mount', ['-o', 'remount,ro', mount]);
  await expectClosed(threads, clients);

  execFileSync('mount', ['-o', 'remount,rw', mount]);
  rmSync(join(mount, 'ballast'));
  for (const client of clients) {
    const passed = client.answers();
    await askUntil(client, () => client.answers() > passed);
  }
  const lines = readFileSync(auditPath, 'utf8').trimEnd().split('\n');
  let prev = '';
  for (const line of lines) {
    expect(JSON.parse(line).prev).toBe(prev);
    prev = chainHash(line);
  }
  const passed = clients.reduce((sum, client) => sum + client.answers(), 0);
  expect(threads.proxy.records().filter(({ method, verdict }) => method === 'GET' && verdict === 'allow')).toHaveLength(
    passed,
  );
});
