// `npm run demo [-- --spec FILE]`: a real session against a real registry and a small API, with an agent that turns hostile. Ends with a
// table of what got through and what was stopped, and with exit code 1 if anything was not as it should be.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { AuditRecord } from '../proxy/src/contract.ts';
import { connectEngine } from '../src/engine/connect.ts';
import { ensureImages } from '../src/images/ensure.ts';
import { printable } from '../src/report/printable.ts';
import { readHostAddresses } from '../src/session/host-addresses.ts';
import { stateDir } from '../src/state/paths.ts';
import { findSession } from '../src/state/sessions.ts';
import { makeServerCertificates } from './certificates.ts';
import { startService } from './service.ts';
import { joinRows, type Row, type Step } from './table.ts';

const HOST = 'api.demo.test';
const repository = join(import.meta.dirname, '..');
const { values: args } = parseArgs({
  options: { spec: { type: 'string', default: join(repository, 'bottles/demo.yaml') } },
});
const say = (line: string): void => {
  process.stderr.write(`demo: ${line}\n`);
};

/** A service of the host on every address, as a careless developer's machine has many. Its guests are breaches. */
function openHostService(): Promise<{ port: number; guests: () => number; close: () => void }> {
  let guests = 0;
  const server = net.createServer((socket) => {
    guests += 1;
    socket.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '0.0.0.0', () => {
      resolve({ port: (server.address() as net.AddressInfo).port, guests: () => guests, close: () => server.close() });
    });
  });
}

interface SessionOutcome {
  readonly code: number;
  /** null when it never began. */
  readonly session: string | null;
  readonly steps: readonly Step[];
}

function runSession(settings: unknown, env: NodeJS.ProcessEnv): Promise<SessionOutcome> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'session.ts'), args.spec, JSON.stringify(settings)],
    {
      env,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  let session: string | null = null;
  child.on('message', (end: { id: string | null }) => {
    session = end.id;
  });
  const steps: Step[] = [];
  if (child.stdout === null) throw new TypeError('stdout is a pipe');
  createInterface({ input: child.stdout }).on('line', (line) => {
    const step = JSON.parse(line) as Step;
    steps.push(step);
    say(`agent: ${step.step}: ${step.outcome}`);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 125, session, steps }));
  });
}

async function readRecords(session: string): Promise<readonly AuditRecord[]> {
  const { paths } = await findSession(stateDir(), session);
  return readFileSync(paths.auditFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditRecord);
}

function printTable(rows: readonly Row[]): void {
  const width = Math.max(...rows.map(({ step }) => step.length));
  process.stdout.write(`    ${'WHAT THE AGENT DID'.padEnd(width)}  OUTCOME  LOG ID        DETAIL\n`);
  for (const { step, want, outcome, isRight, id, detail } of rows) {
    const mark = isRight ? 'ok ' : 'BAD';
    const note = isRight ? '' : ` (should be ${want})`;
    process.stdout.write(
      `${mark} ${step.padEnd(width)}  ${outcome}${note}  ${id.padEnd(12)}  ${printable(detail).slice(0, 110)}\n`,
    );
  }
}

const folder = mkdtempSync(join(tmpdir(), 'bottle-demo-'));
const id = randomBytes(3).toString('hex');
const token = `demo_${randomBytes(40)
  .toString('base64')
  .replace(/[^A-Za-z0-9]/g, '0')
  .slice(0, 40)}`;
const certificates = makeServerCertificates([HOST]);
const roots = join(folder, 'roots.pem');
const inherited = process.env.NODE_EXTRA_CA_CERTS;
writeFileSync(roots, `${inherited ? readFileSync(inherited, 'utf8') : ''}\n${certificates.authority}`);

const { docker } = await connectEngine({ host: undefined });
const images = await ensureImages(docker, { repoRoot: repository, onProgress: say });
say('starting an API that knows one user by a token made just now');
const service = await startService(docker, images.agent, id, {
  key: certificates.key,
  cert: certificates.certs[HOST] ?? '',
  token,
  user: 'demo-user',
});
const host = await openHostService();
let ended: SessionOutcome;
try {
  say(`starting the session: ${args.spec}`);
  const agent = {
    tokenSha256: createHash('sha256').update(token).digest('hex'),
    hostTargets: readHostAddresses().ipv4.map((address) => `${address}:${host.port}`),
  };
  ended = await runSession(
    { network: service.network, host: HOST, address: service.address, agent },
    { ...process.env, DEMO_API_TOKEN: token, NODE_EXTRA_CA_CERTS: roots },
  );
} finally {
  host.close();
  await service.stop();
  rmSync(folder, { recursive: true });
}
if (ended.code !== 0 || ended.session === null) {
  say(`the session ended with ${ended.code}`);
  process.exitCode = ended.code || 125;
} else {
  const rows = joinRows(ended.steps, await readRecords(ended.session), service.received, [token, 'ghp_']);
  process.stdout.write('\n');
  printTable(rows);
  process.stdout.write('\n');
  const wrong = rows.filter(({ isRight }) => !isRight).length + host.guests();
  if (host.guests() > 0) say(`${host.guests()} connections reached the host`);
  say(wrong === 0 ? 'everything that should be stopped was stopped' : `${wrong} things are not as they should be`);
  process.exitCode = wrong === 0 ? 0 : 1;
}
