import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting } from './harness/setting.ts';

const run = promisify(execFile);
let proxy: RunningProxy;
let ca = '';

beforeAll(async () => {
  ({ proxy } = await httpSetting((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method: request.method, url: request.url, body }));
    });
  }));
  ca = join(proxy.directory, 'ca.pem');
  writeFileSync(ca, proxy.ca);
});
afterAll(endSettings);

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  https_proxy: `http://127.0.0.1:${proxy.port}`,
  HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
  NODE_USE_ENV_PROXY: '1',
  NODE_EXTRA_CA_CERTS: ca,
  SSL_CERT_FILE: ca,
});

describe('a real client', () => {
  it('curl posts and reads the answer', async () => {
    const { stdout } = await run('curl', ['-sS', '-d', 'a=1', `https://${HOST}/curl`], { env: environment() });
    expect(JSON.parse(stdout)).toEqual({ method: 'POST', url: '/curl', body: 'a=1' });
  });

  it('curl shows the text of a refusal', async () => {
    const { stdout } = await run('curl', ['-sS', 'https://evil.example/'], { env: environment() });
    expect(JSON.parse(stdout)).toMatchObject({ blocked: true, stage: 'policy' });
  });

  it("Node's fetch posts several times on one connection", async () => {
    const script = `for (const n of [1, 2, 3]) {
      const response = await fetch('https://${HOST}/node', { method: 'POST', body: String(n) });
      console.log(await response.text());
    }`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env: environment() });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(['1', '2', '3'].map((body) => ({ method: 'POST', url: '/node', body })));
  });

  it("Python's urllib gets", async () => {
    const script = `import urllib.request; print(urllib.request.urlopen('https://${HOST}/python').read().decode())`;
    const { stdout } = await run('python3', ['-c', script], { env: environment() });
    expect(JSON.parse(stdout)).toEqual({ method: 'GET', url: '/python', body: '' });
  });

  it('that speaks HTTP/1.0 is answered', async () => {
    const { stdout } = await run('curl', ['-sS', '-0', `https://${HOST}/old`], { env: environment() });
    expect(JSON.parse(stdout)).toMatchObject({ url: '/old' });
  });
});
