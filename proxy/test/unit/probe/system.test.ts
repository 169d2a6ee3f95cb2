import { expect, test } from 'vitest';
import { parseCapabilities, parseDevices, parseIPv6Addresses, parseRoutes } from '../../../src/probe/system.ts';

test('devices are read from /proc/net/dev', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets',
    '    lo:     100       1    0    0    0     0          0         0      100       1',
    'br-0123456789ab: 1 2 3',
    '',
  ].join('\n');
  expect(parseDevices(text)).toEqual(['lo', 'br-0123456789ab']);
});

test('routes are read from /proc/net/route', () => {
  const text = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    '',
  ].join('\n');
  expect(parseRoutes(text)).toEqual([
    { device: 'eth0', destination: '0.0.0.0', gateway: '172.17.0.1' },
    { device: 'eth0', destination: '172.17.0.0', gateway: '0.0.0.0' },
  ]);
});

test('IPv6 addresses are read from /proc/net/if_inet6', () => {
  const text = [
    '00000000000000000000000000000001 01 80 10 80       lo',
    'fe80000000000000004211fffe000001 02 40 20 80     eth0',
    '',
  ].join('\n');
  expect(parseIPv6Addresses(text)).toEqual(['::1', 'fe80::42:11ff:fe00:1']);
});

test('capabilities are read from /proc/self/status, and missing ones are an error', () => {
  const status =
    'Name:\tnode\nCapInh:\t0000000000000000\nCapPrm:\t0000000000001000\nCapEff:\t0000000000000000\nCapBnd:\t00000000000010c0\n';
  expect(parseCapabilities(status)).toEqual({ effective: 0n, permitted: 0x1000n, bounding: 0x10c0n });
  expect(() => parseCapabilities('Name:\tnode\n')).toThrow(/CapEff/);
});
