import { expect, it } from 'vitest';
import { createBypass } from '../../../src/net/dial-proxy.ts';

it.each([
  ['x.example', 'x.example', 443, true],
  ['x.example', 'a.x.example', 443, true],
  ['x.example', 'ax.example', 443, false],
  ['x.example', 'x.example.evil.example', 443, false],
  ['.x.example', 'x.example', 443, false],
  ['.x.example', 'a.b.x.example', 443, true],
  ['*.x.example', 'a.x.example', 443, true],
  ['X.Example', 'x.example', 443, true],
  ['x.example.', 'x.example', 443, true],
  ['.X.example.', 'a.x.example', 443, true],
  ['.x.example.', 'x.example', 443, false],
  ['*.x.example', 'x.example', 443, false],
  ['example', 'x.example', 443, true],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example', 443, true],
  ['x.example:8443', 'x.example', 8443, true],
  ['x.example:8443', 'x.example', 443, false],
  ['x.example:8443', 'a.x.example', 8443, true],
  ['.x.example:8443', 'a.x.example', 443, false],
  ['x.example.:8443', 'x.example', 8443, true],
  [' x.example ', 'x.example', 443, true],
  ['10.0.0.0/8', '10.1.2.3', 443, true],
  ['10.0.0.0/8', '11.1.2.3', 443, false],
  ['10.0.0.0/8', '10.example', 443, false],
  ['192.0.2.7', '192.0.2.7', 443, true],
  ['192.0.2.7', '192.0.2.70', 443, false],
  ['192.0.2.7', '0xc0000207', 443, true],
  ['192.0.2.7', '192.0.2.7.x.example', 443, false],
  ['192.0.2.7:8443', '192.0.2.7', 8443, true],
  ['192.0.2.7:8443', '192.0.2.7', 443, false],
  ['10.1.2.3/8', '10.9.9.9', 443, true],
  ['10.0.0.0/31', '10.0.0.1', 443, true],
  ['10.0.0.0/31', '10.0.0.2', 443, false],
  ['0.0.0.0/0', '192.0.2.7', 443, true],
  ['0.0.0.0/0', '2001:db8::1', 443, false],
  ['0.0.0.0/0', 'x.example', 443, false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', 443, false],
  ['2001:db8::/32', '2001:db8::1', 443, true],
  ['2001:db8::/32', '2001:db9::1', 443, false],
  ['[2001:db8::]/32', '2001:db8::1', 443, true],
  ['2001:db8::1', '2001:db8:0:0::1', 443, true],
  ['[2001:DB8::1]', '2001:db8::1', 443, true],
  ['[2001:db8::1]', '2001:db8::2', 443, false],
  ['[2001:db8::1]:8443', '2001:db8::1', 8443, true],
  ['[2001:db8::1]:8443', '2001:db8::1', 443, false],
  ['::1', '::1', 443, true],
  ['*', 'anything.example', 1, true],
])('no_proxy %s and %s:%i: %s', (entry, host, port, isDirect) => {
  expect(createBypass([entry])(host, port)).toBe(isDirect);
});

it('an empty no_proxy lets nothing past the proxy; of several, one is enough', () => {
  expect(createBypass([])('x.example', 443)).toBe(false);
  expect(createBypass(['y.example', '10.0.0.0/8'])('10.1.2.3', 443)).toBe(true);
});
