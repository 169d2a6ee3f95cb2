import { expect, test } from 'vitest';
import { defaultGateways } from '../../../src/session/gather-facts.ts';
import { parseHosts, parseNameservers, readHostAddresses } from '../../../src/session/host-addresses.ts';

test('names of the hosts file are passed on when the spec names them, and lead out of the sidecar', () => {
  const text = [
    '127.0.0.1 localhost own.example',
    '10.1.2.3 registry.example Mirror.Example # a comment names.example',
    '10.1.2.4 other.example',
    '::1 registry.example',
    '0.0.0.0 blocked.example',
    '10.1.2.5 a.wild.example wild.example',
  ].join('\n');
  const wanted = [
    'registry.example',
    'mirror.example',
    'own.example',
    'names.example',
    'blocked.example',
    '*.wild.example',
  ];
  expect(parseHosts(text, wanted)).toEqual({
    'registry.example': '10.1.2.3',
    'mirror.example': '10.1.2.3',
    'a.wild.example': '10.1.2.5',
  });
});

test('resolvers are those that a container might reach', () => {
  expect(
    parseNameservers('# nameserver 1.1.1.1\nnameserver 10.0.0.53\nnameserver 127.0.0.53\nnameserver ::1\n'),
  ).toEqual(['10.0.0.53']);
});

test('every address of every interface is the host, loopback is not', () => {
  const found = readHostAddresses({
    lo: [{ address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4', mac: '', internal: true, cidr: '127.0.0.1/8' }],
    eth0: [
      {
        address: '192.0.2.7',
        netmask: '255.255.255.0',
        family: 'IPv4',
        mac: '',
        internal: false,
        cidr: '192.0.2.7/24',
      },
      { address: 'fe80::1', netmask: '', family: 'IPv6', mac: '', internal: false, cidr: 'fe80::1/64', scopeid: 2 },
    ],
  });
  expect(found).toEqual({ ipv4: ['192.0.2.7'], own: ['192.0.2.7/32', 'fe80::1/128'], networks: ['192.0.2.7/24'] });
});

test('the default gateway is read from the kernel as it writes it', () => {
  const routes = 'Iface\tDestination\tGateway\neth0\t00000000\t010200C0\t0003\neth0\t000200C0\t00000000\t0001\n';
  expect(defaultGateways(routes)).toEqual(['192.0.2.1']);
});
