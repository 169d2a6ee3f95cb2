// curl's range of protocols and options through the proxy, against node:http: what arrives there and what comes back.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, httpSetting } from './harness/setting.ts';

const run = promisify(execFile);
const TEXT = 'all work and no play makes a dull file\n'.repeat(5000);
const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

let proxy: RunningProxy;
let ca = '';
let file = '';

beforeAll(async () => {
  ({ proxy } = await httpSetting((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (chunk: Buffer) => pieces.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
      if (request.url === '/file' && range !== null) {
        const from = Number(range[1]);
        const to = range[2] === '' ? TEXT.length - 1 : Number(range[2]);
        if (from >= TEXT.length) {
          response.writeHead(416, { 'content-range': `bytes */${TEXT.length}` }).end();
          return;
        }
        response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${TEXT.length}` });
        response.end(TEXT.slice(from, to + 1));
      } else if (request.url === '/file') response.end(TEXT);
      else if (request.url === '/gzip') {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(TEXT));
      } else if (request.url === '/empty') response.writeHead(204).end();
      else if (request.url === '/moved') response.writeHead(302, { location: '/file' }).end();
      else response.end(`${request.method} ${digest(body)} ${request.headers['content-type'] ?? ''}`);
    });
  }));
  ca = join(proxy.directory, 'ca.pem');
  file = join(proxy.directory, 'file.txt');
  writeFileSync(ca, proxy.ca);
  writeFileSync(file, TEXT);
});
afterAll(endSettings);

const through = (): string[] => ['-sS', '--cacert', ca, '-x', `http://127.0.0.1:${proxy.port}`];
const curl = async (...args: string[]): Promise<string> =>
  (await run('curl', [...through(), ...args], { maxBuffer: 1 << 26 })).stdout;

it.each([
  ['HTTP/1.0', ['-0']],
  ['HTTP/1.1', ['--http1.1']],
  ['HTTP/2', ['--http2']],
])('a file comes whole over %s', async (_what, flags) => {
  expect(digest(await curl(...flags, `https://${HOST}/file`))).toBe(digest(TEXT));
});

it.each([
  ['-T', () => ['-T', file], 'PUT', () => digest(TEXT)],
  ['-T with chunks', () => ['-T', file, '-H', 'Transfer-Encoding: chunked', '--http1.1'], 'PUT', () => digest(TEXT)],
  ['-d', () => ['--data-binary', `@${file}`], 'POST', () => digest(TEXT)],
  [
    '-d with an expectation',
    () => ['--data-binary', `@${file}`, '-H', 'Expect: 100-continue', '--http1.1'],
    'POST',
    () => digest(TEXT),
  ],
  ['-d over HTTP/1.0', () => ['--data-binary', `@${file}`, '-0'], 'POST', () => digest(TEXT)],
  ['an empty body', () => ['-d', ''], 'POST', () => digest('')],
])('%s goes up whole', async (_what, flags, method, sum) => {
  expect(await curl(...flags(), `https://${HOST}/up`)).toMatch(new RegExp(`^${method} ${sum()} `));
});

it('-F sends a form of parts', async () => {
  const told = await curl('-F', `a=@${file}`, '-F', 'b=2', `https://${HOST}/up`);
  expect(told).toMatch(/^POST [0-9a-f]{64} multipart\/form-data; boundary=/);
});

it('--range and -C bring parts, and 416 comes as it is', async () => {
  expect(await curl('--range', '5-24', `https://${HOST}/file`)).toBe(TEXT.slice(5, 25));
  const part = join(proxy.directory, `part-${randomBytes(4).toString('hex')}`);
  writeFileSync(part, TEXT.slice(0, 1000));
  await curl('-C', '-', '-o', part, `https://${HOST}/file`);
  expect(digest(readFileSync(part))).toBe(digest(TEXT));
  expect(await curl('--range', '99999999-', '-o', '/dev/null', '-w', '%{http_code}', `https://${HOST}/file`)).toBe(
    '416',
  );
});

it('--compressed brings what the upstream compressed', async () => {
  expect(digest(await curl('--compressed', `https://${HOST}/gzip`))).toBe(digest(TEXT));
  const encoded = await run('curl', [...through(), '-H', 'Accept-Encoding: gzip', `https://${HOST}/gzip`], {
    encoding: 'buffer',
  });
  expect(digest(encoded.stdout)).toBe(digest(gzipSync(TEXT)));
});

it('-I, 204, a redirect, and several on one connection', async () => {
  expect(await curl('-I', `https://${HOST}/file`)).toMatch(/^HTTP\/1\.1 200 Connection[\s\S]*\r\n\r\nHTTP\/\S+ 200/);
  const format = '%{http_code} %{num_connects}\n';
  const told = await curl(
    '-L',
    '-o',
    '/dev/null',
    '-w',
    format,
    `https://${HOST}/empty`,
    '-o',
    '/dev/null',
    `https://${HOST}/moved`,
  );
  expect(told).toMatch(/^204 1\n200 0\n$/);
  expect(
    await curl(
      '--parallel',
      ...Array.from({ length: 8 }, (_, n) => [`https://${HOST}/p${n}`, '-o', '/dev/null']).flat(),
      '-w',
      '%{http_code}\n',
    ),
  ).toBe('200\n'.repeat(8));
});
