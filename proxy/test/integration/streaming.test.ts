import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting, rawSetting } from './harness/setting.ts';

afterEach(endSettings);

const run = promisify(execFile);
const MIB = 1024 * 1024;

/** Resident memory of the proxy, in bytes. */
function residentBytes(proxy: RunningProxy): number {
  const status = readFileSync(`/proc/${proxy.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

describe('a stream of events', () => {
  it('passes event by event: each one is there before the next is sent', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(`POST /v1/messages HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 2\r\n\r\n{}`);
    const peer = await upstream.peer(0);
    await peer.waitFor('{}');
    peer.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.waitFor('text/event-stream');
    for (let i = 0; i < 20; i++) {
      const event = `data: {"n":${i}}\n\n`;
      peer.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.waitFor(event);
    }
    expect(proxy.records()).toHaveLength(0);
    peer.send('0\r\n\r\n');
    await client.waitFor('0\r\n\r\n');
    expect(proxy.records()).toHaveLength(1);
  });

  it('ends with its record: the last bytes come after it is written', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    const peer = await upstream.peer(0);
    await peer.waitFor('\r\n\r\n');
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await client.waitFor('ab');
    expect(proxy.records()).toHaveLength(0);
    let recordsAtEnd = -1;
    client.socket.on('data', () => {
      recordsAtEnd = proxy.records().length;
    });
    peer.send('cd');
    await client.waitFor('abcd');
    expect(recordsAtEnd).toBe(1);
  });
});

describe('a large body', () => {
  const SIZE = 96 * MIB;

  it('goes up whole, and the proxy does not grow with it', async () => {
    let received = 0;
    const { proxy } = await httpSetting((request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      request.on('end', () => response.end('done'));
    });
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${SIZE}\r\n\r\n`);
    const piece = Buffer.alloc(MIB, 'all work and no play makes a dull body\n');
    let most = 0;
    for (let sent = 0; sent < SIZE; sent += MIB) {
      if (!client.socket.write(piece)) await new Promise((resolve) => client.socket.once('drain', resolve));
      most = Math.max(most, residentBytes(proxy));
    }
    await client.waitFor('done');
    expect(received).toBe(SIZE);
    expect(most).toBeLessThan(260 * MIB);
    expect(await proxy.recorded(1)).toMatchObject([{ bytes_out: SIZE, status: 200 }]);
  });

  it('comes down whole to a slow reader, and the proxy does not grow with it', async () => {
    const piece = Buffer.alloc(MIB, 'z');
    const { proxy } = await httpSetting((_request, response) => {
      response.setHeader('content-length', SIZE);
      let sent = 0;
      const more = (): void => {
        while (sent < SIZE) {
          sent += MIB;
          if (!response.write(piece)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const client = await connectHost(proxy, HOST);
    client.socket.removeAllListeners('data');
    let received = 0;
    let most = 0;
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      most = Math.max(most, residentBytes(proxy));
      if (received % 7 !== 0) return;
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await until(() => received > SIZE, 'the whole body');
    expect(most).toBeLessThan(260 * MIB);
    expect(await proxy.recorded(1)).toMatchObject([{ bytes_in: SIZE, status: 200 }]);
  });

  it('in chunks without a length streams on as chunks', async () => {
    let received = 0;
    let framing = '';
    const { proxy } = await httpSetting((request, response) => {
      framing = request.headers['transfer-encoding'] ?? '';
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      request.on('end', () => response.end(`done ${request.trailers['x-t'] ?? ''}`));
    });
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 12; i++) client.send(`100000\r\n${'y'.repeat(MIB)}\r\n`);
    client.send('0\r\nX-T: end\r\n\r\n');
    await client.waitFor('done end');
    expect(received).toBe(12 * MIB);
    expect(framing).toBe('chunked');
  });

  it('that is refused by the upstream before its end brings that answer to the agent', async () => {
    const { proxy, upstream } = await rawSetting((peer) => {
      peer.socket.once('data', () => peer.send('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'));
    });
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 100000000\r\n\r\n`);
    for (let i = 0; i < 10; i++) client.send(Buffer.alloc(MIB, 'x'));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 413 Too Large\r\n[\s\S]*no$/);
    expect(await proxy.recorded(1)).toMatchObject([{ status: 413 }]);
    await until(() => upstream.peers[0]!.socket.destroyed, 'the upstream connection to end');
  });
});

describe('an expectation', () => {
  it('is answered by the proxy as soon as policy admits, and not sent on', async () => {
    const { proxy, upstream } = await rawSetting(() => {});
    const client = await connectHost(proxy, HOST);
    client.send(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
    await client.waitFor('HTTP/1.1 100 Continue\r\n\r\n');
    expect(upstream.peers).toHaveLength(0);
    client.send('abc');
    const peer = await upstream.peer(0);
    await peer.waitFor('abc');
    expect(peer.received()).not.toMatch(/expect/i);
  });

  it('of a request that is refused gets the refusal instead of 100', async () => {
    const { proxy } = await rawSetting(() => {});
    const client = await connectHost(proxy, 'evil.example');
    client.send('POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('of curl works', async () => {
    const { proxy } = await httpSetting((request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => {
        size += chunk.length;
      });
      request.on('end', () => response.end(`${size} ${request.headers.expect ?? 'none'}`));
    });
    const ca = join(proxy.directory, 'ca.pem');
    const body = join(proxy.directory, 'body');
    writeFileSync(ca, proxy.ca);
    writeFileSync(body, 'x'.repeat(2 * MIB));
    const options = ['-sS', '--cacert', ca, '-x', `http://127.0.0.1:${proxy.port}`, '-H', 'Expect: 100-continue'];
    const { stdout } = await run('curl', [...options, '--data-binary', `@${body}`, `https://${HOST}/`]);
    expect(stdout).toBe(`${2 * MIB} none`);
  });
});
