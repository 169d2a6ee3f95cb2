// A bounded agent, as the README has it: what it may spend, what a person sees first, and when it ends.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditRecord, HeldEvent } from '../../proxy/src/contract.ts';
import { REPOSITORY } from '../integration/harness/run-bottle.ts';
import { bottle, freshDirectory, type Running, startBottle } from './bottle-process.ts';
import { fetchThrough, startUpstream, type Upstream } from './upstream.ts';

const directory = freshDirectory();
const env = {
  BOTTLE_STATE_DIR: join(directory, 'state'),
  ANTHROPIC_API_KEY: `no-key-${crypto.randomUUID()}`,
  TRACKER_TOKEN: `no-key-${crypto.randomUUID()}`,
};
const path = (name: string) => join(directory, name);

/** The README's own example: indented, below its bullet. */
const example = /^ {2}```yaml\n(.*?)^ {2}```/ms.exec(readFileSync(join(REPOSITORY, 'README.md'), 'utf8'))?.[1] ?? '';
const spec = path('bounded.yaml');
writeFileSync(spec, example.replace(/^ {2}/gm, ''));

let upstream: Upstream;
let running: Running;
let proxy: { readonly listening: string; readonly control: string };
let ca = '';

beforeAll(async () => {
  upstream = await startUpstream();
  const place = `127.0.0.1:${upstream.port}`;
  writeFileSync(path('map.json'), JSON.stringify({ 'tracker.example:443': place, 'api.anthropic.com:443': place }));
  writeFileSync(path('roots.pem'), upstream.ca);
  const files = ['--spec', spec, '--ca-out', path('ca.pem'), '--log', path('log.jsonl')];
  const places = ['--listen', '127.0.0.1:0', '--upstream-map', path('map.json'), '--upstream-ca', path('roots.pem')];
  running = startBottle(['proxy', ...files, ...places], { env });
  proxy = JSON.parse(await running.waitFor(/\n/));
  ca = readFileSync(path('ca.pem'), 'utf8');
});
afterAll(async () => {
  running.process.kill('SIGTERM');
  await running.outcome;
  await upstream.close();
});

const ask = (url: string, method = 'GET', body?: string) =>
  fetchThrough(proxy.listening, ca, url, { method, ...(body === undefined ? {} : { body }) });

test('the spec is fine, and shows what it bounds', async () => {
  expect(await bottle(['check', spec], { env })).toMatchObject({ code: 0, stderr: '' });
  const { stdout } = await bottle(['show', spec], { env });
  for (const line of ['confirm: each', 'expires: 2h', 'cost_usd: 5', 'requests_per_minute: 60', 'cache_read: 0.3']) {
    expect(stdout).toContain(line);
  }
});

test('why says that a person is asked, and what is over', async () => {
  const asked = await bottle(['why', spec, 'DELETE', 'https://tracker.example/api/items/1'], { env });
  expect(asked.code).toBe(1);
  expect(asked.stdout).toContain('DELETE waits for a person here, each time (allow.0)');
  expect(asked.stdout).toContain('bottle watch');
  expect(await bottle(['why', spec, 'GET', 'https://tracker.example/api/items/1'], { env })).toMatchObject({ code: 0 });
  const over = path('over.yaml');
  writeFileSync(over, 'version: 1\negress: { allow: [{ host: a.example, expires: 2021-05-01T18:00:00Z }] }\n');
  const late = await bottle(['why', over, 'GET', 'https://a.example/'], { env });
  expect(late.stdout).toContain('allow.0.expires allows it until 2021-05-01T18:00:00.000Z, which is over');
});

test('reads pass, a delete waits for a person, and one yes is for one request', async () => {
  expect(await ask('https://tracker.example/api/items')).toMatchObject({ status: 200 });
  const watch = startBottle(['watch', proxy.control, '--json'], { env });
  const answer = ask('https://tracker.example/api/items/1', 'DELETE');
  const [line = ''] = (await watch.waitFor(/"event":"held".*\n/)).split('\n');
  const event = JSON.parse(line) as HeldEvent;
  expect(event).toMatchObject({ method: 'DELETE', path: '/api/items/1', confirm: 'each', credential: 'TRACKER_TOKEN' });
  expect(upstream.arrived).toHaveLength(1);
  expect((await bottle(['approve', proxy.control, event.id, '--always'], { env })).code).toBe(0);
  expect(await answer).toMatchObject({ status: 200 });
  expect(upstream.arrived.at(-1)).toMatchObject({ method: 'DELETE', url: '/api/items/1' });

  const again = ask('https://tracker.example/api/items/1', 'DELETE');
  const second = await watch.waitFor(/(?:"event":"held"[\s\S]*){2}\n/);
  const { id } = JSON.parse(second.split('\n').findLast((one) => one.includes('"held"')) ?? '') as HeldEvent;
  expect((await bottle(['deny', proxy.control, id], { env })).code).toBe(0);
  expect(await again).toMatchObject({ status: 403 });
  watch.process.kill('SIGINT');
  await watch.outcome;
});

test('a model without a price is refused, one with a price leaves a cost in the log', async () => {
  const call = (model: string) => ask('https://api.anthropic.com/v1/messages', 'POST', JSON.stringify({ model }));
  const refused = await call('other-1');
  expect(refused.status).toBe(400);
  expect(refused.body).toContain('nobody says what the model \\"other-1\\" costs (egress.limits.prices)');
  // This upstream says no usage: bytes are counted.
  expect(await call('claude-1')).toMatchObject({ status: 200 });
  const records = readFileSync(path('log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord);
  expect(records.at(-1)).toMatchObject({ verdict: 'allow', usage: { estimated: true } });
  expect(records.at(-1)!.usage!.cost_usd).toBeGreaterThan(0);
  const { stdout } = await bottle(['logs', '--log', path('log.jsonl')], { env });
  expect(stdout).toContain('TOKENS IN');
  expect(stdout).toContain('raise that bound if more is meant');
});

test('what is over already is not started', async () => {
  const over = path('over.yaml');
  const files = ['--ca-out', path('x.pem'), '--log', path('x.jsonl'), '--listen', '127.0.0.1:0'];
  const { code, stderr } = await bottle(['proxy', '--spec', over, ...files], { env });
  expect(code).toBe(2);
  expect(stderr).toContain('allow.0.expires of ');
  expect(stderr).toContain(' is over: it was 2021-05-01T18:00:00.000Z');
});
