import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeTo, testConfig } from './harness/config.ts';
import { connectH2, type H2Upstream, h2Upstream, open, requestList } from './harness/h2.ts';
import { type RunningProxy, startProxy, until } from './harness/proxy.ts';
import { HOST } from './harness/setting.ts';
import { later, undoAll } from './harness/undo.ts';
import { listenOn, testAuthority } from './harness/upstream.ts';

const run = promisify(execFile);
const authority = testAuthority();
let upstream: H2Upstream;
let proxy: RunningProxy;
/** Port on which connections are taken as a relay captures them: on their way to port 443. */
let captured: number;
let ca: string;

beforeAll(async () => {
  upstream = await h2Upstream(authority, (stream, raw) => {
    // A stream may have been reset before it is heard of.
    if (stream.destroyed) return;
    const method = raw[raw.indexOf(':method') + 1];
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    if (method === 'POST') stream.pipe(stream);
    else stream.end('hello from HTTP/2');
  });
  proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes: [routeTo(HOST)],
      roots: authority.certificatePem,
      map: { [`${HOST}:443`]: upstream.address },
      listen: { explicit: '127.0.0.1:0', relaySocket: join(directory, 'relay.sock') },
    }),
  );
  later(() => proxy.stop());
  ca = join(proxy.directory, 'ca.pem');
  writeFileSync(ca, proxy.ca);
  const relay = createServer({ noDelay: true }, (socket) => {
    const inner = connect({ path: join(proxy.directory, 'relay.sock') });
    inner.write(`${JSON.stringify({ kind: 'tcp', address: '198.18.0.1', port: 443 })}\n`);
    socket.pipe(inner).pipe(socket);
    for (const one of [socket, inner]) one.on('error', () => {});
    socket.on('close', () => inner.destroy());
    inner.on('close', () => socket.destroy());
  });
  captured = await listenOn(relay);
  later(() => relay.close());
});
afterAll(undoAll);

const descriptors = (): number => readdirSync(`/proc/${proxy.pid}/fd`).length;
const residentBytes = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))?.[1]) * 1024;

describe('curl', () => {
  const curl = (...args: string[]) =>
    run('curl', ['-sS', '--http2', '--proxy', `http://127.0.0.1:${proxy.port}`, '--cacert', ca, ...args], {
      encoding: 'buffer',
      maxBuffer: 64 * 1024 * 1024,
    });

  it('speaks HTTP/2', async () => {
    const { stdout } = await curl('-w', ' %{http_version}', `https://${HOST}/`);
    expect(stdout.toString()).toBe('hello from HTTP/2 2');
  });

  it('uploads and gets it back, byte for byte', async () => {
    const file = join(proxy.directory, 'upload');
    const body = Buffer.from('a line of an upload, and its number: 0123456789\n'.repeat(150_000));
    writeFileSync(file, body);
    const { stdout } = await curl('--data-binary', `@${file}`, `https://${HOST}/`);
    expect(stdout.equals(body)).toBe(true);
  });

  it('asks for many at a time on one connection', async () => {
    const urls = Array.from({ length: 60 }, (_, n) => `https://${HOST}/many/${n}`);
    const { stdout } = await curl('-Z', '--parallel-max', '30', ...urls);
    expect(stdout.toString()).toBe('hello from HTTP/2'.repeat(60));
  });
});

describe('h2load', () => {
  it.each([
    ['1 connection, 1 stream', '1', '1', '500'],
    ['4 connections, 25 streams each', '4', '25', '4000'],
    ['1 connection, 200 streams', '1', '200', '2000'],
  ])('%s: every request succeeds', async (_, connections, streams, requests) => {
    const target = `--connect-to=127.0.0.1:${captured}`;
    const { stdout } = await run('h2load', [
      '-c',
      connections,
      '-m',
      streams,
      '-n',
      requests,
      target,
      `https://${HOST}/load`,
    ]);
    expect(stdout).toMatch(
      new RegExp(`requests: ${requests} total, .*${requests} succeeded, 0 failed, 0 errored, 0 timeout`),
    );
    expect(stdout).toContain('Application protocol: h2');
  });
});

it('thousands of streams, half of them reset in some phase, leave no descriptor and no session behind', async () => {
  const session = await connectH2(proxy, HOST);
  const burst = async (): Promise<void> => {
    await Promise.all(
      Array.from({ length: 150 }, async (_, n) => {
        const isPost = n % 3 === 0;
        const stream = open(session, requestList(HOST, isPost ? 'POST' : 'GET', `/${n}`), { endStream: !isPost });
        stream.resume();
        const closed = new Promise((resolve) => stream.once('close', resolve));
        if (isPost) stream.write('begun');
        if (n % 2 === 0) setTimeout(() => stream.close(8), n % 20);
        else if (isPost) stream.end(' and ended');
        await closed;
      }),
    );
  };
  await burst();
  const before = { descriptors: descriptors(), sockets: upstream.sockets.length, bytes: residentBytes() };
  for (let n = 0; n < 20; n++) await burst();
  await until(() => descriptors() <= before.descriptors + 4, 'the descriptors to be closed');
  expect(upstream.sockets.length).toBeLessThanOrEqual(before.sockets + 8);
  expect(residentBytes()).toBeLessThan(before.bytes + 96 * 1024 * 1024);
  expect(proxy.stderr()).toBe('');
});
