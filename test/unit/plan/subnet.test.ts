import { expect, test } from 'vitest';
import { pickSubnet } from '../../../src/plan/subnet.ts';

test('a subnet has an address for each of its members', () => {
  expect(pickSubnet([], () => 0)).toEqual({
    cidr: '10.192.0.0/29',
    gateway: '10.192.0.1',
    proxy: '10.192.0.2',
    agent: '10.192.0.3',
    probe: '10.192.0.4',
  });
});

test('what is in use is passed over, whatever its size', () => {
  let at = 0;
  const next = () => at++;
  expect(pickSubnet(['10.192.0.0/30', '10.192.0.12/32', 'fd00::/64'], next).cidr).toBe('10.192.0.16/29');
});

test('a network around the whole pool leaves none', () => {
  expect(() => pickSubnet(['10.0.0.0/8'], () => 7)).toThrow('no free subnet');
});
