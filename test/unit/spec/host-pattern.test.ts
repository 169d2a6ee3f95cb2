import { describe, expect, it } from 'vitest';
import { parseHostPattern } from '../../../src/spec/host-pattern.ts';
import { isPrivateAddress } from '../../../src/spec/private-address.ts';

describe('a host pattern', () => {
  it.each([
    ['api.example.com', 'api.example.com'],
    ['*.example.com', '*.example.com'],
    ['*.a.co.uk', '*.a.co.uk'],
    ['a_b.example', 'a_b.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['intern', 'intern'],
    ['0.0.0.example', '0.0.0.example'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
  ])('%s is allowed as %s', (text, host) => {
    expect(parseHostPattern(text, 'allow.0', 'allow')).toMatchObject({ ok: true, host });
  });

  it.each(['*', '**', '*.com', '*.co.uk', '*.github.io', '*.pages.dev', '*.amazonaws.com', '*.internal'])(
    '%s covers too much to be allowed',
    (text) => {
      expect(parseHostPattern(text, 'allow.0', 'allow').ok).toBe(false);
    },
  );

  it.each(['*.com', '*.github.io', '*.ngrok.app'])('%s may be denied', (text) => {
    expect(parseHostPattern(text, 'deny.0', 'deny')).toMatchObject({ ok: true, host: text });
  });

  it.each([
    ['127.1', '127.0.0.1'],
    ['0177.0.0.1', '127.0.0.1'],
    ['0x7f.0.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['169.254.43518', '169.254.169.254'],
    ['010.0.0.1', '8.0.0.1'],
  ])('%s is no other spelling of %s', (text, address) => {
    const parsed = parseHostPattern(text, 'allow.0', 'allow');
    if (parsed.ok) throw new Error(`read as ${parsed.host}`);
    expect(parsed.words.fix).toBe(`write "${address}"`);
  });
});

describe('a private address', () => {
  it.each([
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.255',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...[
      '192.168.1.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::a00:1',
    ],
    ...['2002:a00:1::', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'ff02::1'],
  ])('is %s', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.80',
    '2001:db8::1',
    '2606:4700::1',
    '::ffff:8.8.8.8',
  ])('is not %s', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });
});
