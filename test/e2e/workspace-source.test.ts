import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { REPOSITORY } from '../integration/harness/run-bottle.ts';
import { bottle, freshDirectory, type Running, startBottle } from './bottle-process.ts';
import { fetchThrough, startUpstream, type Upstream } from './upstream.ts';

const directory = freshDirectory();
const path = (name: string) => join(directory, name);
const source = readFileSync(join(REPOSITORY, 'proxy/src/net/listener.ts'), 'utf8').slice(500, 4500);

let upstream: Upstream;
let proxy: Running;
let listening = '';

beforeAll(async () => {
  upstream = await startUpstream();
  mkdirSync(path('work'));
  for (const name of readdirSync(join(REPOSITORY, 'proxy/src/net')).filter((one) => one.endsWith('.ts'))) {
    writeFileSync(path(`work/${name}`), readFileSync(join(REPOSITORY, 'proxy/src/net', name)));
  }
  writeFileSync(
    path('spec.yaml'),
    `version: 1
workspace: { path: work }
egress:
  allow:
    - notes.example
    - { host: forge.example, source: allowed }
dlp: { workspace: true }
`,
  );
  const place = `127.0.0.1:${upstream.port}`;
  writeFileSync(path('map.json'), JSON.stringify({ 'notes.example:443': place, 'forge.example:443': place }));
  writeFileSync(path('roots.pem'), upstream.ca);
  const args = [
    '--spec',
    path('spec.yaml'),
    '--listen',
    '127.0.0.1:0',
    '--ca-out',
    path('ca.pem'),
    '--log',
    path('log'),
  ];
  proxy = startBottle(['proxy', ...args, '--upstream-map', path('map.json'), '--upstream-ca', path('roots.pem')]);
  listening = (JSON.parse(await proxy.waitFor(/\n/)) as { listening: string }).listening;
});

afterAll(async () => {
  proxy.process.kill('SIGTERM');
  await proxy.outcome;
  await upstream.close();
});

const post = (url: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
  fetchThrough(listening, readFileSync(path('ca.pem'), 'utf8'), url, { method: 'POST', body, headers });

describe('with dlp.workspace', () => {
  test.each([
    ['as it is', source],
    ['in JSON', JSON.stringify({ text: source })],
    ['in base64 of gzip', gzipSync(source).toString('base64')],
  ])('a large piece of the source, %s, does not reach a host that is not marked for it', async (_, body) => {
    const before = upstream.arrived.length;
    const answer = await post('https://notes.example/', body);
    expect(answer.status).toBe(403);
    expect(answer.headers['x-bottle-block']).toMatch(/^dlp workspace-source /);
    expect(answer.body).toContain('source: allowed');
    expect(upstream.arrived).toHaveLength(before);
    const last = JSON.parse(readFileSync(path('log'), 'utf8').trim().split('\n').at(-1) ?? '') as AuditRecord;
    expect(last).toMatchObject({ host: 'notes.example', verdict: 'block', rule: 'workspace-source' });
    expect(JSON.stringify(last)).not.toContain(source.slice(100, 120).trim());
  });

  test('it reaches one that is marked, byte for byte', async () => {
    const answer = await post('https://forge.example/', source, { 'content-type': 'text/plain' });
    expect(answer.status).toBe(200);
    expect(upstream.arrived.at(-1)?.body).toBe(source);
  });

  test('a few lines, and text of others, pass', async () => {
    const few = source.slice(0, 300);
    expect((await post('https://notes.example/', few)).status).toBe(200);
    const licence = readFileSync(join(REPOSITORY, 'LICENSE'), 'utf8');
    expect((await post('https://notes.example/', licence)).status).toBe(200);
  });
});

test('without a workspace there is nothing to know: said at the check', async () => {
  writeFileSync(path('none.yaml'), 'version: 1\ndlp: { workspace: true }\n');
  const { code, stderr } = await bottle(['check', path('none.yaml')]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/none\.yaml:2:\d+: dlp\.workspace is true and there is no workspace/);
});
