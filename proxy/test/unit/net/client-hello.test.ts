import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { looksLikeTls, readClientHello } from '../../../src/net/client-hello.ts';

/** What Node's own TLS says first. */
async function realHello(servername?: string): Promise<Buffer> {
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      this.emit('said', chunk);
      done();
    },
  });
  const said = once(wire, 'said') as Promise<[Buffer]>;
  const client = connect({ socket: wire, ...(servername === undefined ? {} : { servername }) });
  client.on('error', () => {});
  const [hello] = await said;
  client.destroy();
  return hello;
}

describe('a ClientHello', () => {
  it('gives the server name', async () => {
    expect(readClientHello(await realHello('a.example'))).toEqual({ do: 'hello', serverName: 'a.example' });
  });

  it('without a server name says so', async () => {
    expect(readClientHello(await realHello())).toEqual({ do: 'hello', serverName: null });
  });

  it('that is not complete is waited for, at every length', async () => {
    const hello = await realHello('a.example');
    for (let length = 1; length < hello.length; length++) {
      expect(readClientHello(hello.subarray(0, length))).toEqual({ do: 'wait' });
    }
  });

  it('may be spread over several records', async () => {
    const hello = await realHello('a.example');
    const message = hello.subarray(5);
    const records = [message.subarray(0, 50), message.subarray(50)].map((part) =>
      Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]),
    );
    expect(readClientHello(Buffer.concat(records))).toEqual({ do: 'hello', serverName: 'a.example' });
  });

  it.each([
    ['another handshake message', [22, 3, 1, 0, 4, 2, 0, 0, 0]],
    ['an empty record', [22, 3, 1, 0, 0, 1]],
    ['another version', [22, 9, 1, 0, 4, 1, 0, 0, 0]],
    ['lengths that point outside', [22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0]],
    ['an endless message', [22, 3, 1, 0, 4, 1, 255, 255, 255]],
  ])('with %s is refused', (_what, bytes) => {
    expect(readClientHello(Buffer.from(bytes))).toEqual({ do: 'refuse' });
  });

  it('is told from HTTP by its first byte', () => {
    expect(looksLikeTls(Buffer.from('GET /'))).toBe(false);
    expect(looksLikeTls(Buffer.from([22, 3]))).toBe(true);
  });
});
