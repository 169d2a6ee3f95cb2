// What it costs the proxy to read the usage of a long stream of events: CPU time of its process with and without a bound on tokens, in turns.
//
//   sh scripts/with-node.sh node --disable-warning=ExperimentalWarning bench/usage.ts
import { readFileSync } from 'node:fs';
import type { Quota } from '../proxy/src/contract.ts';
import { connectHost } from '../proxy/test/integration/harness/client.ts';
import type { RunningProxy } from '../proxy/test/integration/harness/proxy.ts';
import { endSettings, HOST, httpSetting } from '../proxy/test/integration/harness/setting.ts';

const STREAM_BYTES = 96 * 1024 * 1024;
const ROUNDS = 5;
const SECRET = { name: 'K', value: 'abcdefghij0123456789abcdefghij', placeholder: 'zyxwvutsrq9876543210zyxwvutsrq' };
const BOUND: Quota = {
  ...{ name: 'egress.limits', requestBytes: null, requestsPerMinute: null, totalBytes: null },
  spend: { tokens: 1e15, tokensPerMinute: null, costUsd: null, prices: [] },
};

function eventsOf(bytes: number): Buffer {
  let text = '';
  for (let i = 0; text.length < bytes; i++) {
    const data = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ` word ${i} of "talk"` } };
    text += `event: content_block_delta\ndata: ${JSON.stringify(data)}\n\n`;
  }
  return Buffer.from(text);
}

/** `stepBytes`: what the upstream writes at a time. */
async function settingFor(quota: Quota | null, isInjected: boolean, stepBytes: number): Promise<RunningProxy> {
  const block = eventsOf(64 * 1024);
  const { proxy } = await httpSetting(
    (request, response) => {
      request.resume().on('end', async () => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let sent = 0; sent < STREAM_BYTES; sent += block.length) {
          for (let at = 0; at < block.length; at += stepBytes) {
            const isFull = !response.write(block.subarray(at, at + stepBytes));
            if (isFull) await new Promise((resolve) => response.once('drain', resolve));
          }
        }
        response.end('data: [DONE]\n\n');
      });
    },
    {
      route: {
        quota,
        errorShape: 'anthropic',
        ...(isInjected ? { auth: { type: 'bearer', secret: 'K' } as const } : {}),
      },
      secrets: isInjected ? [SECRET] : [],
    },
  );
  return proxy;
}

/** In ticks of 10 ms. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

async function streamThrough(proxy: RunningProxy): Promise<number> {
  const before = cpuOf(proxy.pid);
  const client = await connectHost(proxy, HOST);
  client.socket.removeAllListeners('data');
  let end = '';
  const done = new Promise<void>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => {
      end = (end + chunk.toString('latin1', Math.max(0, chunk.length - 16))).slice(-16);
      if (end.endsWith('\r\n0\r\n\r\n')) resolve();
    });
  });
  client.send(`POST /v1/messages HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 2\r\n\r\n{}`);
  await done;
  client.close();
  return cpuOf(proxy.pid) - before;
}

for (const isInjected of [false, true]) {
  for (const stepBytes of [64 * 1024, 1000]) {
    const proxies = [await settingFor(null, isInjected, stepBytes), await settingFor(BOUND, isInjected, stepBytes)];
    for (const proxy of proxies) await streamThrough(proxy);
    const sums = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, proxy] of proxies.entries()) sums[index]! += await streamThrough(proxy);
    }
    const ratio = (sums[1]! / sums[0]!).toFixed(2);
    const how = `${isInjected ? 'searched for a credential' : 'plain'}, written ${stepBytes} bytes at a time`;
    process.stdout.write(`${how}: ${sums[0]} ticks without, ${sums[1]} with, ratio ${ratio}\n`);
  }
}
endSettings();
process.exit();
