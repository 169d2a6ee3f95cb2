import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditRecord, HeldEvent } from '../../proxy/src/contract.ts';
import { bottle, freshDirectory, type Running, startBottle } from './bottle-process.ts';
import { fetchThrough, startUpstream, type Upstream } from './upstream.ts';

const directory = freshDirectory();
const env = { BOTTLE_STATE_DIR: join(directory, 'state') };
const path = (name: string) => join(directory, name);
const token = () => `ghp_${randomBytes(18).toString('hex')}`;

interface Proxy {
  readonly running: Running;
  readonly listening: string;
  readonly ca: string;
  readonly control: string;
}

let upstream: Upstream;
let proxy: Proxy;

async function startProxy(name: string): Promise<Proxy> {
  const spec = path('shop.yaml');
  writeFileSync(
    spec,
    'version: 1\negress:\n  on_deny: hold\n  allow: [{ host: api.example, dlp: { on_match: hold } }]\n',
  );
  writeFileSync(path('map.json'), JSON.stringify({ 'api.example:443': `127.0.0.1:${upstream.port}` }));
  writeFileSync(path('roots.pem'), upstream.ca);
  const files = ['--spec', spec, '--ca-out', path(`${name}.pem`), '--log', path(`${name}.jsonl`)];
  const places = ['--listen', '127.0.0.1:0', '--upstream-map', path('map.json'), '--upstream-ca', path('roots.pem')];
  const running = startBottle(['proxy', ...files, ...places], { env });
  const { listening, ca, control } = JSON.parse(await running.waitFor(/\n/));
  return { running, listening, ca: readFileSync(ca, 'utf8'), control };
}

const records = (name: string): AuditRecord[] =>
  readFileSync(path(`${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  upstream = await startUpstream();
  proxy = await startProxy('first');
});
afterAll(async () => {
  proxy.running.process.kill('SIGTERM');
  await proxy.running.outcome;
  await upstream.close();
});

const ask = (body: string) =>
  fetchThrough(proxy.listening, proxy.ca, 'https://api.example/notes', { method: 'POST', body });

/** What is held now, as another process sees it. */
async function heldNow(count = 1): Promise<{ events: HeldEvent[]; watch: Running }> {
  const watch = startBottle(['watch', proxy.control, '--json'], { env });
  const text = await watch.waitFor(new RegExp(`(?:"event":"held".*\\n[^]*){${count}}`));
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as HeldEvent)
    .filter(({ event }) => event === 'held');
  return { events, watch };
}

test('a person watches a request that is held, approves it, and it goes through', async () => {
  const secret = token();
  const answer = ask(secret);
  const { events, watch } = await heldNow();
  const [event] = events;
  expect(event).toMatchObject({ host: 'api.example', method: 'POST', path: '/notes', rule: 'github-token' });
  expect(upstream.arrived).toEqual([]);

  // The socket is its owner's alone.
  expect(statSync(proxy.control).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(proxy.control)).mode & 0o777).toBe(0o700);

  expect(await bottle(['approve', proxy.control, event!.id], { env })).toMatchObject({ code: 0, stderr: '' });
  expect((await answer).status).toBe(200);
  expect(JSON.stringify(upstream.arrived)).toContain(secret);
  await watch.waitFor(/"by":"person"/);

  // Ctrl-C ends the watching, in order.
  watch.process.kill('SIGINT');
  expect(await watch.outcome).toMatchObject({ code: 0, stderr: '' });
  expect((await watch.outcome).stdout).not.toContain(secret);

  // Once is enough, and what was approved cannot be denied.
  for (const verb of ['approve', 'deny']) {
    const again = await bottle([verb, proxy.control, event!.id], { env });
    expect(again.code).toBe(1);
    expect(again.stderr).toContain(`no request ${event!.id} waits`);
  }
  expect(records('first')).toMatchObject([{ verdict: 'hold', status: 200 }]);
});

test('a denied one, and one of a host that is not listed, stay here; the log says hold', async () => {
  const before = upstream.arrived.length;
  const answer = ask(token());
  const { events, watch } = await heldNow();
  await bottle(['deny', proxy.control, events[0]!.id], { env });
  expect((await answer).status).toBe(403);
  watch.process.kill('SIGINT');
  await watch.outcome;

  const stranger = fetchThrough(proxy.listening, proxy.ca, 'https://stranger.example/x');
  const { events: strangers, watch: second } = await heldNow();
  expect(strangers).toMatchObject([{ host: 'stranger.example', stage: 'policy' }]);
  await bottle(['deny', proxy.control, strangers[0]!.id], { env });
  expect((await stranger).status).toBe(403);
  second.process.kill('SIGINT');
  await second.outcome;
  expect(upstream.arrived).toHaveLength(before);

  const logs = await bottle(['logs', '--log', path('first.jsonl')], { env });
  expect(logs.stdout).toContain('hold');
  expect(logs.stdout).toContain('denied by a person');
});

test("the id of one session's request means nothing to another session", async () => {
  const other = await startProxy('second');
  const answer = ask(token());
  const { events, watch } = await heldNow();
  expect((await bottle(['approve', other.control, events[0]!.id], { env })).code).toBe(1);
  expect((await bottle(['deny', proxy.control, events[0]!.id], { env })).code).toBe(0);
  expect((await answer).status).toBe(403);
  watch.process.kill('SIGINT');
  await watch.outcome;
  other.running.process.kill('SIGTERM');
  await other.running.outcome;
  // It goes with its proxy.
  expect(existsSync(other.control)).toBe(false);
  expect(await bottle(['watch', other.control], { env })).toMatchObject({ code: 2 });
});
