// Certificates of upstreams as openssl makes them: good chains of odd shape pass, all else is refused, named and recorded.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { endSettings, HOST, proxyTo } from './harness/setting.ts';
import { later } from './harness/undo.ts';
import { listenOn } from './harness/upstream.ts';

let directory = '';
const pem = (name: string): string => readFileSync(join(directory, name), 'utf8');

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-chains-'));
  issue('root', null, { isAuthority: true });
  issue('one', 'root', { isAuthority: true });
  issue('two', 'one', { isAuthority: true });
  issue('three', 'two', { isAuthority: true });
  issue('direct', 'root');
  issue('deep', 'three');
  issue('sha1', 'root', { digest: 'sha1' });
  issue('self', null);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(endSettings);

function issue(name: string, issuer: string | null, { isAuthority = false, digest = 'sha256' } = {}): void {
  const extensions = isAuthority
    ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n'
    : `basicConstraints=CA:FALSE\nsubjectAltName=DNS:${HOST}\n`;
  writeFileSync(join(directory, `${name}.ext`), extensions);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
  openssl('req', ...key, '-subj', `/CN=${isAuthority ? name : HOST}`, '-out', `${name}.csr`);
  const signer =
    issuer === null
      ? ['-signkey', `${name}.key`]
      : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...signer,
    `-${digest}`,
    '-days',
    '2',
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.pem`,
  );
}

async function answer(options: TlsOptions): Promise<{ text: string; heard: string; record: unknown }> {
  let heard = '';
  const server = createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi');
    });
  });
  server.on('tlsClientError', () => {});
  const port = await listenOn(server);
  later(() => server.close());
  const proxy = await proxyTo({ address: `127.0.0.1:${port}` }, pem('root.pem'));
  const client = await connectHost(proxy, HOST);
  client.send(`GET /private HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
  const text = await client.ended();
  const [record] = await proxy.recorded(1);
  return { text, heard, record };
}

const served = (name: string, ...chain: string[]): TlsOptions => ({
  key: pem(`${name}.key`),
  cert: [name, ...chain].map((one) => pem(`${one}.pem`)).join(''),
});

describe('a chain of an upstream', () => {
  it.each<[string, () => TlsOptions]>([
    ['that is long', () => served('deep', 'three', 'two', 'one')],
    ['that carries its root', () => served('direct', 'root')],
    ['with certificates that nobody needs', () => served('deep', 'three', 'self', 'two', 'one', 'root')],
  ])('%s is accepted', async (_what, options) => {
    expect((await answer(options())).text).toContain('hi');
  });

  it.each<[string, () => TlsOptions, string, RegExp]>([
    ['without its intermediates', () => served('deep'), 'certificate', /does not trust/],
    ['of itself alone', () => served('self'), 'certificate', /does not trust \(DEPTH_ZERO_SELF_SIGNED_CERT\)/],
    ['signed with SHA-1', () => served('sha1'), 'certificate', /digest algorithm too weak/],
    [
      'over TLS 1.1',
      () => ({ ...served('direct'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
      'tls',
      /no TLS connection/,
    ],
  ])('%s is refused, and hears no request', async (_what, options, rule, reason) => {
    const { text, heard, record } = await answer(options());
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(record).toMatchObject({ stage: 'upstream', rule, reason: expect.stringMatching(reason), bytes_out: 0 });
    expect(heard).toBe('');
  });
});
