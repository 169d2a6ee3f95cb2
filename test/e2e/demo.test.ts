// `npm run demo`, as a person runs it: what it prints, what its log holds, and that it fails when something gets through.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../proxy/src/contract.ts';
import { listSessions } from '../../src/state/sessions.ts';
import { openEngine } from '../integration/harness/look-at-engine.ts';
import { REPOSITORY } from '../integration/harness/run-bottle.ts';
import { bottle, freshDirectory, type Outcome } from './bottle-process.ts';

const directory = freshDirectory();
const state = join(directory, 'state');
afterAll(() => rmSync(directory, { recursive: true }));

function demo(...args: string[]): Promise<Outcome> {
  const child = spawn('sh', [join(REPOSITORY, 'scripts/demo.sh'), ...args], {
    cwd: directory,
    env: { ...process.env, NO_COLOR: '1', BOTTLE_STATE_DIR: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

async function newestLog(): Promise<{ id: string; text: string; records: readonly AuditRecord[] }> {
  const [newest] = await listSessions(state);
  if (newest === undefined) throw new Error('no session was stored');
  const text = readFileSync(newest.paths.auditFile, 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return { id: newest.id, text, records: lines.map((line) => JSON.parse(line) as AuditRecord) };
}

/** Rows of the table by their step. */
function tableOf(stdout: string): ReadonlyMap<string, { mark: string; outcome: string; id: string }> {
  const rows = [
    ...stdout.matchAll(/^(ok |BAD) (.+?) {2,}(through|stopped)(?: \(should be \w+\))? {2}(\w{12}| {12}) {2}/gm),
  ];
  return new Map(
    rows.map(([, mark = '', step = '', outcome = '', id = '']) => [
      step,
      { mark: mark.trim(), outcome, id: id.trim() },
    ]),
  );
}

describe('the demo', () => {
  let ended: Outcome;
  let log: Awaited<ReturnType<typeof newestLog>>;
  beforeAll(async () => {
    ended = await demo();
    log = await newestLog();
  });

  test('does the honest work, stops everything else, and ends with 0', () => {
    const rows = tableOf(ended.stdout);
    expect(ended.stderr).toContain('demo: everything that should be stopped was stopped');
    expect([...rows].filter(([, { mark }]) => mark !== 'ok')).toEqual([]);
    expect([...rows].filter(([, { outcome }]) => outcome === 'through').map(([step]) => step)).toEqual([
      'npm install of a small package',
      'an API that demands a token, without one',
      'the API knew the user by a token it got',
      'the agent tried everything',
    ]);
    expect(ended.code).toBe(0);
  });

  test('names for what was stopped by the proxy the record that the log holds', () => {
    const rows = [...tableOf(ended.stdout)].filter(([, { id }]) => id !== '');
    const refused = rows.map(([step, { id }]) => {
      const record = log.records.find((each) => each.id === id);
      return [step.replace(/(the host at )[\d.:]+/, '$1…'), record?.verdict, record?.via, record?.stage, record?.rule];
    });
    // As many rows of the host as it has addresses.
    expect([...new Map(refused.map((row) => [row[0], row])).values()]).toEqual([
      ['a GitHub-shaped token posted to the allowed API', 'block', 'connect', 'dlp', 'github-token'],
      ['base64 of the placeholder in a query', 'block', 'connect', 'placeholder', 'placeholder'],
      ['a host that is not in the list', 'block', 'connect', 'policy', 'default'],
      ['stolen data in DNS labels', 'block', 'dns', 'policy', 'default'],
      ['a raw IP address', 'block', 'connect', 'policy', 'default'],
      ['the host at …, asked of the proxy', 'block', 'connect', 'policy', 'default'],
      ['the cloud metadata address', 'block', 'connect', 'policy', 'default'],
    ]);
  });

  test('its log holds what passed, the name of the credential, and neither a token nor a placeholder', () => {
    const known = log.records.filter(({ host, verdict }) => host === 'api.demo.test' && verdict === 'allow');
    expect(known.filter(({ via }) => via !== 'dns')).toMatchObject([
      { method: 'GET', path: '/whoami', status: 200, injected: ['DEMO_API_TOKEN'] },
    ]);
    const registry = log.records.filter(({ path }) => path.includes('is-number'));
    expect(registry.length).toBeGreaterThan(0);
    expect(registry.every(({ verdict, status }) => verdict === 'allow' && status < 400)).toBe(true);
    expect(log.text).not.toMatch(/ghp_|demo_[A-Za-z0-9]{40}|bottle-demo_api_token-/);
  });

  test('ends with what "bottle logs --blocked" says, and "bottle logs --id" finds each row', async () => {
    const env = { BOTTLE_STATE_DIR: state };
    const blocked = await bottle(['logs', log.id, '--blocked'], { env });
    expect(ended.stdout.endsWith(blocked.stdout)).toBe(true);
    const { id = '' } = tableOf(ended.stdout).get('stolen data in DNS labels') ?? {};
    const { stdout } = await bottle(['logs', log.id, '--id', id], { env });
    expect(stdout).toContain('exfil.example');
  });

  test('leaves no container and no network', async () => {
    const filters = { label: ['bottle.service'] };
    const docker = openEngine();
    expect(await docker.listContainers({ all: true, filters: { label: [`bottle.id=${log.id}`] } })).toEqual([]);
    expect(await docker.listNetworks({ filters: { label: [`bottle.id=${log.id}`] } })).toEqual([]);
    expect(
      (await docker.listContainers({ all: true, filters })).filter(({ Names }) => Names.join().includes('demo')),
    ).toEqual([]);
  });
});

test('the demo fails, and says where, when something gets through', async () => {
  const spec = readFileSync(join(REPOSITORY, 'bottles/demo.yaml'), 'utf8');
  const open = spec.replace('allow_private: true', 'dlp: { except: [github-token] }\n      allow_private: true');
  expect(open).not.toBe(spec);
  const file = join(directory, 'open.yaml');
  writeFileSync(file, open);

  const { code, stdout, stderr } = await demo('--spec', file);
  const wrong = [...tableOf(stdout)].filter(([, { mark }]) => mark === 'BAD').map(([step]) => step);
  expect(wrong).toEqual(['a GitHub-shaped token posted to the allowed API', 'stolen data at the API']);
  expect(stderr).toContain('2 things are not as they should be');
  expect(code).toBe(1);
});
