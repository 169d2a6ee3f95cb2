// A session that uses a secret of every source and every kind of injection; then every place we can think of is searched for the values, in all forms.
// They are in the sidecar's memory, which shows that the search can find them, and nowhere else.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, startApi } from './harness/api-service.ts';
import { containerOf, leftOf, openEngine, until } from './harness/look-at-engine.ts';
import { familyOf, Looker } from './harness/look-everywhere.ts';
import { Bench, type Running } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const VALUES = {
  FROM_ENV: `ev_${hex(20)}`,
  FROM_FILE: `fi_${hex(20)}`,
  FROM_JSON: `js_${hex(20)}`,
  FROM_CMD: `cm_${hex(20)}`,
  SWAPPED: `sw_${hex(20)}`,
  AWS_ID: `AKIA${hex(8).toUpperCase()}`,
  AWS_KEY: hex(20),
  LISTED: `ls_${hex(20)}`,
};
const looker = new Looker({ ...VALUES, PAIR: Buffer.from(`joe:${VALUES.FROM_FILE}`).toString('base64') });
const sources = join(bench.directory, 'sources');
const write = (name: string, text: string, mode = 0o600): string => {
  const path = `${sources}-${name}`;
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
};
const isSource = (path: string): boolean => path.startsWith(sources);
const startedAt = Date.now();
const startedSeconds = Math.floor(startedAt / 1000);
let api: ApiService;

beforeAll(async () => {
  await bench.run(['start', bench.spec(''), '--', 'true']); // images and the shared network are there from now on
  api = await startApi(docker, bench.directory, 'api.example', 'none');
});
afterAll(async () => {
  await api.remove();
  bench.remove();
});

const ENV = {
  FROM_ENV: VALUES.FROM_ENV,
  SWAPPED: VALUES.SWAPPED,
  AWS_ID: VALUES.AWS_ID,
  AWS_KEY: VALUES.AWS_KEY,
  LISTED: VALUES.LISTED,
};
const SECRETS = `
secrets:
  FROM_ENV: { env: FROM_ENV }
  FROM_FILE: { file: ${write('file', `${VALUES.FROM_FILE}\n`)} }
  FROM_JSON: { file: ${write('json', JSON.stringify({ a: { b: VALUES.FROM_JSON } }))}, json: a.b }
  FROM_CMD: { cmd: [cat, ${write('cmd', VALUES.FROM_CMD)}] }
  SWAPPED: { env: SWAPPED }
  AWS_ID: { env: AWS_ID }
  AWS_KEY: { env: AWS_KEY }
  LISTED: { env: LISTED }`;
const EGRESS = `
egress:
  allow:
    - { host: api.example, allow_private: true, rules: ["GET /bearer"], auth: { type: bearer, secret: FROM_ENV } }
    - { host: api.example, allow_private: true, rules: ["GET /basic"], auth: { type: basic, username: joe, secret: FROM_FILE } }
    - { host: api.example, allow_private: true, rules: ["GET /query"], auth: { type: query, name: key, secret: FROM_JSON } }
    - { host: api.example, allow_private: true, rules: ["GET /header"], auth: { type: header, name: x-key, template: "k {secret}", secret: FROM_CMD } }
    - { host: api.example, allow_private: true, rules: ["* /swap/**"], placeholder: { secret: SWAPPED, in: [header, path, body] } }
    - { host: api.example, allow_private: true, rules: ["GET /aws"], auth: { type: sigv4, access_key: AWS_ID, secret: AWS_KEY } }
dlp: { known: [LISTED] }`;
const SCRIPT = [
  'curl -sS https://api.example/bearer https://api.example/basic https://api.example/query https://api.example/header',
  'curl -sS -H "X-A: $SWAPPED" -d "a=$SWAPPED" https://api.example/swap/$SWAPPED',
  'curl -sS --aws-sigv4 aws:amz:eu-west-1:s3 --user "$AWS_ID:$AWS_KEY" https://api.example/aws',
  // What it can reach of other processes.
  'for p in /proc/[0-9]*; do head -c1 $p/mem >/dev/null 2>&1 && echo open $p; cat $p/environ $p/cmdline 2>/dev/null | tr "\\0" "\\n"; done',
  'env; echo; echo so far; read go',
].join('\n');

describe.each(['sealed', 'internal'])('with a %s session', (network) => {
  const roles = network === 'sealed' ? ['proxy', 'relay', 'agent'] : ['proxy', 'agent'];
  const spec = bench.spec(`agent: { network: ${network} }${SECRETS}${EGRESS}`);
  const name = spec.replace(/^.*\//, '').replace('.yaml', '');
  const containers = new Map<string, Docker.Container>();
  const pids = new Map<string, number>();
  let running: Running;

  beforeAll(async () => {
    running = bench.drive(
      { spec, command: ['sh', '-c', SCRIPT], proxyNetworks: [api.network], proxyHosts: { 'api.example': api.address } },
      { env: { ...ENV, NODE_EXTRA_CA_CERTS: api.authority, SSL_CERT_FILE: undefined }, input: null },
    );
    await running.waitFor('so far');
    for (const role of roles) {
      const container = await containerOf(docker, name, role);
      containers.set(role, container);
      pids.set(role, (await container.inspect()).State.Pid);
    }
  });
  afterAll(() => {
    running.process.kill();
  });

  test('every value was used: it reached the service', async () => {
    const arrived = looker.in(JSON.stringify(await api.requests())).join();
    for (const secret of ['FROM_ENV', 'FROM_JSON', 'FROM_CMD', 'SWAPPED', 'AWS_ID', 'PAIR'])
      expect(arrived).toContain(secret);
  });

  test('the memory of the sidecar holds them all, and so the search can find them', () => {
    const found = familyOf(pids.get('proxy')!).flatMap((pid) => looker.inMemory(pid).found);
    for (const secret of Object.keys(VALUES)) expect(found).toContain(`${secret} (as it is)`);
  });

  test('the memory of every process of the agent and the relay holds none', () => {
    for (const role of roles.filter((one) => one !== 'proxy')) {
      const family = familyOf(pids.get(role)!);
      expect(family.length).toBeGreaterThan(0);
      for (const pid of family) {
        const { found, bytes } = looker.inMemory(pid);
        expect({ role, found }).toEqual({ role, found: [] });
        expect(bytes).toBeGreaterThan(4096);
      }
    }
  });

  test('what the agent printed of all that it can read holds none', () => {
    expect(running.soFar()).toContain('SWAPPED=');
    expect(looker.in(running.soFar())).toEqual([]);
  });

  test('the engine tells none of them: inspection, history, logs, events, networks, volumes, its own files', async () => {
    const told: string[] = [];
    for (const container of containers.values()) {
      const inspected = await container.inspect();
      const image = docker.getImage(inspected.Image);
      told.push(JSON.stringify([inspected, await image.inspect(), await image.history(), await container.top()]));
      told.push(await logsOf(container));
    }
    told.push(JSON.stringify([await docker.listNetworks(), await docker.listVolumes(), await docker.info()]));
    told.push(await eventsUntilNow());
    expect(told.join().length).toBeGreaterThan(10_000);
    expect(looker.in(told.join('\n'))).toEqual([]);
    const { DockerRootDir } = await docker.info();
    for (const container of containers.values()) {
      const own = join(DockerRootDir, 'containers', container.id);
      if (existsSync(own)) expect(looker.inTree(own, 0, () => false)).toEqual({});
    }
  });

  test('no file of any container holds one', async () => {
    for (const [role, container] of containers) {
      expect({ role, found: await looker.inFilesOf(container) }).toEqual({ role, found: [] });
      const changed = (await container.changes()) as readonly unknown[] | null;
      expect(looker.in(JSON.stringify(changed))).toEqual([]);
    }
  });

  test('no environment and no argument of a process holds one, but of those that a person gave it to', () => {
    const holders = Object.keys(looker.inProcesses());
    // Ours, and what runs below it: that is where a person put them.
    expect(holders.filter((command) => !command.includes(spec))).toEqual([]);
  });

  test('no file of this machine that changed holds one, but the sources', () => {
    expect(looker.inTree(tmpdir(), startedAt, isSource)).toEqual({});
    expect(readFileSync(join(bench.state, 'sessions', idOf(name), 'log/audit.jsonl'), 'utf8')).toContain('/bearer');
  });

  test('a crash leaves no core, and a signal opens no inspector', async () => {
    for (const role of roles) {
      for (const pid of familyOf(pids.get(role)!)) {
        expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max core file size\s+0\s+0\s/);
      }
    }
    const pid = pids.get('proxy')!;
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('--disable-sigusr1');
    const before = listeners(pid);
    await containers.get('proxy')!.kill({ signal: 'SIGUSR1' });
    // The signal was taken: it still serves.
    expect((await containers.get('proxy')!.inspect()).State.Running).toBe(true);
    expect(listeners(pid)).toEqual(before);
  });

  test('once it is over, nothing of it is anywhere', async () => {
    running.process.stdin?.end('\n');
    const outcome = await running.outcome;
    expect(outcome.code).toBe(0);
    expect(looker.in(outcome.stdout + outcome.stderr)).toEqual([]);
    await until('everything is gone', async () => (await leftOf(docker, name)).length === 0);
    expect(looker.inTree(tmpdir(), startedAt, isSource)).toEqual({});
    expect(Object.keys(looker.inProcesses())).toEqual([]);
    expect(looker.in(await eventsUntilNow())).toEqual([]);
    for (const pid of pids.values()) expect(existsSync(`/proc/${pid}/mem`)).toBe(false);
  });
});

test.each<[string, string, string]>([
  ['a command that prints the value and fails', `cmd: [sh, -c, 'cat ${write('told', VALUES.FROM_CMD)}; exit 3']`, ''],
  [
    'a command that prints it and goes on',
    `cmd: [sh, -c, 'cat ${write('slow', VALUES.FROM_CMD)}; exec sleep 600'], timeout_seconds: 1`,
    '',
  ],
  ['a file that others may read', `file: ${write('open', VALUES.FROM_FILE, 0o644)}`, ''],
  ['JSON that is none', `file: ${write('broken', `{"a": "${VALUES.FROM_JSON}`)}, json: a`, ''],
  ['a field that is not there', `file: ${write('other', JSON.stringify({ a: VALUES.FROM_JSON }))}, json: b.${'c'}`, ''],
  [
    'a value that no header may hold',
    `file: ${write('lines', `${VALUES.FROM_FILE}\nx\n${VALUES.FROM_JSON}`)}`,
    'fails',
  ],
])('%s refuses the start, and the message holds none', async (_what, source) => {
  const spec = bench.spec(`secrets: { BROKEN: { ${source} } }
egress: { allow: [{ host: api.example, auth: { type: bearer, secret: BROKEN } }] }`);
  for (const args of [
    ['start', spec, '--timings', '--', 'true'],
    ['plan', spec],
  ]) {
    const { code, stdout, stderr } = await bench.run(args, { env: ENV });
    if (args[0] === 'start')
      expect({ code, stderr }).toMatchObject({
        code: expect.toBeOneOf([2, 125]),
        stderr: expect.stringContaining('BROKEN'),
      });
    expect(looker.in(stdout + stderr)).toEqual([]);
  }
});

test('timings, plan, show and logs print none', async () => {
  const spec = bench.spec(`${SECRETS}${EGRESS}`);
  for (const args of [
    ['start', '--timings', spec, '--', 'env'],
    ['plan', spec],
    ['check', spec],
    ['logs', '--json'],
  ]) {
    const { stdout, stderr } = await bench.run(args, { env: ENV });
    expect(looker.in(stdout + stderr)).toEqual([]);
  }
});

const idOf = (name: string): string => {
  const state = join(bench.state, 'sessions');
  const found = readdirSync(state).find((entry) => entry.startsWith(`${name}-`));
  if (found === undefined) throw new Error(`no session ${name}`);
  return found;
};

async function logsOf(container: Docker.Container): Promise<string> {
  try {
    return (await container.logs({ stdout: true, stderr: true })).toString();
  } catch (error) {
    // The driver keeps none.
    return String(error);
  }
}

async function eventsUntilNow(): Promise<string> {
  const stream = await docker.getEvents({ since: startedSeconds, until: Math.floor(Date.now() / 1000) + 1 });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Ports on which somebody listens in the namespace of a process. */
function listeners(pid: number): readonly string[] {
  return ['tcp', 'tcp6']
    .flatMap((kind) => readFileSync(`/proc/${pid}/net/${kind}`, 'latin1').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === '0A')
    .map((columns) => columns[1]!)
    .sort();
}
