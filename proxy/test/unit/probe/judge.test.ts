import { describe, expect, test } from 'vitest';
import {
  judgeCapabilities,
  judgeDnsServer,
  judgeInterfaces,
  judgeIPv6,
  judgeName,
  judgeProxy,
  judgeRawSocket,
  judgeRoutes,
  judgeTcp,
  type NameOutcome,
} from '../../../src/probe/judge.ts';

test.each([
  [{ kind: 'captured' }, true],
  [{ kind: 'connected' }, false],
  [{ kind: 'failed', code: 'ECONNREFUSED' }, true],
  [{ kind: 'silent' }, true],
] as const)('a TCP target that was %o is fine: %s', (outcome, isFine) => {
  expect(judgeTcp('192.0.2.1:80', outcome).ok).toBe(isFine);
});

test.each([
  [{ kind: 'connected' }, true],
  [{ kind: 'captured' }, false],
  [{ kind: 'failed', code: 'ECONNREFUSED' }, false],
  [{ kind: 'silent' }, false],
] as const)('a proxy that was %o is fine: %s', (outcome, isFine) => {
  expect(judgeProxy('192.0.2.2:3128', outcome).ok).toBe(isFine);
});

test.each([
  [{ kind: 'captured' }, true],
  [{ kind: 'answered', code: 0, address: '192.0.2.1' }, false],
  [{ kind: 'answered', code: 3, address: null }, false],
  [{ kind: 'failed', code: 'ECONNREFUSED' }, true],
  [{ kind: 'silent' }, true],
] as const)('a DNS server that was %o is fine: %s', (outcome, isFine) => {
  expect(judgeDnsServer('192.0.2.1:53', outcome).ok).toBe(isFine);
});

test.each<[NameOutcome, boolean]>([
  [{ kind: 'resolved', addresses: ['198.18.0.1'] }, true],
  [{ kind: 'resolved', addresses: ['198.18.0.1', '203.0.113.9'] }, false],
  [{ kind: 'resolved', addresses: ['203.0.113.9'] }, false],
  [{ kind: 'failed', code: 'ENOTFOUND' }, false],
  [{ kind: 'failed', code: 'ENODATA' }, false],
  [{ kind: 'failed', code: 'ESERVFAIL' }, true],
  [{ kind: 'failed', code: 'ETIMEOUT' }, true],
  [{ kind: 'failed', code: 'ECANCELLED' }, true],
])('a made-up name that was %o is fine: %s', (outcome, isFine) => {
  expect(judgeName(outcome, '198.18.0.1').ok).toBe(isFine);
});

describe('interfaces', () => {
  test.each([
    ['sealed', ['lo'], ['lo'], true],
    ['sealed', ['lo', 'eth0'], ['lo'], false],
    ['sealed', ['lo', 'tunl0', 'sit0', 'ip6tnl0'], ['lo'], true],
    ['sealed', ['lo', 'sit0'], ['lo', 'sit0'], false],
    ['sealed', [], [], true],
    ['internal', ['lo', 'eth0'], ['lo', 'eth0'], true],
    ['internal', ['lo', 'eth0', 'eth1'], ['lo', 'eth0'], false],
  ] as const)('%s with %o, addresses on %o: %s', (topology, present, addressed, isFine) => {
    expect(judgeInterfaces(topology, { present, addressed }).ok).toBe(isFine);
  });
});

test('a sealed namespace has no route but over lo; an internal one may', () => {
  const out = { device: 'eth0', destination: '0.0.0.0', gateway: '10.0.0.1' };
  const local = { device: 'lo', destination: '198.18.0.0', gateway: '0.0.0.0' };
  expect(judgeRoutes('sealed', [local])).toEqual({ ok: true, detail: 'none leads out' });
  expect(judgeRoutes('sealed', [local, out])).toEqual({
    ok: false,
    detail: 'routes lead out: 0.0.0.0 via 10.0.0.1 dev eth0',
  });
  expect(judgeRoutes('internal', [out]).ok).toBe(true);
});

test('IPv6 is off or only ::1', () => {
  expect(judgeIPv6([]).ok).toBe(true);
  expect(judgeIPv6(['::1']).ok).toBe(true);
  expect(judgeIPv6(['::1', 'fe80::1']).ok).toBe(false);
});

test.each([
  [0n, 0n, 0n, true],
  [0n, 0n, 0xc0n | (1n << 12n), true],
  [0n, 0n, 1n << 13n, false],
  [1n, 1n, 1n, false],
  [0n, 1n, 1n, false],
])('capabilities effective %s, permitted %s, bounding %s: %s', (effective, permitted, bounding, isFine) => {
  expect(judgeCapabilities({ effective, permitted, bounding }).ok).toBe(isFine);
});

test('a raw socket must be refused where it can be tried', () => {
  expect(judgeRawSocket({ kind: 'refused' }).ok).toBe(true);
  expect(judgeRawSocket({ kind: 'untried' }).ok).toBe(true);
  expect(judgeRawSocket({ kind: 'not-refused', detail: 'lo is not ARPable' }).ok).toBe(false);
});
