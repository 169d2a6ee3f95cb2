// The two processes of a sealed session as they are started there: `main.ts serve` outside, `main.ts relay` in the empty namespace.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditRecord, CONTRACT_VERSION, DEFAULT_LIMITS, type ProxyConfig } from '../../src/contract.ts';
import { readEvent, runInside, spawnInEmptyNamespace } from './fixtures/namespace.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
// What the plan gives the relay's container, so that the probe sees what it will see there.
const BOUNDING = '--bounding-set=-all,+net_admin,+setuid,+setgid';

let directory: string;
let sidecar: ChildProcess;
let relay: ChildProcess;
let pid: number;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-sealed-'));
  chmodSync(directory, 0o755);
  const relaySocket = join(directory, 'relay.sock');
  const config: ProxyConfig = {
    contractVersion: CONTRACT_VERSION,
    session: 'sealed-1a2b3c',
    listen: { explicit: null, relaySocket, transparent: null, dns: null },
    dnsAnswer: '198.18.0.1',
    routes: [],
    deny: [],
    secrets: [],
    dlp: { detectors: null, source: '' },
    upstream: { roots: '', map: {}, refuse: [] },
    quota: null,
    auditPath: join(directory, 'audit.jsonl'),
    limits: DEFAULT_LIMITS,
  };
  sidecar = spawn(process.execPath, [MAIN, 'serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
  sidecar.stdin!.write(`${JSON.stringify(config)}\n`);
  // Both at once: the relay waits for the socket.
  relay = spawnInEmptyNamespace(['setpriv', BOUNDING, process.execPath, MAIN, 'relay'], {
    BOTTLE_SOCKET: relaySocket,
    BOTTLE_PORTS: '',
    BOTTLE_PROBE: JSON.stringify({
      topology: 'sealed',
      tcp: ['169.254.169.254:80', '192.0.2.1:22'],
      dns: ['192.0.2.53:53'],
      proxy: null,
    }),
  });
  const [served, captured] = await Promise.all([readEvent(sidecar), readEvent(relay)]);
  expect(captured).toMatchObject({ event: 'ready', probe: { ok: true } });
  writeFileSync(join(directory, 'ca.pem'), String(served.ca));
  pid = relay.pid!;
});

afterAll(() => {
  relay.kill('SIGKILL');
  sidecar.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

const records = (): AuditRecord[] =>
  readFileSync(join(directory, 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const curl = async (...argv: string[]): Promise<string> =>
  (await runInside(pid, ['curl', '-sS', '--max-time', '5', '--cacert', join(directory, 'ca.pem'), ...argv])).stdout;

describe('from inside', () => {
  test('the probe leaves no record', () => {
    expect(records()).toEqual([]);
  });

  test.each([
    [
      'an IP literal over TLS',
      ['--noproxy', '*', 'https://93.184.216.34/x'],
      { via: 'transparent', host: '93.184.216.34', port: 443 },
    ],
    [
      'the metadata address',
      ['--noproxy', '*', 'http://169.254.169.254/latest'],
      { via: 'transparent', host: '169.254.169.254', port: 80 },
    ],
    [
      'the explicit proxy',
      ['-x', 'http://127.0.0.1:3128', 'https://evil.example/'],
      { via: 'connect', host: 'evil.example', port: 443 },
    ],
  ] as const)('%s is captured, refused in words, and recorded once', async (_, argv, record) => {
    const before = records().length;
    const body = JSON.parse(await curl(...argv));
    expect(body).toMatchObject({ blocked: true, stage: 'policy' });
    expect(records().slice(before)).toMatchObject([
      { ...record, verdict: 'block', id: body.id, session: 'sealed-1a2b3c' },
    ]);
  });

  test('a DNS query is answered and recorded once', async () => {
    const before = records().length;
    const script = [
      'import socket',
      'q = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + b"\\x04evil\\x07example\\x00\\x00\\x01\\x00\\x01"',
      's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(("127.0.0.1", 53)); s.send(q)',
      'print(socket.inet_ntoa(s.recv(600)[-4:]))',
    ].join('\n');
    expect((await runInside(pid, ['python3', '-c', script])).stdout).toBe('198.18.0.1\n');
    expect(records().slice(before)).toMatchObject([
      { via: 'dns', host: 'evil.example', method: 'A', verdict: 'block' },
    ]);
  });
});

test('when the sidecar is killed, the relay ends', async () => {
  const exited = once(relay, 'exit');
  sidecar.kill('SIGKILL');
  expect(await exited).toEqual([0, null]);
});
