import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { connect, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../src/ca/authority.ts';

const run = promisify(execFile);
const authority = createAuthority({ session: 'handshakes' });
const stranger = createAuthority({ session: 'stranger' });
const LONG_NAME = `${'long-label-of-a-host.'.repeat(5)}example`;
/** Four labels, the first three of 63 bytes: 253 in all, the most that a name can have. */
const LONGEST_NAME = `${`${'l'.repeat(63)}.`.repeat(3)}${'e'.repeat(61)}`;
const HOSTS = [
  'api.example',
  'a.b.below-a-wildcard.example',
  LONG_NAME,
  LONGEST_NAME,
  'xn--bcher-kva.example',
  'single',
  'under_score.example',
  '127.0.0.1',
  '::1',
  '2001:db8::7',
];

let directory: string;
let caFile: string;
const ports = new Map<string, number>();
const closers: (() => void)[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bottle-ca-'));
  caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, authority.certificatePem);
  for (const host of [...HOSTS, 'localhost']) ports.set(host, await serve(host));
});

afterAll(() => {
  for (const close of closers) close();
  rmSync(directory, { recursive: true, force: true });
});

/** A server that has one certificate and answers every request with 404 and a body. */
async function serve(host: string, by = authority): Promise<number> {
  const server = createServer((raw) => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext: by.secureContext(host) });
    socket.on('error', () => socket.destroy());
    socket.once('data', () =>
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhandshook'),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

function find(program: string): string | null {
  const directories = (process.env.PATH ?? '').split(delimiter);
  return directories.map((path) => join(path, program)).find((path) => existsSync(path)) ?? null;
}

/** Python's default flags since 3.13, in every version. */
const PYTHON = `
import socket, ssl, sys
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
s = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=host)
s.sendall(b"GET / HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n")
d = b""
while True:
    c = s.recv(4096)
    if not c: break
    d += c
print(d.decode())
`;

describe.each(HOSTS)('a leaf for %s is accepted by', (host) => {
  test('Node', async () => {
    const isLiteral = host.includes(':') || /^[0-9.]+$/.test(host);
    const socket = connect({
      port: ports.get(host)!,
      host: '127.0.0.1',
      ca: authority.certificatePem,
      ...(isLiteral ? {} : { servername: host }),
      checkServerIdentity: (_, certificate) => {
        const expected = isLiteral
          ? certificate.subjectaltname?.startsWith('IP Address:')
          : certificate.subjectaltname === `DNS:${host}`;
        return expected ? undefined : new Error(`named ${certificate.subjectaltname}`);
      },
    });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.write(REQUEST);
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text).toContain('handshook');
  });

  test('Python with the strict checks of 3.13', async () => {
    const { stdout } = await run('python3', ['-c', PYTHON, host, String(ports.get(host)), caFile]);
    expect(stdout).toContain('handshook');
  });

  test('openssl s_client -x509_strict', async () => {
    const byName = host.includes(':') || /^[0-9.]+$/.test(host) ? '-verify_ip' : '-verify_hostname';
    const running = run('openssl', [
      ...[
        's_client',
        '-connect',
        `127.0.0.1:${ports.get(host)}`,
        '-CAfile',
        caFile,
        '-x509_strict',
        '-verify_return_error',
        '-quiet',
      ],
      ...[byName, host],
    ]);
    running.child.stdin!.write(REQUEST);
    expect((await running).stdout).toContain('handshook');
  });

  test('curl', async () => {
    const port = ports.get(host)!;
    const [authorityPart, to] = host.includes(':') ? [`[${host}]`, `[${host}]`] : [host, host];
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--noproxy', '*', '--cacert', caFile],
      ...['--connect-to', `${to}:${port}:127.0.0.1:${port}`, `https://${authorityPart}:${port}/`],
    ]);
    expect(stdout).toBe('handshook');
  });
});

describe.each(HOSTS)('a leaf for %s is accepted by the libraries of other clients:', (host) => {
  test('GnuTLS', async () => {
    const trust = ['--x509cafile', caFile, '--verify-hostname', host, '--disable-sni'];
    const running = run('gnutls-cli', [...trust, '--port', String(ports.get(host)), '127.0.0.1']);
    running.child.stdin!.end(REQUEST);
    const { stdout } = await running;
    expect(stdout).toContain('The certificate is trusted');
    expect(stdout).toContain('handshook');
  });

  test('NSS', async () => {
    const database = join(directory, 'nss');
    if (!existsSync(database)) {
      mkdirSync(database);
      await run('certutil', ['-N', '-d', `sql:${database}`, '--empty-password']);
      await run('certutil', ['-A', '-d', `sql:${database}`, '-n', 'bottle', '-t', 'C,,', '-i', caFile]);
    }
    const leaf = join(directory, 'leaf.der');
    const shown = run('openssl', ['s_client', '-connect', `127.0.0.1:${ports.get(host)}`, '-CAfile', caFile]);
    shown.child.stdin!.end();
    const { stdout } = await shown;
    writeFileSync(leaf, /-----BEGIN[\s\S]*?-----END CERTIFICATE-----\n/.exec(stdout)![0]);
    // `-u 1`: as the certificate of a TLS server.
    const verified = await run('vfychain', ['-d', `sql:${database}`, '-u', '1', '-a', leaf]);
    expect(verified.stdout + verified.stderr).toContain('Chain is good!');
  });
});

describe('a client that speaks only', () => {
  test.each([
    ['TLS 1.2', ['-tls1_2']],
    ['TLS 1.3', ['-tls1_3']],
    ['the curve P-256', ['-curves', 'P-256']],
    ['the curve X25519', ['-curves', 'X25519']],
    ['the curve P-384', ['-curves', 'P-384']],
    ['ChaCha20', ['-tls1_3', '-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256']],
    ['AES-256 in TLS 1.2', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384']],
  ])('%s is served', async (_what, flags) => {
    const target = ['-connect', `127.0.0.1:${ports.get('api.example')}`, '-CAfile', caFile];
    const running = run('openssl', ['s_client', ...target, '-verify_return_error', '-quiet', ...flags]);
    running.child.stdin!.write(REQUEST);
    expect((await running).stdout).toContain('handshook');
  });
});

test('git takes the leaf: what it complains of is the missing repository', async () => {
  const port = ports.get('api.example')!;
  const complaint = await run(
    'git',
    ['-c', `http.curloptResolve=api.example:${port}:127.0.0.1`, 'ls-remote', `https://api.example:${port}/x.git`],
    {
      env: { PATH: process.env.PATH, GIT_SSL_CAINFO: caFile, GIT_TERMINAL_PROMPT: '0', HOME: directory, no_proxy: '*' },
    },
  ).catch((error: { stderr: string }) => error);
  expect(complaint.stderr).toContain("repository 'https://api.example");
  expect(complaint.stderr).toContain('not found');
});

const JAVA = `
import javax.net.ssl.*;
public class Handshake {
  public static void main(String[] a) throws Exception {
    var c = (HttpsURLConnection) new java.net.URL("https://" + a[0] + ":" + a[1] + "/").openConnection(java.net.Proxy.NO_PROXY);
    if (c.getResponseCode() == 404) System.out.print(new String(c.getErrorStream().readAllBytes()));
  }
}
`;

/** Programs that a bare machine may lack, each with its own TLS library; what is missing here is said. */
const EXTRAS: readonly { readonly program: string; readonly handshake: () => Promise<string> }[] = [
  {
    program: 'wget',
    handshake: async () => {
      const argv = [
        '--no-proxy',
        '-qO-',
        '--content-on-error',
        `--ca-certificate=${caFile}`,
        `https://localhost:${ports.get('localhost')}/`,
      ];
      const { stdout } = await run('wget', argv).catch((error: { stdout: string }) => error);
      return stdout;
    },
  },
  {
    program: 'java',
    handshake: async () => {
      const store = join(directory, 'trust.p12');
      const source = join(directory, 'Handshake.java');
      writeFileSync(source, JAVA);
      execFileSync(
        'keytool',
        [
          '-importcert',
          '-noprompt',
          '-alias',
          'bottle',
          '-file',
          caFile,
          '-keystore',
          store,
          '-storetype',
          'PKCS12',
          '-storepass',
          'changeit',
        ],
        { stdio: 'pipe' },
      );
      const trust = [`-Djavax.net.ssl.trustStore=${store}`, '-Djavax.net.ssl.trustStorePassword=changeit'];
      const { stdout } = await run('java', [...trust, source, 'localhost', String(ports.get('localhost'))]);
      return stdout;
    },
  },
];
const here = EXTRAS.filter(({ program }) => find(program) !== null);
for (const { program } of EXTRAS.filter((extra) => !here.includes(extra)))
  console.warn(`not on this machine, not tried: ${program}`);

test.each(here)('$program takes the leaf', { timeout: 60_000 }, async ({ handshake }) => {
  expect(await handshake()).toBe('handshook');
});

describe('refused is', () => {
  test('a leaf of another authority', async () => {
    const port = await serve('api.example', stranger);
    await expect(run('python3', ['-c', PYTHON, 'api.example', String(port), caFile])).rejects.toThrow(
      /CERTIFICATE_VERIFY_FAILED/,
    );
  });

  test('a leaf for another name', async () => {
    await expect(
      run('python3', ['-c', PYTHON, 'other.example', String(ports.get('api.example')), caFile]),
    ).rejects.toThrow(/Hostname mismatch/);
  });

  test('an expired leaf', async () => {
    const old = createAuthority({ session: 'old', lifetimeMs: -60_000 });
    const oldFile = join(directory, 'old.pem');
    writeFileSync(oldFile, old.certificatePem);
    const port = await serve('api.example', old);
    await expect(run('python3', ['-c', PYTHON, 'api.example', String(port), oldFile])).rejects.toThrow(
      /certificate has expired/,
    );
  });
});
