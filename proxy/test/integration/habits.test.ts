// Less common but legal things that agents' tools do: each passes as it was sent, on one proxy, and the connection carries the next request.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { answerOf, ask, connectH2, open, requestList } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { arrivals, type Upstream, type UpstreamPeer } from './harness/upstream.ts';

const run = promisify(execFile);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const HEAD_BYTES = 16 * 1024;
/** A byte range over two parts, with bytes in it that look like heads and boundaries. */
const PARTS =
  '--b\r\nContent-Range: bytes 0-3/99\r\n\r\n\0\r\n\xff\r\n--b\r\nContent-Range: bytes 9-12/99\r\n\r\nHTTP\r\n--b--\r\n';

let proxy: RunningProxy;
let upstream: Upstream;
/** What the upstream says to the next request. */
let says: string | ((peer: UpstreamPeer) => void) = OK;

/** Answers each request once it is whole. */
function serve(peer: UpstreamPeer): void {
  let read = 0;
  peer.socket.on('data', () => {
    for (let end = endOf(peer.received(), read); end > 0; end = endOf(peer.received(), read)) {
      read = end;
      if (typeof says === 'string') peer.send(says);
      else says(peer);
    }
  });
}

/** Where the request that begins there ends; 0 = it is not whole yet. */
function endOf(text: string, from: number): number {
  const headEnd = text.indexOf('\r\n\r\n', from) + 4;
  if (headEnd < 4) return 0;
  const head = text.slice(from, headEnd);
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
    const last = /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(headEnd));
    return last === null ? 0 : headEnd + last.index + last[0].length;
  }
  const end = headEnd + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return text.length < end ? 0 : end;
}

beforeAll(async () => {
  ({ proxy, upstream } = await rawSetting(serve, { limits: { headBytes: HEAD_BYTES } }));
});
afterAll(endSettings);

const get = (line: string, fields = ''): string => `${line} HTTP/1.1\r\nHost: ${HOST}\r\n${fields}\r\n`;
/** Without the empty line a head may have so many bytes. */
const longest = '/'.padEnd(HEAD_BYTES - get('GET ').length + 4, 'a');

describe('what an agent sends arrives as it was', () => {
  it.each<readonly [string, string]>([
    ['OPTIONS *', get('OPTIONS *')],
    ['OPTIONS of a path', get('OPTIONS /x', 'Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n')],
    ['PROPFIND with a body', `${get('PROPFIND /dav/', 'Depth: 1\r\nContent-Length: 11\r\n')}<propfind/>`],
    ['REPORT', get('REPORT /dav/')],
    ['M-SEARCH', get('M-SEARCH /')],
    ['QUERY with a body', `${get('QUERY /', 'Content-Length: 3\r\n')}a=1`],
    ['PATCH', `${get('PATCH /', 'Content-Type: application/json-patch+json\r\nContent-Length: 2\r\n')}[]`],
    ['a method in lower case', get('get /')],
    ["a method of all a token's characters", get("X!#$%&'*+-.^_`|~1 /")],
    ['DELETE with a body', `${get('DELETE /', 'Content-Length: 2\r\n')}{}`],
    ['GET with a body', `${get('GET /_search', 'Content-Length: 2\r\n')}{}`],
    ['PUT of nothing', get('PUT /', 'Content-Length: 0\r\n')],
    ['a URL as long as a head may be', get(`GET ${longest}`)],
    ['a hundred times the same field', get('GET /', 'X-A: 1\r\nx-a: 2\r\n'.repeat(50))],
    ['a field of 8 KB', get('GET /', `X-Long: ${'v'.repeat(8192)}\r\n`)],
    ['a field without a value', get('GET /', 'X-Empty: \r\n')],
    ['a range with If-Range', get('GET /file', 'Range: bytes=0-3,9-12\r\nIf-Range: "v1"\r\n')],
    ['conditions', get('GET /', 'If-None-Match: W/"a", "b"\r\nIf-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n')],
    ['cookies in two fields', get('GET /', 'Cookie: a=1\r\nCookie: b=2\r\n')],
    ['an empty query', get('GET /?')],
    ['a query in a query', get('GET /a?u=https://b.example/?c=d&e[]=1&e[]=2')],
    ['percent signs of both cases', get('GET /%e2%82%AC/%7Euser?q=%C3%a4+b')],
    ['a matrix of parameters', get('GET /a;v=1/b;w=2,3/@c:d/$e')],
  ])('%s', async (_name, request) => {
    says = OK;
    const arrived = arrivals(upstream);
    const client = await connectHost(proxy, HOST);
    client.send(request + get('GET /next'));
    await client.waitFor(OK.repeat(2));
    expect(arrived()).toBe(request + get('GET /next'));
    expect(client.received()).toBe(OK.repeat(2));
  });

  it('a body in chunks with TE and trailers: both sides get theirs', async () => {
    const trailed =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 9\r\n\r\n';
    says = trailed;
    const arrived = arrivals(upstream);
    const client = await connectHost(proxy, HOST);
    const fields = 'TE: trailers\r\nConnection: TE\r\nTrailer: X-End\r\nTransfer-Encoding: chunked\r\n';
    const body = '3\r\nabc\r\n0\r\nX-End: 1\r\n\r\n';
    client.send(get('POST /', fields) + body);
    await client.waitFor(trailed);
    expect(arrived().endsWith(`\r\n\r\n${body}`)).toBe(true);
    expect(arrived()).toContain('\r\nTrailer: X-End\r\n');
  });

  it('a URL longer than a head may be is refused by its name, and nothing of it arrives', async () => {
    const arrived = arrivals(upstream);
    const before = proxy.records().length;
    const client = await connectHost(proxy, HOST);
    client.send(get(`GET ${longest}a`));
    expect(await client.waitFor('\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*x-bottle-block: protocol head-too-large /i,
    );
    expect(arrived()).toBe('');
    expect((await proxy.recorded(before + 1)).slice(before)).toMatchObject([{ verdict: 'block', stage: 'protocol' }]);
  });
});

describe('what an upstream answers comes as it was', () => {
  const length = (body: string): string => `Content-Length: ${body.length}\r\n\r\n${body}`;
  it.each<readonly [string, string, string]>([
    [
      'one range',
      'GET',
      `HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/99\r\nETag: "v1"\r\n${length('\0\r\n\xff')}`,
    ],
    [
      'several ranges',
      'GET',
      `HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b\r\n${length(PARTS)}`,
    ],
    ['the whole instead of a range', 'GET', `HTTP/1.1 200 OK\r\nETag: "v2"\r\n${length('whole')}`],
    ['no range', 'GET', 'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */99\r\nContent-Length: 0\r\n\r\n'],
    [
      'early hints, twice',
      'GET',
      `${'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'.repeat(2)}${OK}`,
    ],
    ['102 before the answer', 'GET', `HTTP/1.1 102 Processing\r\n\r\n${OK}`],
    ['HEAD with a length', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 123456789012\r\n\r\n'],
    ['HEAD with chunks', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['HEAD of a 404', 'HEAD', 'HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n'],
    ['204', 'DELETE', 'HTTP/1.1 204 No Content\r\nETag: "a"\r\n\r\n'],
    ['304 with a length', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: "a"\r\n\r\n'],
    ['205', 'POST', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n'],
    ['a status nobody knows', 'GET', 'HTTP/1.1 599 What\r\nContent-Length: 0\r\n\r\n'],
    ['no reason', 'GET', `HTTP/1.1 200 \r\n${length('x')}`],
    [
      'a hundred cookies',
      'GET',
      `HTTP/1.1 200 OK\r\n${'Set-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\n'.repeat(50)}${length('x')}`,
    ],
  ])('%s', async (_name, method, answer) => {
    says = answer;
    const client = await connectHost(proxy, HOST);
    const request = method === 'POST' ? get('POST /', 'Content-Length: 0\r\n') : get(`${method} /`);
    client.send(request);
    await client.waitFor(answer);
    says = OK;
    client.send(get('GET /next'));
    await client.waitFor(answer + OK);
    expect(client.received()).toBe(answer + OK);
  });
});

describe('the same over HTTP/2', () => {
  it('early hints come before the answer', async () => {
    says = `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${OK}`;
    const stream = open(await connectH2(proxy, HOST), requestList(HOST, 'GET', '/'));
    const interims: unknown[] = [];
    stream.on('headers', ({ ':status': status, link }) => interims.push([status, link]));
    expect(await answerOf(stream)).toMatchObject({ status: 200, body: Buffer.from('hi') });
    expect(interims).toEqual([[103, '</a.css>; rel=preload']]);
  });

  it.each<readonly [string, string, string, number, readonly string[]]>([
    ['HEAD with a length', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n', 200, ['content-length', '123']],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\nETag: "a"\r\n\r\n', 204, ['etag', '"a"']],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', 304, ['etag', '"a"']],
    [
      'OPTIONS *',
      'OPTIONS',
      'HTTP/1.1 200 OK\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n',
      200,
      ['allow', 'GET', 'content-length', '0'],
    ],
    [
      '416',
      'GET',
      'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n',
      416,
      ['content-range', 'bytes */9', 'content-length', '0'],
    ],
  ])('%s has no body and no reset', async (_name, method, answer, status, fields) => {
    says = answer;
    const session = await connectH2(proxy, HOST);
    const got = await ask(session, requestList(HOST, method, method === 'OPTIONS' ? '*' : '/'));
    expect(got).toEqual({ status, fields, body: Buffer.alloc(0), trailers: [], rstCode: 0 });
    says = OK;
    expect(await ask(session, requestList(HOST, 'GET', '/next'))).toMatchObject({ status: 200, rstCode: 0 });
  });

  it('several ranges come byte for byte, and a hundred fields of one name in their order', async () => {
    const values = Array.from({ length: 100 }, (_, n) => String(n));
    says = `HTTP/1.1 206 Partial Content\r\n${values.map((n) => `X-A: ${n}\r\n`).join('')}Content-Length: ${PARTS.length}\r\n\r\n${PARTS}`;
    const arrived = arrivals(upstream);
    const session = await connectH2(proxy, HOST);
    const list = requestList(HOST, 'GET', '/', ['range', 'bytes=0-3,9-12', ...values.flatMap((n) => ['x-b', n])]);
    const got = await ask(session, list);
    expect(got.body.toString('latin1')).toBe(PARTS);
    expect(got.fields.slice(0, -2)).toEqual(values.flatMap((n) => ['x-a', n]));
    expect(arrived()).toContain(values.map((n) => `x-b: ${n}\r\n`).join(''));
  });
});

describe("curl's expectations", () => {
  const curl = async (path: string, ...args: string[]): Promise<string> => {
    const ca = join(proxy.directory, 'ca.pem');
    const file = join(proxy.directory, 'upload');
    writeFileSync(ca, proxy.ca);
    writeFileSync(file, 'x'.repeat(3_000_000));
    const through = ['-sS', '--cacert', ca, '-x', `http://127.0.0.1:${proxy.port}`, '-o', '/dev/null'];
    const told = ['-w', '%{http_code} %{size_upload}', '--expect100-timeout', '60'];
    const { stdout } = await run('curl', [...through, ...told, ...args, '-T', file, `https://${path}`]);
    return stdout;
  };

  it.each([
    ['by itself, for a large body', ['--http1.1']],
    ['with chunks', ['--http1.1', '-H', 'Transfer-Encoding: chunked', '-H', 'Expect: 100-continue']],
    ['over HTTP/2', ['--http2', '-H', 'Expect: 100-continue']],
    ['none', ['--http1.1', '-H', 'Expect:']],
  ])('%s: the whole body goes up, without waiting for the time of an answer', async (_name, args) => {
    says = OK;
    const arrived = arrivals(upstream);
    expect(await curl(`${HOST}/up`, ...args)).toMatch(/^200 3000/);
    expect(arrived()).not.toMatch(/expect:/i);
    expect(arrived().match(/x/g)?.length).toBeGreaterThanOrEqual(3_000_000);
  });

  it('a refusal comes instead of 100, and nothing goes up', async () => {
    expect(await curl('evil.example/up', '--http1.1', '-H', 'Expect: 100-continue')).toBe('403 0');
  });

  it('an expectation that nobody knows is refused by its name', async () => {
    const before = proxy.records().length;
    const client = await connectHost(proxy, HOST);
    client.send(get('POST /', 'Expect: a-miracle\r\nContent-Length: 1\r\n'));
    expect(await client.waitFor('\r\n\r\n')).toMatch(/^HTTP\/1\.1 4(?:00|17) /);
    await until(() => proxy.records().length > before, 'its record');
    expect(proxy.records().at(-1)).toMatchObject({ verdict: 'block', stage: 'protocol' });
  });
});

it('a poll is answered after a long silence, and given up when the limit is over: both with their record', async () => {
  const { proxy: short } = await rawSetting(() => {}, { limits: { idleTimeoutMs: 1_500 } });
  const client = await connectHost(short, HOST);
  client.send(get('GET /poll'));
  expect(await client.waitFor('\r\n\r\n')).toMatch(/^HTTP\/1\.1 504 [\s\S]*x-bottle-error/i);
  expect(await short.recorded(1)).toMatchObject([{ path: '/poll', status: 504, stage: 'upstream' }]);
});
