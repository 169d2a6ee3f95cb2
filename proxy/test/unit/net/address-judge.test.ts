import { describe, expect, test } from 'vitest';
import type { Route } from '../../../src/contract.ts';
import { createAddressJudge } from '../../../src/net/address-judge.ts';

const route = (host: string, allowPrivate = false): Route => ({
  id: 'allow.0',
  host,
  ports: [443],
  scheme: 'https',
  rules: [],
  auth: null,
  placeholder: null,
  dlp: { onMatch: 'block', except: [] },
  allowPrivate,
  errorShape: 'plain',
  quota: null,
});

const judge = createAddressJudge(['203.0.113.0/24', '2001:db8:1::/48']);

describe('the requested host', () => {
  test.each([
    ['api.example', null],
    ['198.51.100.1', null],
    ['localhost', 'private-address'],
    ['127.1', 'private-address'],
    ['[::ffff:10.0.0.1]', 'private-address'],
    ['169.254.169.254', 'metadata-address'],
    ['metadata.google.internal', 'metadata-address'],
    ['1.2.3.4.5', 'malformed-address'],
    ['203.0.113.5', 'private-address'],
    ['::ffff:203.0.113.5', 'private-address'],
    ['64:ff9b::203.0.113.5', 'private-address'],
    ['2001:db8:1::5', 'private-address'],
  ])('%s on its own route: %s', (host, rule) => {
    expect(judge.judgeHost(route(host), host)?.rule ?? null).toBe(rule);
  });

  test.each([
    ['localhost', null],
    ['10.0.0.1', null],
    ['203.0.113.5', null],
    ['fe80::1', null],
    ['1.2.3.4.5', 'malformed-address'],
    ['169.254.169.254', null],
    ['metadata.google.internal', null],
  ])('%s with allow_private on its own route: %s', (host, rule) => {
    expect(judge.judgeHost(route(host, true), host)?.rule ?? null).toBe(rule);
  });

  test('a pattern with allow_private does not open a metadata name', () => {
    expect(judge.judgeHost(route('*.google.internal', true), 'metadata.google.internal')?.rule).toBe(
      'metadata-address',
    );
  });
});

describe('a resolved address', () => {
  test.each([
    ['198.51.100.1', false, null],
    ['10.0.0.1', false, 'private-address'],
    ['10.0.0.1', true, null],
    ['203.0.113.1', false, 'private-address'],
    ['169.254.169.254', false, 'metadata-address'],
    ['169.254.169.254', true, 'metadata-address'],
    ['::1', false, 'private-address'],
    ['fe80::1%eth0', false, 'private-address'],
  ])('api.example -> %s, allow_private %s: %s', (address, allowPrivate, rule) => {
    expect(judge.judgeResolved(route('api.example', allowPrivate), 'api.example', address)?.rule ?? null).toBe(rule);
  });

  test('the refusal names host, address, kind and the way to allow it', () => {
    expect(judge.judgeResolved(route('*.example'), 'api.example', '10.0.0.1')).toEqual({
      rule: 'private-address',
      reason: 'api.example resolves to 10.0.0.1, a private address',
      fix: 'set allow_private: true on the rule for "*.example" if this is meant',
    });
  });
});

test('a CIDR that is none is an error at the start, not a hole', () => {
  expect(() => createAddressJudge(['10.0.0.0/99'])).toThrow(RangeError);
});
