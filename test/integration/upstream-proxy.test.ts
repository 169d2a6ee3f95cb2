// A company's proxy in a real session: the only way from the sidecar to the API, with a password that nobody else sees.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiService, startApi } from './harness/api-service.ts';
import { openEngine, until } from './harness/look-at-engine.ts';
import { Bench, type Running } from './harness/run-bottle.ts';
import { startService } from './harness/service.ts';

const bench = new Bench();
const docker = openEngine();
const token = `real-${crypto.randomUUID()}`;
const password = `pass-${crypto.randomUUID()}`;
const basic = Buffer.from(`build:${password}`).toString('base64');
let api: ApiService;

beforeAll(async () => {
  await bench.run(['start', bench.spec(''), '--', 'true']); // images and the shared network are there from now on
  api = await startApi(docker, bench.directory, 'api.example', token);
});
afterAll(async () => {
  await api.remove();
  bench.remove();
});

interface Asked {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Opens tunnels for those who know the password; listens until it is sent SIGHUP. */
const PROXY = `
const { connect } = require('node:net');
const open = new Set();
const server = require('node:http').createServer((request, response) => {
  keep({ line: request.method + ' ' + request.url, headers: request.headers });
  response.writeHead(400).end();
}).on('connection', (socket) => open.add(socket)).on('connect', ({ method, url, headers }, client, early) => {
  keep({ line: method + ' ' + url, headers });
  client.on('error', () => {});
  if (headers['proxy-authorization'] !== process.env.BASIC) {
    client.end('HTTP/1.1 407 Proxy Authentication Required\\r\\nContent-Length: 0\\r\\n\\r\\n');
    return;
  }
  const [host, port] = url.split(':');
  const upstream = connect(port, host, () => {
    client.write('HTTP/1.1 200 Connection established\\r\\n\\r\\n');
    upstream.write(early);
    upstream.pipe(client).pipe(upstream);
  });
  upstream.on('error', () => client.destroy());
}).listen(3128, up);
process.on('SIGHUP', () => {
  server.close();
  for (const socket of open) socket.destroy();
  keep({ line: 'closed', headers: {} });
});
`;

const startProxy = () =>
  startService<Asked>(docker, 'proxy', PROXY, {
    env: { BASIC: `Basic ${basic}` },
    networks: [api.network],
    hosts: { 'api.example': api.address },
  });

test.each([
  { network: 'sealed', end: 'listens no more', rule: 'proxy-connect' },
  // Some kernels say after a while that no such machine is there.
  { network: 'internal', end: 'is gone with its machine', rule: 'proxy-timeout|proxy-connect' },
])(
  'from $network, requests go through the proxy, with its password; once it $end, 502 says $rule',
  async ({ network, end, rule }) => {
    const company = await startProxy();
    let session: Running | undefined;
    try {
      const before = (await api.requests()).length;
      const file = bench.spec(`
agent: { network: ${network} }
secrets: { PROXY_PASSWORD: { env: PROXY_PASSWORD }, API_TOKEN: { env: API_TOKEN } }
egress:
  limits: { connect_seconds: 4 }
  upstream_proxy: { url: "http://proxy.example:3128", auth: { username: build, secret: PROXY_PASSWORD } }
  allow: [{ host: api.example, auth: { type: bearer, secret: API_TOKEN } }]`);
      const script = [
        'curl -sS https://api.example/explicit',
        'curl -sS --noproxy "*" -D - https://api.example/transparent',
        'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\\0" "\\n"',
        'echo; echo so far; read go',
        'curl -sS -w " %{http_code}\\n" https://api.example/down',
        'curl -sS -o /dev/null -w "%{http_code}\\n" https://proxy.example:3128/',
      ].join('\n');
      session = bench.drive(
        {
          spec: file,
          command: ['sh', '-c', script],
          // Not the API's network: only the proxy leads there, and only it knows the name.
          proxyNetworks: [company.network],
          proxyHosts: { 'proxy.example': company.address },
        },
        {
          env: {
            PROXY_PASSWORD: password,
            API_TOKEN: token,
            NODE_EXTRA_CA_CERTS: api.authority,
            SSL_CERT_FILE: undefined,
          },
          input: null,
        },
      );
      await session.waitFor('so far');
      const asked = await company.kept();
      expect(new Set(asked.map(({ line }) => line))).toEqual(new Set(['CONNECT api.example:443']));
      for (const { headers } of asked) expect(headers['proxy-authorization']).toBe(`Basic ${basic}`);
      const seen = (await api.requests()).slice(before);
      expect(seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
        ['/explicit', `Bearer ${token}`],
        ['/transparent', `Bearer ${token}`],
      ]);
      // What the proxy needs to know stays on the way to the proxy; what the API needs stays inside TLS.
      expect(JSON.stringify(seen)).not.toContain(password);
      expect(JSON.stringify(seen).toLowerCase()).not.toContain('proxy-authorization');
      expect(JSON.stringify(asked)).not.toContain(token);
      expect(await inspected(network === 'sealed' ? 3 : 2, file)).not.toMatch(new RegExp(`${password}|${basic}`));

      if (end === 'listens no more') {
        await company.signal('SIGHUP');
        await until('it is closed', async () => (await company.kept()).at(-1)?.line === 'closed');
      } else await company.stop();
      session.process.stdin?.end('\n');
      const { stdout, stderr } = await session.outcome;
      expect(stderr.includes(password) || stderr.includes(basic)).toBe(false);
      expect(stdout.match(/"user":"the right one"/g)).toHaveLength(2);
      expect(stdout).not.toContain(password);
      expect(stdout).not.toContain(basic);
      expect(stdout).toMatch(new RegExp(`the upstream proxy: .*proxy.example:3128.*"rule":"(${rule})".* 502\n`));
      const records = bench.records(nameOf(file));
      expect(records.filter(({ via }) => via !== 'dns').map(({ path, status, rule }) => [path, status, rule])).toEqual([
        ['/explicit', 200, 'allow.0'],
        ['/transparent', 200, 'allow.0'],
        ['/down', 502, expect.stringMatching(`^(${rule})$`)],
        ['/', 403, 'default'],
      ]);
      expect(JSON.stringify(records)).not.toContain(password);
      expect((await api.requests()).length).toBe(before + 2);
    } finally {
      // A network can go when nobody is on it.
      session?.process.stdin?.end();
      await session?.outcome;
      await company.remove();
    }
  },
);

const nameOf = (spec: string) => spec.replace(/^.*\//, '').replace('.yaml', '');

/** Everything that the engine tells of a session's containers. */
async function inspected(count: number, spec: string): Promise<string> {
  const filters = { label: [`bottle.name=${nameOf(spec)}`] };
  const found = await docker.listContainers({ all: true, filters });
  expect(found).toHaveLength(count);
  return JSON.stringify(await Promise.all(found.map(({ Id }) => docker.getContainer(Id).inspect())));
}
