// Who takes part: our proxy, the floors, the tunnel, and the peers that are installed here.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import {
  CONTRACT_VERSION,
  DEFAULT_LIMITS,
  type FirstEvent,
  type ProxyConfig,
  type Route,
} from '../proxy/src/contract.ts';
import { type Machine, NEW_HOSTS, ORIGIN } from './machine.ts';
import { launch, type Measured, type Serving } from './process.ts';

export interface Contestant {
  readonly name: string;
  /** One line on what it does. */
  readonly does: string;
  /** Somebody else's: measured in full runs, where it is installed. `npm run bench -- --peers` brings it. */
  readonly isPeer: boolean;
  readonly isHere: () => boolean;
  start(machine: Machine, originPort: number, cores?: string | null): Promise<Measured>;
}

const here = import.meta.dirname;
const nodeArgs = [process.execPath, '--disable-warning=ExperimentalWarning'];
/** Compiled once, as in the image. */
export const COMPILED = { NODE_COMPILE_CACHE: join(here, '../node_modules/.cache/bottle-compiled') };
const always = (): boolean => true;

export function startOrigin(machine: Machine): Promise<Measured> {
  return startProgram(machine, 'origin', 0, machine.loadCore);
}

function startProgram(machine: Machine, program: string, originPort: number, cores: string | null): Promise<Measured> {
  const { key, cert } = machine;
  return launch({
    name: program,
    argv: [...nodeArgs, join(here, `programs/${program}.ts`)],
    input: { key, cert, originPort },
    env: COMPILED,
    cores,
    read: (line) => JSON.parse(line) as Serving,
  });
}

const own = (name: string, does: string): Contestant => ({
  name,
  does,
  isPeer: false,
  isHere: always,
  start: (machine, originPort, cores = machine.proxyCore) => startProgram(machine, name, originPort, cores),
});

/** With everything on that a session has: policy, DLP, injection, audit log. */
export function startBottle(
  machine: Machine,
  originPort: number,
  cores: string | null,
  changes: Partial<ProxyConfig['limits']> = {},
): Promise<Measured> {
  return launchBottle(bottleConfig(machine, originPort, changes), cores);
}

export function launchBottle(config: ProxyConfig, cores: string | null): Promise<Measured> {
  return launch({
    name: 'bottle',
    argv: [...nodeArgs, join(here, '../proxy/src/main.ts'), 'serve'],
    input: config,
    env: COMPILED,
    cores,
    read: (line) => {
      const event = JSON.parse(line) as FirstEvent;
      if (event.event === 'fatal') throw new Error(`${event.what}: ${event.why}`);
      return { port: Number(event.listening?.split(':').at(-1)), ca: event.ca };
    },
  });
}

function bottleConfig(machine: Machine, originPort: number, changes: Partial<ProxyConfig['limits']>): ProxyConfig {
  const auth = { type: 'bearer', secret: 'BENCH_TOKEN' } as const;
  const value = `bench-${Array.from({ length: 32 }, (_, index) => (index * 7) % 10).join('')}`;
  return configOf(machine, originPort, {
    hosts: [ORIGIN, ...NEW_HOSTS],
    routes: [
      routeTo(originPort, { id: 'allow.0', host: ORIGIN, auth }),
      routeTo(originPort, { id: 'allow.1', host: `*.${ORIGIN}`, auth }),
    ],
    secrets: [{ name: 'BENCH_TOKEN', value, placeholder: 'bottle-bench-placeholder-abcdef0123456789' }],
    limits: changes,
  });
}

export function routeTo(port: number, changes: Partial<Route> & Pick<Route, 'id' | 'host'>): Route {
  return {
    ports: [port],
    scheme: 'https',
    rules: [{ methods: null, paths: null, query: {}, headers: {} }],
    auth: null,
    placeholder: null,
    dlp: { onMatch: 'block', except: [] },
    allowPrivate: false,
    errorShape: 'plain',
    quota: null,
    ...changes,
  };
}

interface ConfigParts extends Pick<ProxyConfig, 'routes' | 'secrets'> {
  /** All of them are the origin. */
  readonly hosts: readonly string[];
  readonly limits?: Partial<ProxyConfig['limits']>;
}

export function configOf(
  machine: Machine,
  originPort: number,
  { hosts, routes, secrets, limits }: ConfigParts,
): ProxyConfig {
  const map = Object.fromEntries(hosts.map((host) => [`${host}:${originPort}`, `127.0.0.1:${originPort}`]));
  return {
    contractVersion: CONTRACT_VERSION,
    session: 'bench',
    listen: { explicit: '127.0.0.1:0', relaySocket: null, transparent: null, dns: null },
    dnsAnswer: '198.18.0.1',
    routes,
    deny: [],
    secrets,
    dlp: { detectors: null, source: '' },
    upstream: { roots: machine.cert, map, refuse: [] },
    quota: null,
    auditPath: join(mkdtempSync(join(machine.folder, 'bottle-')), 'audit.jsonl'),
    // Beside floors of one thread; cores.ts measures more.
    limits: { ...DEFAULT_LIMITS, workers: 1, ...limits },
  };
}

/** A CA as a file, in the shapes that peers ask for. */
function peerAuthority(folder: string): { key: string; cert: string; ca: string } {
  const [key, cert] = [join(folder, 'ca-key.pem'), join(folder, 'ca.pem')];
  const asked = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /O=bench/CN=bench-ca'.split(
    ' ',
  );
  const use = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  execFileSync('openssl', [...asked, ...use, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key, cert, ca: readFileSync(cert, 'utf8') };
}

async function startMitmproxy(machine: Machine, originPort: number, cores = machine.proxyCore): Promise<Measured> {
  const folder = mkdtempSync(join(machine.folder, 'mitmproxy-'));
  const { key, cert, ca } = peerAuthority(folder);
  writeFileSync(join(folder, 'mitmproxy-ca.pem'), readFileSync(key, 'utf8') + ca);
  const roots = join(folder, 'roots.pem');
  writeFileSync(roots, machine.cert);
  const port = await freePort();
  const set = [
    `confdir=${folder}`,
    `ssl_verify_upstream_trusted_ca=${roots}`,
    'connection_strategy=lazy',
    'stream_large_bodies=1m',
  ];
  return launch({
    name: 'mitmproxy',
    argv: [
      ...[
        'mitmdump',
        '-q',
        '--listen-host',
        '127.0.0.1',
        '-p',
        String(port),
        '-s',
        join(here, 'programs/mitmproxy.py'),
      ],
      ...set.flatMap((option) => ['--set', option]),
    ],
    env: { BENCH_ORIGIN_PORT: String(originPort), PYTHONDONTWRITEBYTECODE: '1' },
    cores,
    wait: () => untilListening(port, readFileSync(cert, 'utf8')),
  });
}

async function startSquid(machine: Machine, _originPort: number, cores = machine.proxyCore): Promise<Measured> {
  const folder = mkdtempSync(join(machine.folder, 'squid-'));
  const { key, cert, ca } = peerAuthority(folder);
  const port = await freePort();
  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, [ORIGIN, ...NEW_HOSTS].map((name) => `127.0.0.1 ${name}\n`).join(''));
  const roots = join(folder, 'roots.pem');
  writeFileSync(roots, machine.cert);
  const leaves = join(folder, 'leaves');
  execFileSync('/usr/lib/squid/security_file_certgen', ['-c', '-s', leaves, '-M', '16MB'], { stdio: 'ignore' });
  const config = join(folder, 'squid.conf');
  writeFileSync(
    config,
    `http_port 127.0.0.1:${port} ssl-bump cert=${cert} key=${key} generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s ${leaves} -M 16MB
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
tls_outgoing_options cafile=${roots}
http_access allow all
hosts_file ${hosts}
cache deny all
access_log stdio:${join(folder, 'access.log')}
cache_log ${join(folder, 'cache.log')}
pid_filename none
coredump_dir ${folder}
max_filedescriptors 65536
http_upgrade_request_protocols WebSocket allow all
shutdown_lifetime 0
`,
  );
  // It gives up root for a user of its own, who must reach all this.
  execFileSync('chmod', ['-R', 'a+rwX', folder]);
  chmodSync(machine.folder, 0o711);
  return launch({ name: 'squid', argv: ['squid', '-N', '-f', config], cores, wait: () => untilListening(port, ca) });
}

function isInstalled(program: string): boolean {
  const path = (process.env.PATH ?? '').split(':');
  return path.some((folder) => {
    try {
      execFileSync('test', ['-x', join(folder, program)], { stdio: 'ignore' });
      return true;
    } catch {
      return false; // `test` says no by its exit code.
    }
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilListening(port: number, ca: string): Promise<Serving> {
  for (;;) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isUp) return { port, ca };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const BOTTLE = 'bottle';
export const FLOOR = 'floor-http';

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: BOTTLE,
    does: 'this proxy: policy, DLP, injection, audit log',
    isPeer: false,
    isHere: always,
    start: (machine, originPort, cores = machine.proxyCore) => startBottle(machine, originPort, cores),
  },
  own(FLOOR, 'the simplest forwarder on node:http and node:http2; nothing is checked'),
  own('floor-pipe', 'TLS terminated, bytes piped, nothing understood'),
  own('tunnel', 'CONNECT, bytes copied, no TLS of its own'),
  {
    name: 'squid',
    does: 'ssl_bump, no cache, access log',
    isPeer: true,
    isHere: () => isInstalled('squid'),
    start: startSquid,
  },
  {
    name: 'mitmproxy',
    does: 'mitmdump, bodies over 1 MiB and event streams streamed',
    isPeer: true,
    isHere: () => isInstalled('mitmdump'),
    start: startMitmproxy,
  },
];
