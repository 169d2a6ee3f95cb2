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

function sized(bytes: number, body: Buffer): Buffer {
  const size = Buffer.alloc(bytes);
  size.writeUIntBE(body.length, 0, bytes);
  return Buffer.concat([size, body]);
}

function extension(type: number, body: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 255]), sized(2, Buffer.from(body as string, 'latin1'))]);
}

function nameList(...names: string[]): Buffer {
  return sized(2, Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(name))]))));
}

function helloOf(extensions: readonly Buffer[], behind: Buffer = Buffer.alloc(0)): Buffer {
  const fixed = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0])]);
  const body = Buffer.concat([fixed, sized(2, Buffer.concat(extensions)), behind]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(2, Buffer.concat([Buffer.from([1]), sized(3, body)]))]);
}

describe('a ClientHello', () => {
  it('gives the server name', async () => {
    expect(readClientHello(await realHello('a.example'))).toEqual({
      do: 'hello',
      serverName: 'a.example',
      hasEncryptedHello: false,
    });
  });

  it('without a server name says so', async () => {
    expect(readClientHello(await realHello())).toEqual({ do: 'hello', serverName: null, hasEncryptedHello: false });
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
    expect(readClientHello(Buffer.concat(records))).toEqual({
      do: 'hello',
      serverName: 'a.example',
      hasEncryptedHello: false,
    });
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

  it.each([
    ['encrypted hello', [extension(0, nameList('a.example')), extension(0xfe0d, Buffer.from([0, 0, 1]))], true],
    [
      'name between others',
      [extension(23, ''), extension(0, nameList('a.example')), extension(43, '\x02\x03\x04')],
      false,
    ],
  ])('with an %s says so', (_what, extensions, hasEncryptedHello) => {
    expect(readClientHello(helloOf(extensions))).toEqual({ do: 'hello', serverName: 'a.example', hasEncryptedHello });
  });

  it.each([
    ['two lists of names', [extension(0, nameList('a.example')), extension(0, nameList('b.example'))]],
    ['two names in one list', [extension(0, nameList('a.example', 'b.example'))]],
    ['bytes behind its name', [extension(0, Buffer.concat([nameList('a.example'), Buffer.from('b')]))]],
    ['an empty list of names', [extension(0, Buffer.from([0, 0]))]],
    ['bytes behind its extensions', [extension(0, nameList('a.example'))], Buffer.from([0, 0, 0, 0])],
  ])('with %s is refused: two readers could take it for two hosts', (_what, extensions, behind = Buffer.alloc(0)) => {
    expect(readClientHello(helloOf(extensions as Buffer[], behind as Buffer))).toEqual({ do: 'refuse' });
  });

  it('is told from HTTP by its first byte', () => {
    expect(looksLikeTls(Buffer.from('GET /'))).toBe(false);
    expect(looksLikeTls(Buffer.from([22, 3]))).toBe(true);
  });
});
