import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProbeReport, ProbeTargets } from '../../src/contract.ts';
import { ip, readEvent, runInside, spawnInEmptyNamespace } from './fixtures/namespace.ts';

const PROBE = join(import.meta.dirname, 'fixtures', 'run-probe.ts');
// Two namespaces joined by a cable: the agent's with one interface, and an outside that listens.
const AGENT = `bottle-probe-a-${process.pid}`;
const OUTSIDE = `bottle-probe-b-${process.pid}`;

const internal: ProbeTargets = {
  topology: 'internal',
  tcp: ['192.0.2.2:9', '198.51.100.1:80'],
  dns: ['198.51.100.1:53'],
  proxy: '192.0.2.2:3128',
};

beforeAll(async () => {
  for (const name of [AGENT, OUTSIDE]) ip('netns', 'add', name);
  ip('-n', AGENT, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', OUTSIDE);
  for (const [name, address] of [
    [AGENT, '192.0.2.1/24'],
    [OUTSIDE, '192.0.2.2/24'],
  ] as const) {
    // First, so that no link-local address appears when the cable is up.
    await runInside(name, ['sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6']);
    ip('-n', name, 'addr', 'add', address, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up');
  }
});

afterAll(() => {
  for (const name of [AGENT, OUTSIDE]) ip('netns', 'del', name);
});

/** As the agent: nobody, without capabilities. */
const DROPPED = [
  'setpriv',
  '--reuid=1337',
  '--regid=1337',
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--no-new-privs',
];

async function probe(
  targets: ProbeTargets,
  wrapper: readonly string[] = DROPPED,
): Promise<ProbeReport & { tookMs: number }> {
  const argv = ['env', `BOTTLE_PROBE=${JSON.stringify(targets)}`, ...wrapper, process.execPath, PROBE];
  const { stdout, stderr } = await runInside(AGENT, argv);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as ProbeReport;
  return { ...report, tookMs: Math.max(...report.checks.map((check) => check.ms)) };
}

const failed = (report: ProbeReport): string[] =>
  report.checks.filter((each) => !each.ok).map((each) => `${each.check}: ${each.detail}`);

/** Listens in the outside namespace while `body` runs. */
async function whileOutside(script: string, body: () => Promise<void>): Promise<void> {
  const { spawn } = await import('node:child_process');
  const child = spawn('nsenter', [`--net=/run/netns/${OUTSIDE}`, 'python3', '-uc', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await body();
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
}

const LISTENERS = `
import socket, threading, time
def tcp(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", port)); s.listen()
    while True: s.accept()
def dns(code, address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 53))
    while True:
        q, a = s.recvfrom(600)
        end = q.index(0, 12) + 5
        r = q[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, 1 if address else 0, 0, 0, 0, 0]) + q[12:end]
        if address: r += bytes.fromhex("c00c000100010000000100 04".replace(" ", "")) + socket.inet_aton(address)
        s.sendto(r, a)
for target in TARGETS: threading.Thread(target=target[0], args=target[1:], daemon=True).start()
time.sleep(0.2); print("up"); time.sleep(60)
`;
const outside = (...targets: string[]): string => LISTENERS.replace('TARGETS', `[${targets.join(', ')}]`);

describe('internal', () => {
  test('with nothing but the sidecar in reach it is content, well within its bound', async () => {
    await whileOutside(outside('(tcp, 3128)'), async () => {
      const report = await probe(internal);
      expect(failed(report)).toEqual([]);
      expect(report.ok).toBe(true);
      expect(report.tookMs).toBeLessThan(450);
    });
  });

  test('a sidecar that does not answer is a failure', async () => {
    const report = await probe(internal);
    expect(failed(report)).toEqual(["proxy: the sidecar's proxy at 192.0.2.2:3128 does not answer"]);
  });

  test('a TCP target that accepts is a breach', async () => {
    await whileOutside(outside('(tcp, 3128)', '(tcp, 9)'), async () => {
      expect(failed(await probe(internal))).toEqual([
        'tcp 192.0.2.2:9: something outside accepted a connection at 192.0.2.2:9',
      ]);
    });
  });

  test.each([
    ['answers with an address', '0, "203.0.113.5"', 'code 0'],
    ['denies the name', '3, ""', 'code 3'],
    ['refuses', '5, ""', 'code 5'],
  ])('a DNS server that %s is a breach', async (_, answer, said) => {
    await whileOutside(outside('(tcp, 3128)', `(dns, ${answer})`), async () => {
      const report = await probe({ ...internal, dns: ['192.0.2.2:53'] });
      expect(failed(report)).toContain(`dns 192.0.2.2:53: a DNS server answered at 192.0.2.2:53 (${said})`);
    });
  });

  test('a target behind a dead next hop counts as not reached, in time', async () => {
    ip('-n', AGENT, 'route', 'add', 'default', 'via', '192.0.2.77');
    try {
      await whileOutside(outside('(tcp, 3128)'), async () => {
        const report = await probe(internal);
        expect(failed(report)).toEqual([]);
        expect(report.checks.find((each) => each.check === 'tcp 198.51.100.1:80')?.detail).toBe(
          'not reached (no answer)',
        );
        expect(report.tookMs).toBeLessThan(450);
      });
    } finally {
      ip('-n', AGENT, 'route', 'del', 'default');
    }
  });

  test('capabilities and a raw socket that is not refused are breaches', async () => {
    await whileOutside(outside('(tcp, 3128)'), async () => {
      expect(failed(await probe(internal, []))).toEqual([
        expect.stringMatching(/^capabilities: capabilities are held/),
        expect.stringMatching(/^raw-socket: a raw socket was not refused/),
      ]);
    });
  });

  test('an IPv6 address and a second interface are breaches', async () => {
    ip('-n', AGENT, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth2');
    await runInside(AGENT, ['sh', '-c', 'echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6']);
    ip('-n', AGENT, 'addr', 'add', 'fd00::1/64', 'dev', 'eth0', 'nodad');
    try {
      const report = await probe(internal);
      expect(failed(report)).toContainEqual(expect.stringMatching(/^ipv6: .*fd00::1/));
      expect(failed(report)).toContainEqual(
        expect.stringMatching(/^interfaces: more interfaces than expected: .*eth1/),
      );
    } finally {
      ip('-n', AGENT, 'link', 'del', 'eth1');
      await runInside(AGENT, ['sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6']);
    }
  });
});

describe('sealed', () => {
  test('an interface besides lo, its routes, and who answers behind it are breaches', async () => {
    await whileOutside(outside('(tcp, 80)'), async () => {
      const report = await probe({ topology: 'sealed', tcp: ['192.0.2.2:80'], dns: [], proxy: null });
      expect(failed(report)).toEqual([
        'interfaces: more interfaces than expected: lo, eth0',
        'routes: routes lead out: 192.0.2.0 via 0.0.0.0 dev eth0',
        'tcp 192.0.2.2:80: something outside accepted a connection at 192.0.2.2:80',
      ]);
    });
  });

  test('an empty namespace without a relay reaches nothing', async () => {
    const child = spawnInEmptyNamespace([...DROPPED, process.execPath, PROBE], {
      BOTTLE_PROBE: JSON.stringify({ topology: 'sealed', tcp: ['192.0.2.2:80'], dns: ['192.0.2.2:53'], proxy: null }),
    });
    expect(await readEvent(child)).toMatchObject({ ok: true });
  });
});
