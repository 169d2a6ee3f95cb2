// `npm run bench`: our proxy against a floor (the simplest forwarder on node:http) in one run, round by round, as ratios.
//
// Options: --rounds N (default 3), --json. CPU per operation is the figure to trust; wall figures depend on the machine's other work.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTRACT_VERSION, DEFAULT_LIMITS, type ProxyConfig, type ProxyEvent } from '../proxy/src/contract.ts';
import { type Contestant, proxyCore, startContestant } from './contestant.ts';
import { WORKLOADS } from './workloads.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, json: { type: 'boolean', default: false } },
});
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'bottle-bench-'));

/** A self-signed P-256 certificate for origin.test, made by the openssl of the machine. */
function makeCertificate(): { key: string; cert: string } {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      ...['-subj', '/CN=origin.test', '-addext', 'subjectAltName=DNS:origin.test'],
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

function bottleConfig(cert: string, upstreamPort: number): ProxyConfig {
  const anything = { methods: null, paths: null, query: {}, headers: {} };
  return {
    contractVersion: CONTRACT_VERSION,
    session: 'bench',
    listen: { explicit: '127.0.0.1:0', relaySocket: null, transparent: null, dns: null },
    dnsAnswer: '198.18.0.1',
    routes: [
      {
        id: 'allow.0',
        host: 'origin.test',
        ports: [443],
        scheme: 'https',
        rules: [anything],
        auth: { type: 'bearer', secret: 'BENCH_TOKEN' },
        placeholder: null,
        dlp: { onMatch: 'block', except: [] },
        allowPrivate: false,
        errorShape: 'plain',
        quota: null,
      },
    ],
    deny: [],
    secrets: [
      {
        name: 'BENCH_TOKEN',
        value: 'bench-0123456789abcdef0123456789',
        placeholder: 'bottle-bench-placeholder-abcdef0123456789',
      },
    ],
    dlp: { detectors: null, source: '' },
    upstream: { roots: cert, map: { 'origin.test:443': `127.0.0.1:${upstreamPort}` }, refuse: [] },
    quota: null,
    auditPath: join(folder, 'audit.jsonl'),
    limits: DEFAULT_LIMITS,
  };
}

interface Row {
  readonly workload: string;
  readonly contestant: string;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Micros: number | null;
}

const portOnly = (ca: string) => (line: string) => ({ port: (JSON.parse(line) as { port: number }).port, ca });
const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const { key, cert } = makeCertificate();
const core = proxyCore();
const origin = await startContestant(
  'origin',
  [join(here, 'origin.ts')],
  { key, cert },
  portOnly(cert),
  core === null ? null : '0',
);
const floor = await startContestant(
  'floor-http',
  [join(here, 'floor-http.ts')],
  { key, cert, ca: cert, upstreamPort: origin.port },
  portOnly(cert),
  core,
);
const bottle = await startContestant(
  'bottle',
  [join(here, '../proxy/src/main.ts'), 'serve'],
  bottleConfig(cert, origin.port),
  (line) => {
    const event = JSON.parse(line) as ProxyEvent;
    if (event.event === 'fatal') throw new Error(`${event.what}: ${event.why}`);
    return { port: Number(event.listening?.split(':').at(-1)), ca: event.ca };
  },
  core,
);
const contestants: readonly Contestant[] = [floor, bottle];
const idle = new Map(contestants.map((contestant) => [contestant.name, contestant.rssBytes()]));

const rows: Row[] = [];
for (let round = 0; round < Number(options.rounds); round += 1) {
  for (const workload of WORKLOADS) {
    for (const contestant of round % 2 ? [...contestants].reverse() : contestants) {
      process.stderr.write(`\rround ${round + 1}: ${workload.name}, ${contestant.name}\x1b[K`);
      const before = contestant.cpuMicros();
      const outcome = await workload.run({
        proxyPort: contestant.port,
        ca: contestant.ca,
        host: 'origin.test',
        port: 443,
      });
      rows.push({
        workload: workload.name,
        contestant: contestant.name,
        perSecond: outcome.operations / (outcome.wallMs / 1000),
        cpuMicros: (contestant.cpuMicros() - before) / outcome.operations,
        p50Micros: outcome.p50Micros,
      });
    }
  }
}
process.stderr.write('\r\x1b[K');

const of = (workload: string, contestant: string, figure: (row: Row) => number): number =>
  median(rows.filter((row) => row.workload === workload && row.contestant === contestant).map(figure));
const table = WORKLOADS.map(({ name, unit }) => {
  const cpu = (who: string) => of(name, who, (row) => row.cpuMicros);
  const rate = (who: string) => of(name, who, (row) => row.perSecond);
  const p50 = (who: string) => of(name, who, (row) => row.p50Micros ?? 0);
  return {
    workload: name,
    unit,
    cpuMicros: { floor: cpu('floor-http'), bottle: cpu('bottle'), ratio: cpu('bottle') / cpu('floor-http') },
    perSecond: { floor: rate('floor-http'), bottle: rate('bottle'), ratio: rate('bottle') / rate('floor-http') },
    p50Micros:
      p50('floor-http') > 0
        ? { floor: p50('floor-http'), bottle: p50('bottle'), ratio: p50('bottle') / p50('floor-http') }
        : null,
  };
});
const memory = {
  idleBytes: { floor: idle.get('floor-http') ?? 0, bottle: idle.get('bottle') ?? 0 },
  endBytes: { floor: floor.rssBytes(), bottle: bottle.rssBytes() },
  listenMs: { floor: floor.listenMs, bottle: bottle.listenMs },
};

if (options.json) process.stdout.write(`${JSON.stringify({ table, memory }, null, 2)}\n`);
else {
  const cell = (text: string, width: number) => text.padStart(width);
  const show = (figure: { floor: number; bottle: number; ratio: number } | null) =>
    figure === null
      ? cell('-', 27)
      : `${cell(figure.floor.toFixed(0), 9)}${cell(figure.bottle.toFixed(0), 9)}${cell(figure.ratio.toFixed(2), 9)}`;
  process.stdout.write(
    `${'ratio = bottle / floor-http'.padEnd(36)}${cell('CPU µs per unit', 27)}${cell('units per second', 27)}${cell('p50 µs', 27)}\n`,
  );
  const names = ['floor', 'bottle', 'ratio'].map((name) => cell(name, 9)).join('');
  process.stdout.write(`${' '.repeat(36)}${names}${names}${names}\n`);
  for (const row of table) {
    process.stdout.write(
      `${row.workload.padEnd(36)}${show(row.cpuMicros)}${show(row.perSecond)}${show(row.p50Micros)}\n`,
    );
  }
  const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
  process.stdout.write(
    `\nmemory idle: floor ${mib(memory.idleBytes.floor)}, bottle ${mib(memory.idleBytes.bottle)}; after the run: floor ${mib(memory.endBytes.floor)}, ` +
      `bottle ${mib(memory.endBytes.bottle)}\nserving after: floor ${memory.listenMs.floor.toFixed(0)} ms, bottle ${memory.listenMs.bottle.toFixed(0)} ms\n`,
  );
}
for (const contestant of [bottle, floor, origin]) contestant.stop();
rmSync(folder, { recursive: true });
