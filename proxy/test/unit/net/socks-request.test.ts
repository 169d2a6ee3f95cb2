import { describe, expect, it } from 'vitest';
import { REPLY, readGreeting, readSocksRequest } from '../../../src/net/socks/request.ts';

function request(name: string | Buffer, { command = 1, type = 3, port = 443, reserved = 0 } = {}): Buffer {
  const bytes = Buffer.from(name as string, 'latin1');
  const address = type === 3 ? Buffer.concat([Buffer.from([bytes.length]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([5, command, reserved, type]), address, Buffer.from([port >> 8, port & 255])]);
}

describe('a SOCKS5 greeting', () => {
  it('that offers no authentication is answered so', () => {
    expect(readGreeting(Buffer.from([5, 2, 2, 0]))).toEqual({ do: 'go', used: 4, reply: Buffer.from([5, 0]) });
  });

  it('that insists on authentication is refused', () => {
    const reading = readGreeting(Buffer.from([5, 1, 2]));
    expect(reading).toMatchObject({ do: 'refuse', reply: Buffer.from([5, 0xff]) });
  });

  it('is waited for', () => {
    expect(readGreeting(Buffer.from([5, 2, 0]))).toEqual({ do: 'wait' });
  });
});

describe('a SOCKS5 request', () => {
  it('names a host and a port, in one spelling', () => {
    const bytes = Buffer.concat([request('API.Example.'), Buffer.from('rest')]);
    const authority = { host: 'api.example', port: 443 };
    expect(readSocksRequest(bytes)).toEqual({ do: 'connect', used: bytes.length - 4, authority });
  });

  it('is waited for, at every length', () => {
    const bytes = request('api.example');
    for (let length = 0; length < bytes.length; length++) {
      expect(readSocksRequest(bytes.subarray(0, length))).toEqual({ do: 'wait' });
    }
  });

  it.each([
    ['BIND', request('api.example', { command: 2 }), REPLY.command, 'socks-command'],
    ['UDP ASSOCIATE', request('api.example', { command: 3 }), REPLY.command, 'socks-command'],
    ['no known command', request('api.example', { command: 0 }), REPLY.command, 'socks-command'],
    ['an IPv4 address', request(Buffer.from([10, 0, 0, 1]), { type: 1 }), REPLY.addressType, 'socks-address'],
    ['an IPv6 address', request(Buffer.alloc(16, 1), { type: 4 }), REPLY.addressType, 'socks-address'],
    ['an address as a name', request('10.0.0.1'), REPLY.addressType, 'socks-address'],
    ['an IPv6 address as a name', request('::1'), REPLY.addressType, 'socks-address'],
    ['an address in brackets', request('[::1]'), REPLY.notAllowed, 'host'],
    ['an address as one number', request('2130706433'), REPLY.notAllowed, 'odd-address'],
    ['an address with a dot behind', request('127.0.0.1.'), REPLY.addressType, 'socks-address'],
    ['an unknown kind of address', request('x', { type: 2 }), REPLY.addressType, 'socks-address'],
    ['NUL in the name', request('api.example\0.evil.example'), REPLY.notAllowed, 'host'],
    ['a blank in the name', request('api.example evil'), REPLY.notAllowed, 'host'],
    ['a slash in the name', request('api.example/'), REPLY.notAllowed, 'host'],
    ['a port in the name', request('api.example:80'), REPLY.notAllowed, 'host'],
    ['user information in the name', request('a@api.example'), REPLY.notAllowed, 'host'],
    ['no name', request(''), REPLY.notAllowed, 'host'],
    ['255 bytes of name', request(`${'a.'.repeat(127)}a`), REPLY.notAllowed, 'host'],
    ['an IDN in UTF-8', request(Buffer.from('bücher.example')), REPLY.notAllowed, 'idn'],
    ['port 0', request('api.example', { port: 0 }), REPLY.notAllowed, 'port'],
    ['a reserved byte', request('api.example', { reserved: 1 }), REPLY.failure, 'socks-request'],
    ['another version', Buffer.from([4, 1, 0, 3, 0, 0, 0]), REPLY.failure, 'socks-request'],
  ])('with %s is refused', (_what, bytes, code, rule) => {
    const reading = readSocksRequest(bytes);
    expect(reading).toMatchObject({ do: 'refuse', problem: { rule } });
    expect(reading.do === 'refuse' && reading.reply[1]).toBe(code);
  });
});
