import { describe, expect, it } from 'vitest';
import { parseAuthority } from '../../../src/net/authority.ts';

describe('an authority', () => {
  it.each([
    ['a.example', 'a.example', 443],
    ['A.Example', 'a.example', 443],
    ['a.example.', 'a.example', 443],
    ['a.example.:8443', 'a.example', 8443],
    ['a.example:8443', 'a.example', 8443],
    ['_dmarc.a.example', '_dmarc.a.example', 443],
    ['xn--mller-kva.example', 'xn--mller-kva.example', 443],
    ['192.0.2.7', '192.0.2.7', 443],
    ['192.0.2.7:80', '192.0.2.7', 80],
    ['[2001:DB8::1]', '2001:db8::1', 443],
    ['[2001:db8:0:0:0:0:0:1]:80', '2001:db8::1', 80],
    ['localhost', 'localhost', 443],
    ['3com.example', '3com.example', 443],
  ])('%s is %s and port %i', (text, host, port) => {
    expect(parseAuthority(text, 443)).toEqual({ host, port });
  });

  it.each([
    ['user@a.example', 'userinfo'],
    ['a.example@b.example', 'userinfo'],
    ['a.example:', 'port'],
    ['a.example:0', 'port'],
    ['a.example:65536', 'port'],
    ['a.example:+80', 'port'],
    ['a.example:080', 'port'],
    ['a.example:80:80', 'port'],
    ['', 'host'],
    ['.', 'host'],
    ['a..example', 'host'],
    ['.a.example', 'host'],
    ['a.example..', 'host'],
    ['a b.example', 'host'],
    ['a.example/x', 'host'],
    ['a.example\\x', 'host'],
    ['a%2eexample', 'host'],
    ['a,b.example', 'host'],
    ['*.example', 'host'],
    [`${'a'.repeat(64)}.example`, 'host'],
    [`${'a.'.repeat(127)}example`, 'host'],
    ['m\xfcller.example', 'idn'],
    ['m\xc3\xbcller.example', 'idn'],
    ['2130706433', 'odd-address'],
    ['0x7f000001', 'odd-address'],
    ['0x7f.1', 'odd-address'],
    ['127.1', 'odd-address'],
    ['0177.0.0.1', 'odd-address'],
    ['127.0.0.01', 'odd-address'],
    ['1.2.3.4.5', 'odd-address'],
    ['256.0.0.1', 'odd-address'],
    ['a.example.0x7', 'odd-address'],
    ['[::1', 'host'],
    ['[fe80::1%eth0]', 'host'],
    ['[a.example]', 'host'],
    ['::1', 'host'],
  ])('%s is refused as %s', (text, rule) => {
    expect(parseAuthority(text, 443)).toMatchObject({ rule });
  });

  it('of a CONNECT needs its port', () => {
    expect(parseAuthority('a.example', null)).toMatchObject({ rule: 'port' });
  });
});
