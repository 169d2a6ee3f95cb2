import { type ChildProcess, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ProbeReport, ProbeTargets, RelayHello } from '../../src/contract.ts';
import { createDnsResponder, serveDnsStream } from '../../src/net/dns-server.ts';
import type { RecordDraft } from '../../src/pipeline/types.ts';
import { readEvent, runInside, spawnInEmptyNamespace } from './fixtures/namespace.ts';

const RELAY = join(import.meta.dirname, 'fixtures', 'run-relay.ts');
const TARGETS: ProbeTargets = {
  topology: 'sealed',
  tcp: ['192.0.2.1:80', '169.254.169.254:80', '10.0.0.1:443', '172.17.0.1:22', '198.51.100.9:3128', '203.0.113.7:9999'],
  dns: ['192.0.2.53:53', '127.0.0.11:53'],
  proxy: null,
};

/** What the outside world sees of the relay: a sidecar that answers as each test wishes. */
interface FakeSidecar {
  readonly path: string;
  readonly hellos: RelayHello[];
  readonly names: string[];
  readonly lifelines: Socket[];
  onTcp: (socket: Socket, hello: Extract<RelayHello, { kind: 'tcp' }>) => void;
  /** No new connections; open ones stay. */
  refuse(): void;
  close(): void;
}

let directory: string;
let sidecar: FakeSidecar;
let relay: ChildProcess;
let pid: number;
let ready: { probe: ProbeReport; startedMs: number };

async function start(): Promise<void> {
  directory = mkdtempSync(join(tmpdir(), 'bottle-relay-'));
  chmodSync(directory, 0o755);
  sidecar = await startSidecar(join(directory, 'relay.sock'));
  relay = startRelay({});
  const event = await readEvent(relay);
  if (event.event !== 'ready') throw new Error(`the relay did not start: ${JSON.stringify(event)}`);
  ready = event as unknown as typeof ready;
  pid = relay.pid!;
}

function stop(): void {
  relay.kill('SIGKILL');
  sidecar.close();
  rmSync(directory, { recursive: true, force: true });
}

function startRelay(environment: NodeJS.ProcessEnv): ChildProcess {
  return spawnInEmptyNamespace([process.execPath, RELAY], {
    BOTTLE_SOCKET: join(directory, 'relay.sock'),
    BOTTLE_PORTS: '8443',
    BOTTLE_PROBE: JSON.stringify(TARGETS),
    ...environment,
  });
}

async function startSidecar(path: string): Promise<FakeSidecar> {
  const open = new Set<Socket>();
  const records: RecordDraft[] = [];
  const respond = createDnsResponder({
    session: 's-1',
    answer: '198.18.0.1',
    judgeName: () => ({
      verdict: 'block',
      stage: 'policy',
      rule: 'default',
      reason: 'not in the allow list',
      findings: [],
    }),
    record: (draft) => {
      records.push(draft);
      fake.names.push(`${draft.method} ${draft.host}`);
    },
  });
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    readHello(socket, (hello) => {
      fake.hellos.push(hello);
      if (hello.kind === 'dns') serveDnsStream(socket, respond);
      else if (hello.kind === 'lifeline') fake.lifelines.push(socket.resume());
      else fake.onTcp(socket, hello);
    });
  });
  const fake: FakeSidecar = {
    path,
    hellos: [],
    names: [],
    lifelines: [],
    onTcp: (socket) => void socket.pipe(socket),
    refuse: () => void server.close(),
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
  server.listen(path);
  await once(server, 'listening');
  // The relay is nobody's user by then.
  chmodSync(path, 0o777);
  return fake;
}

function readHello(socket: Socket, onHello: (hello: RelayHello) => void): void {
  let bytes = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    const end = bytes.indexOf(10);
    if (end < 0) return;
    socket.removeListener('data', onData);
    socket.pause();
    if (bytes.length > end + 1) socket.unshift(bytes.subarray(end + 1));
    onHello(JSON.parse(bytes.subarray(0, end).toString()));
  };
  socket.on('data', onData);
}

const inside = (argv: readonly string[], stdin?: string): ReturnType<typeof runInside> => runInside(pid, argv, stdin);
const python = (script: string): ReturnType<typeof runInside> => inside(['python3', '-c', script]);
const failedChecks = (report: ProbeReport): string[] =>
  report.checks.filter((check) => !check.ok).map((check) => `${check.check}: ${check.detail}`);

describe('one relay', () => {
  let atReady: Pick<FakeSidecar, 'hellos' | 'names'>;
  const echo: FakeSidecar['onTcp'] = (socket, hello) => {
    socket.write(`you asked for ${hello.address}:${hello.port}\n`);
    socket.pipe(socket);
  };

  beforeAll(async () => {
    await start();
    atReady = { hellos: [...sidecar.hellos], names: [...sidecar.names] };
  });
  afterAll(stop);
  beforeEach(() => {
    sidecar.hellos.length = 0;
    sidecar.names.length = 0;
    sidecar.onTcp = echo;
  });

  describe('the probe that a fresh relay makes', () => {
    test('finds no way out, quickly, and tells captured from refused', () => {
      // Tests run as root: without an engine nothing took NET_RAW out of the bounding set.
      expect(failedChecks(ready.probe)).toEqual(['capabilities: NET_RAW could be gained: it is in the bounding set']);
      const details = Object.fromEntries(ready.probe.checks.map((check) => [check.check, check.detail]));
      expect(details).toMatchObject({
        interfaces: 'lo',
        routes: 'none leads out',
        'raw-socket': 'not permitted',
        name: 'resolves to 198.18.0.1',
        'tcp 192.0.2.1:80': 'captured by our relay',
        'tcp 169.254.169.254:80': 'captured by our relay',
        'tcp 10.0.0.1:443': 'captured by our relay',
        'tcp 172.17.0.1:22': 'not reached (ECONNREFUSED)',
        'tcp 198.51.100.9:3128': 'captured by our relay',
        'tcp 203.0.113.7:9999': 'not reached (ECONNREFUSED)',
        'dns 192.0.2.53:53': 'captured by our relay',
        // Taken in as well, but the answer's source is 127.0.0.1, which the asker does not take.
        'dns 127.0.0.11:53': 'not reached (no answer)',
      });
      expect(Math.max(...ready.probe.checks.map((check) => check.ms))).toBeLessThan(400);
    });

    test('leaves no trace at the sidecar but the lifeline', () => {
      expect(atReady).toEqual({ hellos: [{ kind: 'lifeline' }], names: [] });
    });
  });

  describe('root', () => {
    test('is given up in every thread', () => {
      const tasks = readdirSync(`/proc/${pid}/task`);
      expect(tasks.length).toBeGreaterThan(1);
      for (const task of tasks) {
        const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8');
        expect(status).toMatch(/^Uid:\t1337\t1337\t1337\t1337$/m);
        expect(status).toMatch(/^Gid:\t1337\t1337\t1337\t1337$/m);
        expect(status).toMatch(/^Groups:\t\s*$/m);
        expect(status).toMatch(/^CapPrm:\t0+$/m);
        expect(status).toMatch(/^CapEff:\t0+$/m);
      }
    });
  });

  describe('TCP', () => {
    test.each([
      ['93.184.216.34', 443],
      ['169.254.169.254', 80],
      ['127.0.0.1', 3128],
      ['10.1.2.3', 8443],
    ])(
      'a connection to %s:%i arrives with its destination, bytes pass both ways, and each end is passed on',
      async (address, port) => {
        const script = [
          'import socket',
          `s = socket.create_connection(("${address}", ${port}))`,
          's.sendall(b"over and out")',
          's.shutdown(socket.SHUT_WR)',
          'd = b""',
          'while True:',
          '    c = s.recv(65536)',
          '    if not c: break',
          '    d += c',
          'print(d.decode())',
        ].join('\n');
        const { stdout, stderr } = await python(script);
        expect(stderr).toBe('');
        expect(stdout).toBe(`you asked for ${address}:${port}\nover and out\n`);
        expect(sidecar.hellos).toContainEqual({ kind: 'tcp', address, port });
      },
    );

    test('32 MiB each way arrive whole', async () => {
      const bytes = randomBytes(1 << 20);
      sidecar.onTcp = (socket) => void socket.pipe(socket);
      const script = [
        'import socket, sys, threading, hashlib',
        'chunk = bytes.fromhex(sys.stdin.read())',
        's = socket.create_connection(("192.0.2.1", 443))',
        'def send():',
        '    for _ in range(32): s.sendall(chunk)',
        '    s.shutdown(socket.SHUT_WR)',
        'threading.Thread(target=send).start()',
        'h, n = hashlib.sha256(), 0',
        'while True:',
        '    c = s.recv(65536)',
        '    if not c: break',
        '    h.update(c); n += len(c)',
        'print(n, h.hexdigest())',
      ].join('\n');
      const { stdout } = await inside(['python3', '-c', script], bytes.toString('hex'));
      const expected = createHash('sha256');
      for (let i = 0; i < 32; i++) expected.update(bytes);
      expect(stdout).toBe(`${32 << 20} ${expected.digest('hex')}\n`);
    });

    test('a reader that stops makes the sender wait, not the relay grow', async () => {
      const received = Promise.withResolvers<void>();
      sidecar.onTcp = () => {
        // Paused as it comes: nobody reads it.
        setTimeout(() => received.resolve(), 500);
      };
      const residentKb = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
      const before = residentKb();
      const sending = python(
        [
          'import socket',
          's = socket.create_connection(("192.0.2.1", 443)); s.settimeout(0.5)',
          'n = 0',
          'try:',
          '    while n < 1 << 28: n += s.send(bytes(1 << 20))',
          'except TimeoutError: pass',
          'print(n)',
        ].join('\n'),
      );
      await received.promise;
      expect(residentKb() - before).toBeLessThan(32 * 1024);
      expect(Number((await sending).stdout)).toBeLessThan(64 << 20);
    });

    test('a port that is not captured is refused at once, UDP as well', async () => {
      const { stdout } = await python(
        [
          'import socket, time',
          't = time.time()',
          's = socket.socket()',
          'print(s.connect_ex(("192.0.2.1", 22)))',
          'u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("192.0.2.1", 123)); u.settimeout(2)',
          'u.send(b"x")',
          'try: u.recv(10); print("answered")',
          'except ConnectionRefusedError: print("refused")',
          'print(time.time() - t < 0.5)',
        ].join('\n'),
      );
      expect(stdout).toBe('111\nrefused\nTrue\n');
    });

    test.each(['192.0.2.1', '127.0.0.1', '198.18.0.1'])(
      "QUIC to %s is refused at once: UDP 443 is nobody's",
      async (address) => {
        const { stdout } = await python(
          [
            'import socket',
            `u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("${address}", 443)); u.settimeout(2)`,
            'u.send(b"\\xc0\\x00\\x00\\x00\\x01" + bytes(1195))',
            'try: u.recv(10); print("answered")',
            'except ConnectionRefusedError: print("refused")',
          ].join('\n'),
        );
        expect(stdout).toBe('refused\n');
      },
    );

    test('1,500 connections, half of them broken off, leave no open file behind', async () => {
      const openFiles = (): number => readdirSync(`/proc/${pid}/fd`).length;
      await python('import socket; s = socket.create_connection(("192.0.2.1", 443)); s.recv(10)');
      await expect.poll(() => sidecar.hellos.length).toBe(1);
      const before = openFiles();
      await python(
        [
          'import socket, struct',
          'for i in range(15):',
          '    l = [socket.create_connection(("192.0.2.1", 443)) for _ in range(100)]',
          '    for n, s in enumerate(l):',
          '        s.sendall(b"hello")',
          '        if n % 2: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))',
          '        else: s.recv(10)',
          '        s.close()',
        ].join('\n'),
      );
      await expect.poll(openFiles, { timeout: 10_000 }).toBeLessThanOrEqual(before);
    });
  });

  describe('DNS', () => {
    const ask = (transport: 'udp' | 'tcp', server: string, name: string): string =>
      [
        'import socket, struct, os',
        'q = os.urandom(2) + bytes.fromhex("01000001000000000000")',
        `q += b"".join(bytes([len(l)]) + l for l in b"${name}".split(b".")) + bytes.fromhex("0000010001")`,
        ...(transport === 'udp'
          ? [
              's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)',
              `s.connect(("${server}", 53)); s.send(q); a = s.recv(600)`,
            ]
          : [
              `s = socket.create_connection(("${server}", 53)); s.sendall(struct.pack("!H", len(q)) + q); a = s.recv(600)[2:]`,
            ]),
        'print(a[:2] == q[:2], socket.inet_ntoa(a[-4:]))',
      ].join('\n');

    test.each([
      ['udp', '127.0.0.1'],
      ['udp', '8.8.8.8'],
      ['tcp', '127.0.0.1'],
      ['tcp', '8.8.8.8'],
    ] as const)('a query over %s to %s is answered by us and seen by the sidecar', async (transport, server) => {
      const { stdout, stderr } = await python(ask(transport, server, 'some.Secret.example'));
      expect(stderr).toBe('');
      expect(stdout).toBe('True 198.18.0.1\n');
      expect(sidecar.names).toEqual(['A some.secret.example']);
    });

    test('150 queries at once over UDP each get their own answer, over one connection', async () => {
      const { stdout } = await python(
        [
          'import socket, select',
          'socks = {}',
          'for i in range(150):',
          '    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", 53))',
          '    s.send(i.to_bytes(2, "big") + bytes.fromhex("01000001000000000000") + b"\\x01x\\x00" + bytes.fromhex("00010001"))',
          '    socks[s] = i',
          'good = 0',
          'while socks:',
          '    r, _, _ = select.select(list(socks), [], [], 3)',
          '    if not r: break',
          '    for s in r: good += int.from_bytes(s.recv(600)[:2], "big") == socks.pop(s)',
          'print(good)',
        ].join('\n'),
      );
      expect(Number(stdout)).toBe(150);
      expect(sidecar.hellos.length).toBeLessThanOrEqual(1);
    });

    test('datagrams that are no queries get no answer and do not disturb the others', async () => {
      await python(
        'import socket, os\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", 53))\nfor i in range(50): s.send(os.urandom(i * 20))',
      );
      const { stdout } = await python(ask('udp', '127.0.0.1', 'after.example'));
      expect(stdout).toBe('True 198.18.0.1\n');
    });
  });
});

describe('the end', () => {
  beforeEach(start);
  afterEach(stop);

  test('when the sidecar accepts no more, a client is reset and not given an empty answer', async () => {
    sidecar.refuse();
    rmSync(sidecar.path, { force: true });
    const { stdout } = await python(
      [
        'import socket',
        's = socket.create_connection(("192.0.2.1", 443))',
        'try: print(s.recv(10))',
        'except ConnectionResetError: print("reset")',
      ].join('\n'),
    );
    expect(stdout).toBe('reset\n');
  });

  test('when the sidecar ends the lifeline, the relay ends, and nothing in the namespace leads anywhere', async () => {
    const exited = once(relay, 'exit');
    // Something that stays in the namespace, as the agent does.
    const keeper = spawnKeeper(pid);
    sidecar.lifelines[0]!.destroy();
    expect(await exited).toEqual([0, null]);
    const { stdout } = await runInside(keeper.pid!, [
      'python3',
      '-c',
      'import socket\nfor p in (80, 443, 3128): print(socket.socket().connect_ex(("192.0.2.1", p)))',
    ]);
    keeper.kill('SIGKILL');
    expect(stdout).toBe('111\n111\n111\n');
  });

  test('a sidecar that is killed ends it, too', async () => {
    const exited = once(relay, 'exit');
    sidecar.close();
    expect(await exited).toEqual([0, null]);
  });
});

function spawnKeeper(namespaceOf: number): ChildProcess {
  const keeper = execFileSync(
    'sh',
    ['-c', `nsenter --net=/proc/${namespaceOf}/ns/net sleep 60 >/dev/null 2>&1 & echo $!`],
    {
      encoding: 'utf8',
    },
  );
  const keeperPid = Number(keeper);
  return { pid: keeperPid, kill: () => process.kill(keeperPid, 'SIGKILL') } as unknown as ChildProcess;
}

describe('refuses to start', () => {
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bottle-relay-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('in a namespace with another interface, and changes nothing there', async () => {
    const script = `ip link add v0 type veth peer name v1 && ip addr add 192.0.2.10/24 dev v0 && ip link set v0 up && ip link set v1 up && "$0" "$1"; ip route show table local`;
    const child = spawnInEmptyNamespace(['sh', '-c', script, process.execPath, RELAY], {
      BOTTLE_SOCKET: join(directory, 'relay.sock'),
      BOTTLE_PORTS: '',
      BOTTLE_PROBE: JSON.stringify(TARGETS),
    });
    let stdout = '';
    child.stdout!.on('data', (chunk) => {
      stdout += chunk;
    });
    await once(child, 'close');
    expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({
      event: 'fatal',
      why: expect.stringMatching(/not empty.*v0/),
    });
    expect(stdout).not.toContain('0.0.0.0/0');
    expect(stdout).not.toContain('local default');
  });

  test.each([
    ['BOTTLE_SOCKET', { BOTTLE_SOCKET: '' }],
    ['BOTTLE_PORTS', { BOTTLE_PORTS: '80,99999' }],
    ['BOTTLE_PROBE', { BOTTLE_PROBE: '{"topology":"sealed"}' }],
  ])('without a legible %s', async (name, environment) => {
    const child = startRelay(environment);
    expect(await readEvent(child)).toMatchObject({ event: 'fatal', what: expect.stringContaining(name) });
  });
});
