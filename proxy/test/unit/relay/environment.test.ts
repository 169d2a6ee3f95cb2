import { expect, test } from 'vitest';
import { readRelaySettings } from '../../../src/relay/environment.ts';

const BOTTLE_PROBE = JSON.stringify({ topology: 'sealed', tcp: [], dns: [], proxy: null });
const BOTTLE_SOCKET = '/run/bottle/relay.sock';

test.each([
  ['', [80, 443, 3128]],
  ['8443,5000', [80, 443, 3128, 8443, 5000]],
  ['443,80,53,8443', [80, 443, 3128, 8443]],
])('the ports "%s" besides the usual ones make %j; 53 stays DNS', (ports, expected) => {
  expect(readRelaySettings({ BOTTLE_SOCKET, BOTTLE_PORTS: ports, BOTTLE_PROBE }).ports).toEqual(expected);
});

test.each(['0', '65536', 'http', '80 ', '80;443', '-1', '1e3'])('the port "%s" is refused', (ports) => {
  expect(() => readRelaySettings({ BOTTLE_SOCKET, BOTTLE_PORTS: ports, BOTTLE_PROBE })).toThrow(/is not a port/);
});

test.each([undefined, '', 'relay.sock'])('the socket %j is refused', (socket) => {
  const environment = { BOTTLE_PORTS: '', BOTTLE_PROBE, ...(socket === undefined ? {} : { BOTTLE_SOCKET: socket }) };
  expect(() => readRelaySettings(environment)).toThrow(/BOTTLE_SOCKET/);
});
