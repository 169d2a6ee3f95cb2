// Client certificates towards upstreams, as openssl makes them and as a server that asks for one sees them: on the routes that name one, and on no other.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createSecureServer, type Http2ServerRequest } from 'node:http2';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Route, SecretValue } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { routeTo, testConfig } from './harness/config.ts';
import { ask as askH2, connectH2, requestList } from './harness/h2.ts';
import { type RunningProxy, startProxy } from './harness/proxy.ts';
import { endSettings, HOST } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { listenOn, testAuthority } from './harness/upstream.ts';
import { HANDSHAKE_ACCEPT, openRaw } from './harness/websocket.ts';

let directory = '';
const pem = (name: string): string => readFileSync(join(directory, name), 'utf8');
const openssl = (...args: string[]): void => {
  execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
};

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-identities-'));
  issue('root', null, '-addext', 'basicConstraints=critical,CA:TRUE');
  issue('between', 'root', '-addext', 'basicConstraints=critical,CA:TRUE');
  issue('alice', 'between');
  issue('bob', 'between');
  issue('server', 'root', '-addext', `subjectAltName=DNS:${HOST}`);
  openssl('x509', '-in', 'alice.pem', '-signkey', 'alice.key', '-days', '-1', '-out', 'late.pem');
  openssl('pkey', '-in', 'alice.key', '-aes256', '-passout', 'pass:x', '-out', 'encrypted.key');
  openssl('ec', '-in', 'alice.key', '-aes256', '-passout', 'pass:x', '-out', 'old-style.key');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(endSettings);

function issue(name: string, issuer: string | null, ...more: string[]): void {
  const signer = issuer === null ? [] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
  const days = ['-days', '2'];
  openssl('req', '-x509', ...signer, ...key, ...days, '-subj', `/CN=${name}`, '-out', `${name}.pem`, ...more);
}

const secret = (name: string, value: string): SecretValue => ({
  name,
  value,
  placeholder: `bottle-${name}-0123456789`,
});
const secretsOf = (name: string): SecretValue[] => [
  secret(`${name}-cert`, pem(`${name}.pem`) + pem('between.pem')),
  secret(`${name}-key`, pem(`${name}.key`)),
];
const shows = (name: string): Pick<Route, 'clientCertificate'> => ({
  clientCertificate: { certificate: `${name}-cert`, key: `${name}-key` },
});
const below = (id: string, path: string, changes: Partial<Route>): Route =>
  routeTo(HOST, { id, rules: [{ methods: null, paths: [path], query: {}, headers: {} }], ...changes });

interface Seen {
  readonly path: string;
  /** Common name of the certificate that the connection showed; '' = none. */
  readonly by: string;
  readonly connection: number;
  readonly protocol: string;
}

interface Options {
  readonly tls?: TlsOptions;
  readonly routes?: readonly Route[];
  readonly secrets?: readonly SecretValue[];
  /** Through a proxy of a company. */
  readonly isFar?: boolean;
}

/** A server that asks everybody for a certificate, and tells who came. */
async function setting({ tls, routes, secrets, isFar = false }: Options = {}) {
  const authority = testAuthority();
  const seen: Seen[] = [];
  const connections: TLSSocket[] = [];
  const reused: boolean[] = [];
  const note = (path: string, socket: TLSSocket, protocol: string): void => {
    const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } };
    seen.push({ path, by: subject?.CN ?? '', connection: connections.indexOf(socket), protocol });
  };
  const server = createSecureServer({
    SNICallback: (name, done) => done(null, authority.secureContext(name)),
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
    ca: [pem('root.pem')],
    ...tls,
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    connections.push(socket);
    reused.push(socket.isSessionReused());
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.on('sessionError', () => {});
  server.on('request', (request: Http2ServerRequest, response) => {
    const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket;
    // The session's socket is a proxy of the real one: found by its port.
    const real = connections.find(({ remotePort }) => remotePort === socket.remotePort)!;
    note(request.url, real, request.httpVersion);
    response.end('hi');
  });
  server.on('upgrade', (request, socket: TLSSocket) => {
    note(request.url, socket, 'websocket');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${HANDSHAKE_ACCEPT}\r\n\r\n`,
    );
  });
  const port = await listenOn(server);
  later(() => {
    server.close();
    for (const socket of connections) socket.destroy();
  });
  const company = isFar ? await listenOn(companyProxy(port)) : 0;
  const proxy = await startProxy((place) => {
    const config = testConfig(place, {
      routes: routes ?? [below('alice', '/alice/**', shows('alice')), below('nobody', '/**', {})],
      secrets: secrets ?? [...secretsOf('alice'), ...secretsOf('bob')],
      roots: authority.certificatePem,
      map: isFar ? {} : { [`${HOST}:443`]: `127.0.0.1:${port}` },
    });
    if (!isFar) return config;
    const far = { secure: false, host: '127.0.0.1', port: company, credentials: null, noProxy: [] };
    return { ...config, upstream: { ...config.upstream, proxy: far } };
  });
  later(() => proxy.stop());
  return { proxy, seen, connections, reused };
}

function companyProxy(port: number) {
  return createTcpServer((socket) => {
    socket.on('error', () => {});
    later(() => socket.destroy());
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      const behind = connectTcp(port, '127.0.0.1');
      behind.on('error', () => {});
      socket.pipe(behind).pipe(socket);
    });
  });
}

/** OpenSSL's own, which takes nobody without a certificate. */
async function demandingServer(version: string): Promise<number> {
  const identity = ['-cert', 'server.pem', '-key', 'server.key', '-CAfile', 'root.pem', '-Verify', '3'];
  const server = spawn('openssl', ['s_server', '-accept', '127.0.0.1:0', '-www', `-${version}`, ...identity], {
    cwd: directory,
  });
  later(() => void server.kill());
  let said = '';
  server.stdout.on('data', (text: Buffer) => {
    said += text.toString();
  });
  await vi.waitFor(() => expect(said).toMatch(/ACCEPT \S+:\d+/), 10_000);
  return Number(/ACCEPT \S+:(\d+)/.exec(said)?.[1]);
}

async function ask(proxy: RunningProxy, ...paths: string[]): Promise<string> {
  const client = await connectHost(proxy, HOST);
  for (const [index, path] of paths.entries()) {
    client.send(`GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await vi.waitFor(() => expect(client.received().split(/HTTP\/1\.1 \d/).length).toBe(index + 2), 10_000);
  }
  client.close();
  return client.received();
}

describe('the certificate of a route', () => {
  it('is what its upstream sees, with the chain, and the record names it', async () => {
    const { proxy, seen, connections } = await setting();
    expect(await ask(proxy, '/alice/1')).toMatch(/^HTTP\/1\.1 200/);
    expect(seen).toMatchObject([{ by: 'alice', path: '/alice/1' }]);
    expect(connections[0]!.getPeerCertificate(true).issuerCertificate.subject.CN).toBe('between');
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'allow', injected: ['alice-cert', 'alice-key'] });
  });

  it('comes beside another credential of the same route, in one secret with its key as well', async () => {
    const { proxy, seen } = await setting({
      secrets: [secret('both', pem('alice.key') + pem('alice.pem')), secret('token', 'a-value-of-its-own')],
      routes: [
        below('alice', '/**', {
          clientCertificate: { certificate: 'both', key: 'both' },
          auth: { type: 'bearer', secret: 'token' },
        }),
      ],
    });
    await ask(proxy, '/alice/1');
    expect(seen).toMatchObject([{ by: 'alice' }]);
    expect(await proxy.recorded(1)).toMatchObject([{ injected: ['both', 'token'] }]);
  });

  it('is shown through a company proxy, to the upstream alone', async () => {
    const { proxy, seen } = await setting({ isFar: true });
    await ask(proxy, '/alice/1', '/open');
    expect(seen).toMatchObject([{ by: 'alice' }, { by: '' }]);
  });

  it('is shown for a WebSocket, and for none of another path', async () => {
    const { proxy, seen } = await setting();
    await openRaw((await connectHost(proxy, HOST)).socket, HOST, null, '/alice/live');
    await openRaw((await connectHost(proxy, HOST)).socket, HOST, null, '/live');
    expect(seen).toMatchObject([
      { by: 'alice', protocol: 'websocket' },
      { by: '', protocol: 'websocket' },
    ]);
  });
});

describe('nobody rides on the connection of another identity', () => {
  const routes = [
    below('alice', '/alice/**', shows('alice')),
    below('bob', '/bob/**', shows('bob')),
    below('nobody', '/**', {}),
  ];
  const paths = ['/alice/1', '/open', '/bob/1', '/alice/2', '/open', '/bob/2', '/alice/../open', '/alice/3'];
  const whoAsked = (path: string): string => /^\/(alice|bob)\/\d/.exec(path)?.[1] ?? '';

  it('over HTTP/1.1, though each identity uses its own connection again', async () => {
    const { proxy, seen, reused } = await setting({ routes });
    await ask(proxy, ...paths);
    expect(seen.map(({ by }) => by)).toEqual(paths.map(whoAsked));
    expect(new Set(seen.map(({ connection }) => connection)).size).toBe(3);
    // Every new connection made itself known anew: no TLS session of another one was taken up.
    expect(reused).toEqual([false, false, false]);
  });

  it('over HTTP/2, with streams at the same time', async () => {
    const { proxy, seen, reused } = await setting({ routes });
    const session = await connectH2(proxy, HOST);
    await Promise.all([...paths, ...paths].map((path) => askH2(session, requestList(HOST, 'GET', path))));
    const sorted = seen.map(({ path, by, protocol }) => ({ right: whoAsked(path) === by, protocol }));
    expect(sorted).toEqual(sorted.map(() => ({ right: true, protocol: '2.0' })));
    expect(sorted).toHaveLength(16);
    expect(new Set(seen.map(({ connection }) => connection)).size).toBe(3);
    expect(reused).toEqual([false, false, false]);
    session.destroy();
  });

  it('by a TLS session that is taken up again: the upstream closes after each answer', async () => {
    const { proxy, seen } = await setting({ routes, tls: { maxVersion: 'TLSv1.2' } });
    for (const path of paths) {
      const client = await connectHost(proxy, HOST);
      client.send(`POST ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      await client.ended();
    }
    expect(seen.map(({ by }) => by)).toEqual(paths.map(whoAsked));
  });
});

describe('an upstream that demands a certificate', () => {
  it.each(['tls1_2', 'tls1_3'])('of a route without one is a refusal that says so (%s)', async (version) => {
    const port = await demandingServer(version);
    const proxy = await startProxy((place) =>
      testConfig(place, {
        routes: [below('alice', '/alice/**', shows('alice')), below('nobody', '/**', {})],
        secrets: secretsOf('alice'),
        roots: pem('root.pem'),
        map: { [`${HOST}:443`]: `127.0.0.1:${port}` },
      }),
    );
    later(() => proxy.stop());
    expect(await ask(proxy, '/open')).toMatch(/^HTTP\/1\.1 502/);
    expect(await ask(proxy, '/alice/1')).toMatch(/^HTTP\/1\.1 200/);
    const [refused, passed] = await proxy.recorded(2);
    // An old TLS says no more than that it does not like the handshake.
    expect(refused).toMatchObject({ stage: 'upstream', rule: version === 'tls1_3' ? 'client-certificate' : 'tls' });
    expect(passed).toMatchObject({ verdict: 'allow', status: 200 });
  });

  it('in the middle (renegotiation of TLS 1.2) gets none from a route without one, and the exchange ends with a record', async () => {
    const authority = testAuthority();
    let shown: object | null = null;
    const server = createTlsServer(
      { SNICallback: (name, done) => done(null, authority.secureContext(name)), maxVersion: 'TLSv1.2' },
      (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.renegotiate({ requestCert: true, rejectUnauthorized: true }, () => {
            shown = socket.getPeerCertificate();
            socket.destroy();
          });
        });
        later(() => socket.destroy());
      },
    );
    const port = await listenOn(server);
    const proxy = await startProxy((place) =>
      testConfig(place, {
        routes: [below('alice', '/alice/**', shows('alice')), below('nobody', '/**', {})],
        secrets: secretsOf('alice'),
        roots: authority.certificatePem,
        map: { [`${HOST}:443`]: `127.0.0.1:${port}` },
        limits: { idleTimeoutMs: 3000 },
      }),
    );
    later(() => proxy.stop());
    expect(await ask(proxy, '/open')).toMatch(/^HTTP\/1\.1 50[24]/);
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream' }]);
    expect(shown ?? {}).toEqual({});
  });
});

describe('a renewed certificate', () => {
  const renew = (proxy: RunningProxy, ...values: { name: string; value: string }[]) =>
    proxy.tell({ do: 'renew', values });

  it('is what new requests show: the old connections carry nothing any more, and one of the two alone changes nothing', async () => {
    const { proxy, seen } = await setting();
    await ask(proxy, '/alice/1');
    renew(proxy, { name: 'alice-cert', value: pem('bob.pem') });
    await vi.waitFor(() => expect(proxy.events()).toHaveLength(1), 10_000);
    await ask(proxy, '/alice/2');
    renew(proxy, { name: 'alice-key', value: pem('bob.key') });
    await vi.waitFor(() => expect(proxy.events()).toHaveLength(2), 10_000);
    await ask(proxy, '/alice/3');
    expect(seen.map(({ by, connection }) => [by, connection])).toEqual([
      ['alice', 0],
      ['alice', 0],
      ['bob', 1],
    ]);
  });

  it('that is none leaves the old one in force', async () => {
    const { proxy, seen } = await setting();
    renew(proxy, { name: 'alice-cert', value: 'nothing of the kind' });
    await vi.waitFor(
      () =>
        expect(proxy.events()).toMatchObject([
          { event: 'not-renewed', why: 'secret alice-cert holds no PEM certificate' },
        ]),
      10_000,
    );
    await ask(proxy, '/alice/1');
    expect(seen).toMatchObject([{ by: 'alice' }]);
  });
});

describe('what cannot be shown refuses the start', () => {
  const start = (cert: string, key: string) =>
    setting({ secrets: [secret('alice-cert', cert), secret('alice-key', key)] });

  it.each<[string, () => [string, string], string]>([
    ['a key of another certificate', () => [pem('alice.pem'), pem('bob.key')], 'is not that of the certificate'],
    [
      'a chain in the wrong order',
      () => [pem('between.pem') + pem('alice.pem'), pem('alice.key')],
      'the own certificate comes first',
    ],
    ['an encrypted key', () => [pem('alice.pem'), pem('encrypted.key')], 'is encrypted, and nobody is there'],
    [
      'an encrypted key in the old form',
      () => [pem('alice.pem'), pem('old-style.key')],
      'is encrypted, and nobody is there',
    ],
    ['one that has expired', () => [pem('late.pem'), pem('alice.key')], 'has expired on '],
    ['no certificate', () => ['text', pem('alice.key')], 'holds no PEM certificate'],
    ['no key', () => [pem('alice.pem'), pem('alice.pem')], 'holds no PEM private key'],
    ['a cut one', () => [pem('alice.pem').replace(/\n.{20}/, '\n'), pem('alice.key')], 'is malformed'],
  ])('%s', async (_, given, why) => {
    const [cert, key] = given();
    const error = await start(cert, key).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(why);
    for (const line of key.split('\n').filter((text) => /^[A-Za-z0-9+/=]{16,}$/.test(text)))
      expect(String(error)).not.toContain(line);
  });
});
