import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from '../../src/ca/authority.ts';
import type { ProxyConfig, Route } from '../../src/contract.ts';
import { createDialer, type Dialer, DialRefused } from '../../src/net/dial.ts';

const route = (given: Partial<Route> = {}): Route => ({
  id: 'allow.0',
  host: 'api.example',
  ports: [443],
  scheme: 'https',
  rules: [],
  auth: null,
  placeholder: null,
  dlp: { onMatch: 'block', except: [] },
  allowPrivate: false,
  errorShape: 'plain',
  quota: null,
  ...given,
});

/** What the upstream saw. */
interface Seen {
  servername: string | false | null | undefined;
  alpn: string | false | null;
  isResumed: boolean;
}

const trusted = createAuthority({ session: 'upstream' });
const closers: (() => void)[] = [];
const dialers: Dialer[] = [];

afterAll(() => {
  for (const close of closers) close();
});
afterEach(() => {
  for (const dialer of dialers.splice(0)) dialer.close();
});

async function startUpstream(authority: Authority, certificateFor?: string): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((raw) => {
    const socket = new TLSSocket(raw, {
      isServer: true,
      // A client without SNI gets the first, the others what they ask for.
      secureContext: authority.secureContext(certificateFor ?? '127.0.0.1'),
      SNICallback: (name, done) => done(null, authority.secureContext(certificateFor ?? name)),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    socket.on('error', () => socket.destroy());
    socket.on('secure', () => {
      seen.push({ servername: socket.servername, alpn: socket.alpnProtocol, isResumed: socket.isSessionReused() });
      socket.end('hello');
    });
  });
  return { port: await listen(server), seen };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function dialer(upstream: Partial<ProxyConfig['upstream']> = {}, connectTimeoutMs = 3_000): Dialer {
  const made = createDialer({
    upstream: { roots: trusted.certificatePem, map: {}, refuse: [], ...upstream },
    connectTimeoutMs,
  });
  dialers.push(made);
  return made;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

async function refusal(dialing: Promise<Socket>): Promise<DialRefused> {
  const outcome = await dialing.then(
    (socket) => {
      socket.destroy();
      return null;
    },
    (error: unknown) => error,
  );
  if (!(outcome instanceof DialRefused)) throw new Error('the connection was not refused', { cause: outcome });
  return outcome;
}

describe('TLS', () => {
  test('a mapped name is dialled where the map says, with SNI, identity and ALPN of the name', async () => {
    const upstream = await startUpstream(trusted);
    const socket = await dialer({ map: { 'api.example:443': `127.0.0.1:${upstream.port}` } }).dial(
      route(),
      'api.example',
      443,
    );
    expect(await readAll(socket)).toBe('hello');
    expect((socket as TLSSocket).authorized).toBe(true);
    expect(upstream.seen).toEqual([{ servername: 'api.example', alpn: 'http/1.1', isResumed: false }]);
  });

  test('a second connection resumes the session', async () => {
    const upstream = await startUpstream(trusted);
    const dialling = dialer({ map: { 'api.example:443': `127.0.0.1:${upstream.port}` } });
    for (let i = 0; i < 3; i++) await readAll(await dialling.dial(route(), 'api.example', 443));
    expect(upstream.seen.map((connection) => connection.isResumed)).toEqual([false, true, true]);
  });

  test('an IP literal is verified by its address and sent without SNI', async () => {
    const upstream = await startUpstream(trusted);
    const socket = await dialer().dial(route({ host: '127.0.0.1', allowPrivate: true }), '127.0.0.1', upstream.port);
    expect(await readAll(socket)).toBe('hello');
    expect(upstream.seen[0]!.servername).toBeFalsy();
  });

  test.each([
    [
      'of an unknown authority',
      () => startUpstream(createAuthority({ session: 'stranger' })),
      /authority that this machine does not trust/,
    ],
    ['for another name', () => startUpstream(trusted, 'other.example'), /is for another name/],
  ])('a certificate %s is refused and named', async (_, start, reason) => {
    const upstream = await start();
    const refused = await refusal(
      dialer({ map: { 'api.example:443': `127.0.0.1:${upstream.port}` } }).dial(route(), 'api.example', 443),
    );
    expect(refused).toMatchObject({ stage: 'upstream', rule: 'certificate', reason: expect.stringMatching(reason) });
  });

  test('an expired certificate is refused and named', async () => {
    const expired = createAuthority({ session: 'old', lifetimeMs: -30 * 60_000 });
    const upstream = await startUpstream(expired);
    const refused = await refusal(
      dialer({ roots: expired.certificatePem, map: { 'api.example:443': `127.0.0.1:${upstream.port}` } }).dial(
        route(),
        'api.example',
        443,
      ),
    );
    expect(refused).toMatchObject({ rule: 'certificate', reason: 'the certificate of api.example:443 has expired' });
  });

  test('without roots no upstream is trusted, not even one that Node knows', async () => {
    const upstream = await startUpstream(trusted);
    const refused = await refusal(
      dialer({ roots: '', map: { 'api.example:443': `127.0.0.1:${upstream.port}` } }).dial(route(), 'api.example', 443),
    );
    expect(refused.rule).toBe('certificate');
  });

  test('a refused certificate does not leave a session that a later connection could resume', async () => {
    const stranger = createAuthority({ session: 'stranger' });
    const upstream = await startUpstream(stranger);
    const dialling = dialer({ map: { 'api.example:443': `127.0.0.1:${upstream.port}` } });
    for (let i = 0; i < 3; i++) {
      expect((await refusal(dialling.dial(route(), 'api.example', 443))).rule).toBe('certificate');
    }
  });

  test('an upstream that does not speak TLS is refused', async () => {
    const port = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const refused = await refusal(
      dialer({ map: { 'api.example:443': `127.0.0.1:${port}` } }).dial(route(), 'api.example', 443),
    );
    expect(refused).toMatchObject({ stage: 'upstream', rule: 'tls' });
  });
});

describe('plain', () => {
  test('an http route gets a bare connection', async () => {
    const port = await listen(createServer((socket) => socket.end('plain')));
    const socket = await dialer().dial(
      route({ host: '127.0.0.1', scheme: 'http', allowPrivate: true }),
      '127.0.0.1',
      port,
    );
    expect(await readAll(socket)).toBe('plain');
  });

  test('every spelling of an allowed literal dials the address that was judged', async () => {
    const port = await listen(createServer((socket) => socket.end('plain')));
    for (const host of ['127.1', '2130706433', '0x7f.1', '::ffff:127.0.0.1']) {
      const socket = await dialer().dial(route({ host, scheme: 'http', allowPrivate: true }), host, port);
      expect(await readAll(socket)).toBe('plain');
    }
  });
});

describe('private literals', () => {
  test('are refused without a packet, and being mapped is no permission', async () => {
    let connections = 0;
    const port = await listen(
      createServer((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    const hosts = [
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '[::1]',
      '10.0.0.1',
      '169.254.169.254',
      'localhost',
      'metadata.google.internal',
    ];
    const map = Object.fromEntries(hosts.map((host) => [`${host}:443`, `127.0.0.1:${port}`]));
    for (const host of hosts) {
      const refused = await refusal(dialer({ map }).dial(route({ host }), host, 443));
      expect(refused).toMatchObject({ stage: 'address', rule: expect.stringMatching(/^(private|metadata)-address$/) });
    }
    expect(connections).toBe(0);
  });

  test('a mapped address is exempt from the check of the resolved address', async () => {
    const upstream = await startUpstream(trusted);
    const socket = await dialer({
      map: { 'api.example:443': `127.0.0.1:${upstream.port}` },
      refuse: ['127.0.0.0/8'],
    }).dial(route(), 'api.example', 443);
    expect(await readAll(socket)).toBe('hello');
  });
});

describe('names, with a hosts file of our own', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'bottle-dial-'));
    writeFileSync(
      join(directory, 'hosts'),
      [
        '10.9.8.7 private.example',
        '127.0.0.1 rebound.example',
        '169.254.169.254 meta.example',
        '203.0.113.7 own.example',
        '::1 six.example',
        '127.0.0.1 mixed.example',
        '192.0.2.1 mixed.example',
        '::1 both.example',
        '127.0.0.2 both.example',
        '127.0.0.1 both.example',
      ].join('\n'),
    );
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** Needs root, as the tests of namespaces do: a mount namespace of its own with this /etc/hosts. */
  function dialInNamespace(wanted: readonly (readonly [string, number, boolean])[]): string[] {
    const script = join(import.meta.dirname, 'fixtures', 'dial-in-namespace.ts');
    const inside = `mount --bind "$0" /etc/hosts && exec "$@"`;
    const out = execFileSync(
      'unshare',
      ['-m', 'sh', '-c', inside, join(directory, 'hosts'), process.execPath, script, JSON.stringify(wanted)],
      { encoding: 'utf8' },
    );
    return JSON.parse(out);
  }

  test('a name that resolves to a private or metadata address is refused, whatever it is called', async () => {
    let connections = 0;
    const port = await listen(
      createServer((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    expect(
      dialInNamespace([
        ['private.example', port, false],
        ['rebound.example', port, false],
        ['meta.example', port, true],
        ['own.example', port, false],
        ['six.example', port, false],
      ]),
    ).toEqual([
      'private-address: private.example resolves to 10.9.8.7, a private address',
      'private-address: rebound.example resolves to 127.0.0.1, a loopback address',
      'metadata-address: meta.example resolves to 169.254.169.254, a cloud metadata service',
      'private-address: own.example resolves to 203.0.113.7, a private address',
      'private-address: six.example resolves to ::1, a loopback address',
    ]);
    expect(connections).toBe(0);
  });

  test('of several addresses only the allowed ones are dialled', async () => {
    let connections = 0;
    const port = await listen(
      createServer((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    const [mixed] = dialInNamespace([['mixed.example', port, false]]);
    // 192.0.2.1 is nobody's: the connection fails, but 127.0.0.1, where somebody listens, was never tried.
    expect(mixed).toMatch(/^(connect|timeout): /);
    expect(connections).toBe(0);
  });

  test('an address that does not answer gives way to the next one, of either family', async () => {
    // Only 127.0.0.1 listens.
    const port = await listen(createServer((socket) => socket.destroy()));
    expect(dialInNamespace([['both.example', port, true]])).toEqual(['127.0.0.1']);
  });

  test('allow_private opens it', async () => {
    // In a process of its own: execFileSync blocks this one's event loop, but the kernel accepts for it.
    const port = await listen(createServer((socket) => socket.destroy()));
    expect(dialInNamespace([['rebound.example', port, true]])).toEqual(['127.0.0.1']);
  });
});

describe('failures have names', () => {
  test('a refused connection', async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    const refused = await refusal(
      dialer({ map: { 'api.example:443': `127.0.0.1:${port}` } }).dial(route(), 'api.example', 443),
    );
    expect(refused).toMatchObject({
      stage: 'upstream',
      rule: 'connect',
      reason: 'api.example:443 cannot be reached (connection refused)',
    });
  });

  test('a name without an address', async () => {
    const refused = await refusal(dialer().dial(route({ host: 'nothing.invalid' }), 'nothing.invalid', 443));
    expect(refused).toMatchObject({ stage: 'upstream', rule: 'lookup' });
  });

  test('an upstream that accepts and says nothing runs into the bound, and its connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await listen(
      createServer((socket) =>
        socket
          .resume()
          .on('error', () => {})
          .on('close', () => closed.resolve()),
      ),
    );
    const refused = await refusal(
      dialer({ map: { 'api.example:443': `127.0.0.1:${port}` } }, 150).dial(route(), 'api.example', 443),
    );
    expect(refused).toMatchObject({ rule: 'timeout', reason: expect.stringContaining('150 ms (TLS handshake)') });
    await closed.promise;
  });

  test.each(['127.0.0.1', '127.0.0.1:0', 'api.example:443', '1.2.3.4.5:443', ''])(
    'the map entry "%s" is refused at once',
    (to) => {
      expect(() => dialer({ map: { 'api.example:443': to } })).toThrow(/is not ip:port/);
    },
  );
});
