// What it costs the proxy to search answers for what was injected: CPU time of its process for bodies of 10 MB with and without a credential on the
// route, in turns, on one connection.
//
//   sh scripts/with-node.sh node --disable-warning=ExperimentalWarning bench/scrub.ts
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { connectHost } from '../proxy/test/integration/harness/client.ts';
import type { RunningProxy } from '../proxy/test/integration/harness/proxy.ts';
import { endSettings, HOST, httpSetting } from '../proxy/test/integration/harness/setting.ts';
import { threadMicros } from './process.ts';

const BODY_BYTES = 10 * 1024 * 1024;
const REQUESTS = 8;
const ROUNDS = 5;
const SECRET = {
  name: 'K',
  value: `ghp_${randomBytes(18).toString('hex')}`,
  placeholder: `bottle_${randomBytes(18).toString('hex')}`,
};

const text = (): Buffer => {
  const line =
    '{"id": 12345, "name": "a value", "content": ["the quick brown fox", true, null], "at": "2026-11-24T15:28:22Z"}\n';
  return Buffer.from(line.repeat(Math.ceil(BODY_BYTES / line.length))).subarray(0, BODY_BYTES);
};
const BODIES: Readonly<Record<string, { readonly body: Buffer; readonly encoding?: string }>> = {
  'JSON lines': { body: text() },
  'random bytes': { body: randomBytes(BODY_BYTES) },
  base64: { body: Buffer.from(randomBytes(BODY_BYTES).toString('base64')).subarray(0, BODY_BYTES) },
  // Sent so although nobody asked for it: what is searched is decoded first.
  'JSON lines in gzip': { body: gzipSync(text()), encoding: 'gzip' },
};

async function settingFor(isInjected: boolean): Promise<RunningProxy> {
  const { proxy } = await httpSetting(
    (request, response) => {
      const { body, encoding } = BODIES[decodeURIComponent(request.url!.slice(1))]!;
      if (encoding !== undefined) response.setHeader('content-encoding', encoding);
      response.setHeader('content-length', body.length);
      response.end(body);
    },
    { route: isInjected ? { auth: { type: 'bearer', secret: 'K' } } : {}, secrets: [SECRET] },
  );
  return proxy;
}

/** CPU time of the proxy for all requests of one kind, in µs. */
async function fetchThrough(proxy: RunningProxy, kind: string): Promise<number> {
  const client = await connectHost(proxy, HOST);
  client.socket.removeAllListeners('data');
  const request = `GET /${encodeURIComponent(kind)} HTTP/1.1\r\nHost: ${HOST}\r\n`;
  const before = cpuOf(proxy);
  const closed = new Promise((resolve) => client.socket.once('close', resolve));
  client.socket.resume();
  for (let i = 1; i < REQUESTS; i++) client.send(`${request}\r\n`);
  client.send(`${request}Connection: close\r\n\r\n`);
  client.socket.once('end', () => client.close());
  await closed;
  return cpuOf(proxy) - before;
}

const cpuOf = ({ pid }: RunningProxy): number => threadMicros(pid).reduce((sum, one) => sum + one, 0);

const proxies = [await settingFor(false), await settingFor(true)];
for (const kind of Object.keys(BODIES)) {
  for (const proxy of proxies) await fetchThrough(proxy, kind);
  const sums = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, proxy] of proxies.entries()) sums[index]! += await fetchThrough(proxy, kind);
  }
  const [plain, searched] = sums.map((micros) => Math.round((ROUNDS * REQUESTS * BODY_BYTES) / micros));
  const ratio = (sums[1]! / sums[0]!).toFixed(2);
  process.stdout.write(`${kind}: ${plain} MB/s of CPU relayed, ${searched} searched; CPU time ${ratio} times\n`);
}
endSettings();
process.exit();
