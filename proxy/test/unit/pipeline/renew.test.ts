import { expect, it } from 'vitest';
import type { ProxyConfig } from '../../../src/contract.ts';
import { renewSecrets } from '../../../src/pipeline/renew.ts';

const config = {
  secrets: [
    { name: 'A', value: 'a-0', placeholder: 'pa' },
    { name: 'B', value: 'b-0', placeholder: 'pb' },
  ],
} as unknown as ProxyConfig;

const of = ({ secrets }: ProxyConfig, name: string) => secrets.filter((secret) => secret.name === name);

it('puts the new value last, and keeps the old one without its placeholder', () => {
  const renewed = renewSecrets(config, [{ name: 'A', value: 'a-1' }]);
  expect(of(renewed, 'A')).toEqual([
    { name: 'A', value: 'a-0', placeholder: '' },
    { name: 'A', value: 'a-1', placeholder: 'pa' },
  ]);
  expect(of(renewed, 'B')).toEqual(of(config, 'B'));
});

it('is the same object where nothing is new', () => {
  expect(renewSecrets(config, [{ name: 'A', value: 'a-0' }])).toBe(config);
  expect(renewSecrets(config, [{ name: 'C', value: 'c-0' }])).toBe(config);
});

it('remembers each old value once, and no more than eight', () => {
  let renewed = config;
  for (let i = 1; i <= 20; i++) renewed = renewSecrets(renewed, [{ name: 'A', value: `a-${i}` }]);
  expect(of(renewed, 'A').map(({ value }) => value)).toEqual(Array.from({ length: 9 }, (_, i) => `a-${i + 12}`));
  renewed = renewSecrets(renewed, [{ name: 'A', value: 'a-15' }]);
  expect(of(renewed, 'A').filter(({ value }) => value === 'a-15')).toHaveLength(1);
  expect(of(renewed, 'A').at(-1)).toEqual({ name: 'A', value: 'a-15', placeholder: 'pa' });
});
