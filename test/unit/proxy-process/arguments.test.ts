import { describe, expect, test } from 'vitest';
import { parseListenAddress } from '../../../src/proxy-process/listen-address.ts';
import { parseUpstreamMap } from '../../../src/proxy-process/upstream-map.ts';
import { BottleError, EXIT } from '../../../src/report/bottle-error.ts';

function failureOf(run: () => unknown): BottleError {
  try {
    run();
  } catch (error) {
    if (error instanceof BottleError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('--listen', () => {
  test.each([
    ['127.0.0.1:3128', '127.0.0.1:3128', true],
    ['127.0.0.1:0', '127.0.0.1:0', true],
    ['localhost:80', '127.0.0.1:80', true],
    ['[::1]:3128', '[::1]:3128', true],
    ['0.0.0.0:3128', '0.0.0.0:3128', false],
    ['[::]:3128', '[::]:3128', false],
    ['192.0.2.7:1', '192.0.2.7:1', false],
  ])('%s is understood', (text, address, isLoopback) => {
    expect(parseListenAddress(text)).toEqual({ text: address, isLoopback });
  });

  test.each([
    '',
    '3128',
    ':3128',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:3128',
    '[127.0.0.1]:1',
    'proxy.example:1',
    '127.0.0.1:3128 ',
  ])('%j is refused as wrong input', (text) => {
    expect(failureOf(() => parseListenAddress(text)).exitCode).toBe(EXIT.input);
  });
});

describe('--upstream-map', () => {
  test('names are dialled where it says, whatever their case', () => {
    expect(parseUpstreamMap('{"API.example:443":"127.0.0.1:8443","[::1]:443":"[::1]:9"}', 'm.json')).toEqual({
      'api.example:443': '127.0.0.1:8443',
      '[::1]:443': '[::1]:9',
    });
  });

  test.each([
    ['no JSON', '{', 'it is not JSON'],
    ['a list', '[]', 'it is not a JSON object'],
    ['null', 'null', 'it is not a JSON object'],
    ['a key without a port', '{"api.example":"127.0.0.1:1"}', 'the key "api.example" is not "host:port"'],
    ['a key with a scheme', '{"https://api.example:443":"127.0.0.1:1"}', 'is not "host:port"'],
    ['a pattern', '{"*.example:443":"127.0.0.1:1"}', 'is not "host:port"'],
    ['a name as value', '{"api.example:443":"localhost:1"}', 'the value of "api.example:443" is not "ip:port"'],
    ['a value without a port', '{"api.example:443":"127.0.0.1"}', 'is not "ip:port"'],
    ['port 0', '{"api.example:443":"127.0.0.1:0"}', 'is not "ip:port"'],
    ['port 65536', '{"api.example:443":"127.0.0.1:65536"}', 'is not "ip:port"'],
    ['a number', '{"api.example:443":443}', 'is not "ip:port"'],
  ])('%s is refused, with the place', (_, text, why) => {
    const failure = failureOf(() => parseUpstreamMap(text, 'm.json'));
    expect(failure.exitCode).toBe(EXIT.input);
    expect(failure.what).toBe('--upstream-map m.json is wrong');
    expect(failure.why).toContain(why);
  });
});
