// HTTP/3 in a real session: QUIC goes nowhere, says so at once where a name leads, and a client that tried it first gets on over TCP.
import { createSocket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiService, startApi } from './harness/api-service.ts';
import { containerOf, openEngine, until } from './harness/look-at-engine.ts';
import { Bench } from './harness/run-bottle.ts';

const bench = new Bench();
const docker = openEngine();
const arrived: string[] = [];
const udp = createSocket('udp4', (_, from) => arrived.push(from.address));
let api: ApiService;

beforeAll(async () => {
  await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(443, '0.0.0.0', resolve));
  await bench.run(['start', bench.spec(''), '--', 'true']); // images and the shared network are there from now on
  api = await startApi(docker, bench.directory, 'api.example', 'no token');
});
afterAll(async () => {
  udp.close();
  await api.remove();
  bench.remove();
});

/** A client's first datagram of QUIC to UDP 443: twenty times in a row to a name, once to each literal; prints what each came to. */
const QUIC = `
import os, socket, sys
from concurrent.futures import ThreadPoolExecutor
initial = bytes.fromhex('c30000000108') + os.urandom(8) + bytes.fromhex('00004496') + os.urandom(1182)
def attempt(host, seconds=2):
  try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
      s.settimeout(seconds)
      s.connect((host, 443))
      s.send(initial)
      return 'answer ' + repr(s.recv(2000))
  except TimeoutError: return 'silence'
  except ConnectionRefusedError: return 'refused'
  except OSError as error: return error.strerror
name, *literals = sys.argv[1:]
print('name', *(attempt(name, 10) for _ in range(20)))
with ThreadPoolExecutor(len(literals)) as pool:
  for literal, came in zip(literals, pool.map(attempt, literals)): print(literal, came)
`;

/** Of this machine, its bridges' too, of a service on another network, and of nobody. */
const literals = (): readonly string[] => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const ipv4 = own.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
  return [...ipv4, api.address, '192.0.2.1'];
};

test.each([
  // In sealed every address is the namespace's own, where nobody listens; in internal a literal leads nowhere.
  { network: 'sealed', literal: /^refused$/ },
  { network: 'internal', literal: /^(silence|Network is unreachable|No route to host)$/ },
])('from $network, QUIC reaches nobody and is refused where a name leads; TCP works after it', async (row) => {
  const file = bench.spec(`agent: { network: ${row.network} }
egress: { allow: [{ host: api.example, allow_private: true }] }`);
  const name = file.replace(/^.*\//, '').replace('.yaml', '');
  const before = (await api.requests()).length;
  const script = 'echo up; read go; python3 -c "$0" api.example $go; curl -sS --noproxy "*" https://api.example/after';
  const session = bench.drive(
    {
      spec: file,
      command: ['sh', '-c', script, QUIC],
      proxyNetworks: [api.network],
      proxyHosts: { 'api.example': api.address },
    },
    { env: { NODE_EXTRA_CA_CERTS: api.authority, SSL_CERT_FILE: undefined }, input: null },
  );
  await session.waitFor('up');
  expect(await udpPorts(name)).not.toContain(443);
  // The bridges of this very session are there by now.
  const targets = literals();
  session.process.stdin?.end(`${targets.join(' ')}\n`);
  const { stdout, code } = await session.outcome;
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(0, 2)).toEqual(['up', `name${' refused'.repeat(20)}`]);
  const came = lines.slice(2, -1).map((line) => line.split(' '));
  expect(came.map(([target]) => target)).toEqual(targets);
  for (const [, ...outcome] of came) expect(outcome.join(' ')).toMatch(row.literal);
  expect(lines.at(-1)).toBe('{"user":"nobody"}');
  expect(code).toBe(0);
  expect((await api.requests()).slice(before).map(({ url }) => url)).toEqual(['/after']);
  expect(arrived).toEqual([]);
});

test('the listener can be reached by those who may: the test would have noticed', async () => {
  const sender = createSocket('udp4');
  sender.send('here', 443, '127.0.0.1');
  await until('the datagram arrived', () => arrived.length > 0);
  sender.close();
  expect(arrived).toEqual(['127.0.0.1']);
});

/** Where the sidecar has sockets of UDP. */
async function udpPorts(name: string): Promise<readonly number[]> {
  const proxy = await containerOf(docker, name, 'proxy');
  const Cmd = ['busybox', 'cat', '/proc/net/udp', '/proc/net/udp6'];
  const exec = await proxy.exec({ Cmd, AttachStdout: true, Tty: true });
  const chunks: Buffer[] = [];
  for await (const chunk of await exec.start({ Tty: true })) chunks.push(chunk as Buffer);
  const table = Buffer.concat(chunks).toString();
  expect(table).toContain('local_address');
  return [...table.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)].map(([, port = '']) => Number.parseInt(port, 16));
}
