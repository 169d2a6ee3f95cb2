import { describe, expect, test } from 'vitest';
import { parsePlace, readProbeTargets } from '../../../src/probe/targets.ts';

const sealed = { topology: 'sealed', tcp: ['192.0.2.1:80'], dns: [], proxy: null };

test('targets are read as they were given', () => {
  expect(readProbeTargets({ BOTTLE_PROBE: JSON.stringify(sealed) })).toEqual(sealed);
  const internal = { topology: 'internal', tcp: ['[::1]:80'], dns: ['192.0.2.1:53'], proxy: '192.0.2.2:3128' };
  expect(readProbeTargets({ BOTTLE_PROBE: JSON.stringify(internal) })).toEqual(internal);
});

describe('a probe that could prove nothing does not start', () => {
  test.each([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['null', 'null'],
    ['no topology', JSON.stringify({ ...sealed, topology: 'open' })],
    ['no list', JSON.stringify({ ...sealed, tcp: '192.0.2.1:80' })],
    ['a name as target', JSON.stringify({ ...sealed, tcp: ['example.com:80'] })],
    ['a target without port', JSON.stringify({ ...sealed, dns: ['192.0.2.1'] })],
    ['sealed with a proxy', JSON.stringify({ ...sealed, proxy: '192.0.2.2:3128' })],
    ['internal without a proxy', JSON.stringify({ ...sealed, topology: 'internal' })],
  ])('%s', (_, text) => {
    expect(() => readProbeTargets(text === undefined ? {} : { BOTTLE_PROBE: text })).toThrow(/BOTTLE_PROBE/);
  });
});

test.each(['192.0.2.1:0', '192.0.2.1:65536', '::1:80', '[::1]', '[192.0.2.1:80', ':80', '', '192.0.2.1:80 '])(
  '%j is no place',
  (text) => {
    expect(() => parsePlace(text)).toThrow(/not ADDR:PORT/);
  },
);
