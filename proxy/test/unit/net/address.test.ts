import { describe, expect, test } from 'vitest';
import { ipBytes, isWithin, nameKind, network, parseAddress } from '../../../src/net/address.ts';

describe('a literal is seen through whatever its spelling', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', 'loopback'],
    ['127.1', '127.0.0.1', 'loopback'],
    ['2130706433', '127.0.0.1', 'loopback'],
    ['0x7f000001', '127.0.0.1', 'loopback'],
    ['0x7F.0.0x0.1', '127.0.0.1', 'loopback'],
    ['017700000001', '127.0.0.1', 'loopback'],
    ['0177.0.0.01', '127.0.0.1', 'loopback'],
    ['127.0.0.1.', '127.0.0.1', 'loopback'],
    ['127.255.255.254', '127.255.255.254', 'loopback'],
    ['１２７．０．０．１', '127.0.0.1', 'loopback'],
    ['127。0。0。1', '127.0.0.1', 'loopback'],
    ['①②⑦.0.0.1', '127.0.0.1', 'loopback'],
    ['0', '0.0.0.0', 'unspecified'],
    ['0.0.0.0', '0.0.0.0', 'unspecified'],
    ['10.1', '10.0.0.1', 'private'],
    ['172.16.0.1', '172.16.0.1', 'private'],
    ['172.31.255.255', '172.31.255.255', 'private'],
    ['172.32.0.1', '172.32.0.1', 'public'],
    ['192.168.257', '192.168.1.1', 'private'],
    ['169.254.1.1', '169.254.1.1', 'link-local'],
    ['169.254.169.254', '169.254.169.254', 'metadata'],
    ['0xa9fea9fe', '169.254.169.254', 'metadata'],
    ['2852039166', '169.254.169.254', 'metadata'],
    ['169.254.170.2', '169.254.170.2', 'metadata'],
    ['100.100.100.200', '100.100.100.200', 'metadata'],
    ['192.0.0.192', '192.0.0.192', 'metadata'],
    ['168.63.129.16', '168.63.129.16', 'metadata'],
    ['100.64.0.1', '100.64.0.1', 'shared'],
    ['198.18.0.1', '198.18.0.1', 'benchmarking'],
    ['198.19.255.255', '198.19.255.255', 'benchmarking'],
    ['224.0.0.1', '224.0.0.1', 'multicast'],
    ['240.0.0.1', '240.0.0.1', 'reserved'],
    ['255.255.255.255', '255.255.255.255', 'reserved'],
    ['8.8.8.8', '8.8.8.8', 'public'],
    ['134744072', '8.8.8.8', 'public'],
    ['192.0.2.1', '192.0.2.1', 'public'],
    ['198.51.100.7', '198.51.100.7', 'public'],
    ['203.0.113.9', '203.0.113.9', 'public'],
    ['::', '::', 'unspecified'],
    ['::1', '::1', 'loopback'],
    ['[::1]', '::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', '::1', 'loopback'],
    ['::ffff:127.0.0.1', '::ffff:7f00:1', 'loopback'],
    ['::FFFF:7F00:1', '::ffff:7f00:1', 'loopback'],
    ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', 'metadata'],
    ['::ffff:8.8.8.8', '::ffff:808:808', 'public'],
    ['::ffff:0:127.0.0.1', '::ffff:0:7f00:1', 'loopback'],
    ['::127.0.0.1', '::7f00:1', 'loopback'],
    ['::8.8.8.8', '::808:808', 'reserved'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1', 'private'],
    ['64:ff9b::8.8.8.8', '64:ff9b::808:808', 'public'],
    ['64:ff9b:1::1', '64:ff9b:1::1', 'private'],
    ['2002:7f00:1::', '2002:7f00:1::', 'loopback'],
    ['2002:808:808::1', '2002:808:808::1', 'public'],
    ['2001:0:808:808::f5ff:fffe', '2001:0:808:808::f5ff:fffe', 'private'],
    ['2001:0:808:808::f7f7:f7f7', '2001:0:808:808::f7f7:f7f7', 'reserved'],
    ['2606:4700::5efe:10.0.0.1', '2606:4700::5efe:a00:1', 'private'],
    ['fe80::1%eth0', 'fe80::1', 'link-local'],
    ['fe80::1%25lo', 'fe80::1', 'link-local'],
    ['fc00::1', 'fc00::1', 'private'],
    ['fd12:3456::1', 'fd12:3456::1', 'private'],
    ['fec0::1', 'fec0::1', 'private'],
    ['fd00:ec2::254', 'fd00:ec2::254', 'metadata'],
    ['fd20:ce::254', 'fd20:ce::254', 'metadata'],
    ['ff02::1', 'ff02::1', 'multicast'],
    ['2001:db8::1', '2001:db8::1', 'public'],
    ['2606:4700:4700::1111', '2606:4700:4700::1111', 'public'],
    ['100::1', '100::1', 'reserved'],
    ['4000::1', '4000::1', 'reserved'],
  ])('%s is %s: %s', (spelling, text, kind) => {
    expect(parseAddress(spelling)).toMatchObject({ text, kind });
  });

  test('an octal part counts as the worse of its two readings', () => {
    expect(parseAddress('010.0.0.1')).toMatchObject({ text: '8.0.0.1', kind: 'private' });
    expect(parseAddress('08.8.8.8')).toMatchObject({ kind: 'malformed' });
    expect(parseAddress('0310.0.0.1')).toMatchObject({ text: '200.0.0.1', kind: 'public' });
  });

  test.each([
    '256.1.1.1',
    '1.2.3.4.5',
    '1..2',
    '4294967296',
    '0x100000000',
    '1.16777216',
    '09',
    'example.1',
    '0x.0xg.1',
    '1e3.1',
    ':::1',
    '1::2::3',
    'g::1',
    '12345::',
    '::ffff:256.1.1.1',
  ])('%s is a number that is no address', (spelling) => {
    expect(parseAddress(spelling)?.kind).toBe('malformed');
  });

  test.each([
    'example.com',
    'localhost',
    '1.example',
    '0x7f.example',
    'a',
    '',
    'xn--1',
    '10.0.0.1.example',
    'deadbeef',
  ])('%s is a name', (name) => {
    expect(parseAddress(name)).toBeNull();
  });
});

test('20,000 random spellings are read as the URL standard reads them', () => {
  const spell = (n: number): string =>
    [String(n), `0x${n.toString(16)}`, `0X${n.toString(16).toUpperCase()}`, `0${n.toString(8)}`, `00${n.toString(8)}`][
      Math.floor(Math.random() * 5)
    ]!;
  const random = (below: number): number => Math.floor(Math.random() * below);
  for (let i = 0; i < 20_000; i++) {
    const count = 1 + random(5);
    const parts = Array.from({ length: count }, (_, at) => spell(random(at === count - 1 ? 256 ** random(6) : 300)));
    const host = `${parts.join('.')}${random(8) === 0 ? '.' : ''}`;
    const standard = URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : 'malformed';
    const ours = parseAddress(host);
    expect(`${host} ${ours?.kind === 'malformed' ? 'malformed' : ours?.text}`).toBe(`${host} ${standard}`);
  }
});

describe('names that speak for themselves', () => {
  test.each([
    ['localhost', 'loopback'],
    ['LOCALHOST.', 'loopback'],
    ['[localhost]', 'loopback'],
    ['x.localhost', 'loopback'],
    ['ｌocalhost', 'loopback'],
    ['ip6-loopback', 'loopback'],
    ['metadata.google.internal', 'metadata'],
    ['metadata.google.internal.', 'metadata'],
    ['a.metadata.goog', 'metadata'],
    ['instance-data.ec2.internal', 'metadata'],
    ['host.docker.internal', 'private'],
    ['localhost.example', null],
    ['notlocalhost', null],
    ['example.internal', null],
  ])('%s: %s', (name, kind) => {
    expect(nameKind(name)).toBe(kind);
  });
});

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['192.168.1.0/25', '192.168.1.127', true],
    ['192.168.1.0/25', '192.168.1.128', false],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['203.0.113.7', '203.0.113.7', true],
    ['203.0.113.7', '203.0.113.8', false],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', 'fec0::1', false],
    ['::/0', '1.2.3.4', false],
  ])('%s holds %s: %s', (cidr, literal, isInside) => {
    expect(isWithin(ipBytes(literal)!, network(cidr))).toBe(isInside);
  });

  test.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0/8',
    'x/8',
    '::/129',
    'fe80::1%eth0/64',
    '1.2.3.4/1e1',
  ])('%s is refused', (cidr) => {
    expect(() => network(cidr)).toThrow(RangeError);
  });
});
