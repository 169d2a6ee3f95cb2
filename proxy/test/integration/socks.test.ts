// SOCKS5 on the explicit proxy's port: the same path as a CONNECT behind it.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { connectProxy, rawClient, secure } from './harness/client.ts';
import { endSettings, HOST, httpSetting } from './harness/setting.ts';

afterEach(endSettings);

const run = promisify(execFile);
const GREETING = Buffer.from([5, 1, 0]);

function request(host: string | Buffer, port = 443, command = 1, type = 3): Buffer {
  const name = Buffer.from(host as string, 'latin1');
  const address = type === 3 ? Buffer.concat([Buffer.from([name.length]), name]) : name;
  return Buffer.concat([Buffer.from([5, command, 0, type]), address, Buffer.from([port >> 8, port & 255])]);
}

describe('a SOCKS5 client', () => {
  it('is curl, whose request is judged inside of its TLS', async () => {
    const arrived: string[] = [];
    const { proxy } = await httpSetting(
      (request, response) => {
        arrived.push(request.url ?? '');
        response.end('hello from upstream');
      },
      { route: { rules: [{ methods: ['GET'], paths: ['/a'], query: {}, headers: {} }] } },
    );
    const ca = join(proxy.directory, 'ca.pem');
    writeFileSync(ca, proxy.ca);
    const curl = async (path: string, host = HOST) =>
      (
        await run('curl', [
          '-sS',
          '--noproxy',
          '',
          '--cacert',
          ca,
          '--socks5-hostname',
          `127.0.0.1:${proxy.port}`,
          `https://${host}${path}`,
        ])
      ).stdout;
    expect(await curl('/a')).toBe('hello from upstream');
    expect(await curl('/b')).toContain('"blocked":true');
    expect(await curl('/a', 'evil.example')).toContain('evil.example is not in the allow list');
    expect(arrived).toEqual(['/a']);
    expect(await proxy.recorded(3)).toMatchObject([
      { via: 'socks', host: HOST, port: 443, path: '/a', verdict: 'allow' },
      { via: 'socks', host: HOST, path: '/b', verdict: 'block', stage: 'policy' },
      { via: 'socks', host: 'evil.example', verdict: 'block', stage: 'policy' },
    ]);
  });

  it('may send everything in any pieces, and its first bytes of TLS at once', async () => {
    const { proxy } = await httpSetting((_request, response) => response.end('hi'));
    const client = await connectProxy(proxy);
    for (const byte of Buffer.concat([GREETING, request(HOST)])) client.send(Buffer.from([byte]));
    await client.waitFor('\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00');
    client.socket.removeAllListeners('data');
    const secured = await secure(client.socket, proxy.ca, HOST);
    secured.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await secured.waitFor('hi');
  });

  it('may not name one host to SOCKS and another to TLS', async () => {
    let count = 0;
    const { proxy } = await httpSetting((_request, response) => {
      count++;
      response.end();
    });
    const client = await connectProxy(proxy);
    client.send(Buffer.concat([GREETING, request('evil.example')]));
    await client.waitFor('\x00\x00\x00\x00\x00\x00');
    client.socket.removeAllListeners('data');
    const secured = await secure(client.socket, proxy.ca, HOST);
    secured.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await secured.waitFor('host-mismatch');
    expect(count).toBe(0);
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'socks', rule: 'host-mismatch', verdict: 'block' }]);
  });

  it.each([
    ['an address', request(Buffer.from([127, 0, 0, 1]), 443, 1, 1), 8, '127.0.0.1', 'socks-address'],
    ['the metadata address as a name', request('169.254.169.254', 80), 8, '169.254.169.254', 'socks-address'],
    ['BIND', request(HOST, 443, 2), 7, HOST, 'socks-command'],
    ['UDP ASSOCIATE', request(HOST, 443, 3), 7, HOST, 'socks-command'],
    ['NUL behind an allowed name', request(`${HOST}\0.evil.example`), 2, `${HOST}?.evil.example`, 'host'],
    ['255 bytes', request('a'.repeat(255)), 2, expect.stringMatching(/^a+\.\.\.$/), 'host'],
    ['an IDN in UTF-8', request(Buffer.from('bücher.example')), 2, expect.stringContaining('cher.example'), 'idn'],
  ])('that asks for %s gets a reply, and leaves a record', async (_what, bytes, code, host, rule) => {
    let count = 0;
    const { proxy } = await httpSetting((_request, response) => {
      count++;
      response.end();
    });
    const client = await connectProxy(proxy);
    client.send(Buffer.concat([GREETING, bytes]));
    const reply = Buffer.from(await client.ended(), 'latin1');
    expect([...reply.subarray(0, 4)]).toEqual([5, 0, 5, code]);
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'socks', host, verdict: 'block', stage: 'protocol', rule }]);
    expect(count).toBe(0);
  });

  it('that insists on a password is told that there is none', async () => {
    const { proxy } = await httpSetting((_request, response) => response.end());
    const client = rawClient((await connectProxy(proxy)).socket);
    client.send(Buffer.from([5, 1, 2]));
    expect(Buffer.from(await client.ended(), 'latin1')).toEqual(Buffer.from([5, 255]));
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'socks', rule: 'socks-method' }]);
  });

  it('that breaks off leaves a record', async () => {
    const { proxy } = await httpSetting((_request, response) => response.end());
    const client = await connectProxy(proxy);
    client.send(Buffer.concat([GREETING, request(HOST).subarray(0, 6)]));
    await client.waitFor('\x05\x00');
    client.socket.end();
    await client.ended();
    expect(await proxy.recorded(1)).toMatchObject([{ via: 'socks', rule: 'socks-request' }]);
  });
});
