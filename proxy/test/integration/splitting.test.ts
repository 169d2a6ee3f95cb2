// Answers that two readers could understand differently: the agent gets none of them, and the next request gets its own answer.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import type { RunningProxy } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';

let proxy: RunningProxy;
let answer = '';
let before = 0;

beforeAll(async () => {
  ({ proxy } = await rawSetting((peer) => {
    let answered = 0;
    peer.socket.on('data', () => {
      const heads = peer.received().split('\r\n\r\n').length - 1;
      for (; answered < heads; answered++) peer.send(answer);
    });
  }));
});
afterAll(endSettings);
beforeEach(() => {
  before = proxy.records().length;
});

const OK = 'HTTP/1.1 200 OK\r\n';
const TE = 'Transfer-Encoding: chunked\r\n';
const HI = '2\r\nhi\r\n0\r\n\r\n';
const POISON = `${OK}Content-Length: 8\r\n\r\npoisoned`;
const EARLY = 'HTTP/1.1 103 Early Hints\r\n\r\n';

/** Gets the answer and the one to the next request, which finds a connection in the pool if there is one. */
async function ask(bytes: string, method = 'GET'): Promise<{ first: string; rule: string; status: number }> {
  answer = bytes;
  const client = await connectHost(proxy, HOST);
  client.send(`${method} /1 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  const [record] = (await proxy.recorded(before + 1)).slice(before);
  answer = `${OK}Content-Length: 6\r\n\r\nsecond`;
  const next = await connectHost(proxy, HOST);
  next.send(`GET /2 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await next.waitFor('\r\n\r\nsecond');
  expect(next.received()).toBe(answer);
  expect(await proxy.recorded(before + 2)).toHaveLength(before + 2);
  const first = client.received();
  for (const one of [client, next]) one.close();
  return { first, rule: record!.stage === 'none' ? '' : `${record!.stage} ${record!.rule}`, status: record!.status };
}

describe('an answer', () => {
  it.each([
    ['length and encoding', `${OK}Content-Length: 2\r\n${TE}\r\n${HI}`, 'cl-te'],
    ['two lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi`, 'content-length'],
    ['a list of lengths', `${OK}Content-Length: 2, 3\r\n\r\nhi`, 'content-length'],
    ['a signed length', `${OK}Content-Length: +2\r\n\r\nhi`, 'content-length'],
    ['a negative length', `${OK}Content-Length: -1\r\n\r\nhi`, 'content-length'],
    ['an empty length', `${OK}Content-Length:\r\n\r\nhi`, 'content-length'],
    ['a hexadecimal length', `${OK}Content-Length: 0x2\r\n\r\nhi`, 'content-length'],
    ['a length that overflows', `${OK}Content-Length: 18446744073709551618\r\n\r\nhi`, 'content-length'],
    ['another encoding before', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n${HI}`, 'te'],
    ['identity', `${OK}Transfer-Encoding: identity\r\n\r\nhi`, 'te'],
    ['two encodings', `${OK}${TE}${TE}\r\n${HI}`, 'te'],
    ['a folded encoding', `${OK}Transfer-Encoding:\r\n chunked\r\n\r\n${HI}`, 'te'],
    ['a vertical tab in the encoding', `${OK}Transfer-Encoding: \x0bchunked\r\n\r\n${HI}`, 'te'],
    ['an encoding in HTTP/1.0', `HTTP/1.0 200 OK\r\n${TE}\r\n${HI}`, 'te-http10'],
    ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi', 'bare-lf'],
    ['a field behind a bare line feed', `${OK}X: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi`, 'bare-lf'],
    ['a field behind a bare carriage return', `${OK}X: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi`, 'bare-cr'],
    ['a NUL', `${OK}X: a\0b\r\nContent-Length: 2\r\n\r\nhi`, 'nul'],
    ['a line without colon', `${OK}Xyz\r\nContent-Length: 2\r\n\r\nhi`, 'no-colon'],
    ['a space in a name', `${OK}X Y: z\r\nContent-Length: 2\r\n\r\nhi`, 'field-name'],
    ['a fold before any field', `${OK} X: a\r\nContent-Length: 2\r\n\r\nhi`, 'obs-fold'],
    ['a carriage return in the reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nhi', 'status-line'],
    ['a status below 100', 'HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nhi', 'status-line'],
    ['a status above 999', 'HTTP/1.1 1000 X\r\nContent-Length: 2\r\n\r\nhi', 'status-line'],
    ['HTTP/2 in text', 'HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'status-line'],
    ['another protocol that never sends an empty line', 'SSH-2.0-server\r\n', 'status-line'],
    ['no line at all', 'hello', 'status-line'],
    ['an empty line before it', `\r\n${OK}Content-Length: 2\r\n\r\nhi`, 'status-line'],
    ['a huge head', `${OK}X: ${'a'.repeat(70_000)}\r\nContent-Length: 2\r\n\r\nhi`, 'head-too-large'],
    ['a head without end', `${OK}X: ${'a'.repeat(70_000)}`, 'head-too-large'],
    ['a body behind 103', 'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello', 'status-line'],
    ['an upgrade that nobody asked for', 'HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'upgrade'],
    ['a flood of interim answers', `${EARLY.repeat(33)}${OK}Content-Length: 2\r\n\r\nhi`, 'interim'],
  ])('with %s becomes a 502 with its own rule', async (_what, bytes, rule) => {
    const { first, ...told } = await ask(bytes);
    expect(told).toEqual({ rule: `upstream ${rule}`, status: 502 });
    expect(first).toMatch(
      /^(?:HTTP\/1\.1 103 Early Hints\r\n\r\n)*HTTP\/1\.1 502 [\s\S]*\r\nx-bottle-error: upstream /,
    );
    expect(first).not.toMatch(/set-cookie|\r\n\r\nhi/i);
  });

  it.each([
    ['a negative size', '-2\r\nhi\r\n0\r\n\r\n', 'chunk-size'],
    ['a size with 0x', '0x2\r\nhi\r\n0\r\n\r\n', 'chunk-size'],
    ['a size that overflows', 'ffffffffffffffff2\r\nhi\r\n0\r\n\r\n', 'chunk-size'],
    ['no size', '\r\nhi\r\n0\r\n\r\n', 'chunk-size'],
    ['bare line feeds', '2\nhi\n0\n\n', 'bare-lf'],
    ['more bytes than its size', '2\r\nhiXX0\r\n\r\n', 'chunk-end'],
    ['a control character in an extension', '2;a\x01\r\nhi\r\n0\r\n\r\n', 'chunk-extension'],
    ['a bare line feed in the trailers', '2\r\nhi\r\n0\r\nX: y\nZ: w\r\n\r\n', 'bare-lf'],
    ['huge trailers', `2\r\nhi\r\n0\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 'trailers'],
  ])('in chunks with %s is cut: nobody takes it for whole', async (_what, chunks, rule) => {
    const { first, ...told } = await ask(`${OK}${TE}\r\n${chunks}`);
    expect(told).toEqual({ rule: `upstream ${rule}`, status: 200 });
    expect(first).not.toContain('\r\n0\r\n');
  });

  it.each([
    [
      'the same length twice, said once',
      `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`,
      `${OK}Content-Length: 2\r\n\r\nhi`,
    ],
    ['an octal length, said plainly', `${OK}Content-Length: 02\r\n\r\nhi`, `${OK}Content-Length: 2\r\n\r\nhi`],
    ['a space before the colon, without it', `${OK}Content-Length : 2\r\n\r\nhi`, `${OK}Content-Length: 2\r\n\r\nhi`],
    [
      'a fold, in one line',
      `${OK}X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi`,
      `${OK}X: a b\r\nContent-Length: 2\r\n\r\nhi`,
    ],
    ['an encoding in odd case, in the usual', `${OK}Transfer-Encoding: Chunked\r\n\r\n${HI}`, `${OK}${TE}\r\n${HI}`],
    ['sizes filled up with spaces, without them', `${OK}${TE}\r\n2  ;a\r\nhi\r\n0 \r\n\r\n`, `${OK}${TE}\r\n${HI}`],
    [
      'trailers that frame, without those',
      `${OK}${TE}\r\n2\r\nhi\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n`,
      `${OK}${TE}\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n`,
    ],
    ['an answer behind the answer', `${OK}Content-Length: 2\r\n\r\nhi${POISON}`, `${OK}Content-Length: 2\r\n\r\nhi`],
    ['a body behind 204', `HTTP/1.1 204 No\r\nContent-Length: 8\r\n\r\n${POISON}`, 'HTTP/1.1 204 No\r\n\r\n'],
    ['chunks behind 204', `HTTP/1.1 204 No\r\n${TE}\r\n${HI}`, 'HTTP/1.1 204 No\r\n\r\n'],
    [
      'a body behind 304',
      `HTTP/1.1 304 No\r\nContent-Length: 8\r\n\r\n${POISON}`,
      'HTTP/1.1 304 No\r\nContent-Length: 8\r\n\r\n',
    ],
    [
      'a few 100s that nobody waits for',
      `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(5)}${OK}Content-Length: 2\r\n\r\nhi`,
      `${OK}Content-Length: 2\r\n\r\nhi`,
    ],
    [
      'a Connection that names the length',
      `${OK}Connection: content-length\r\nContent-Length: 2\r\n\r\nhi`,
      `${OK}Content-Length: 2\r\n\r\nhi`,
    ],
  ])('with %s passes in one form', async (_what, bytes, expected) => {
    const { first, ...told } = await ask(bytes);
    expect(told.rule).toBe('');
    expect(first).toBe(expected);
  });

  it('to HEAD with a body is not taken for the answer to what follows', async () => {
    const { first } = await ask(`${OK}Content-Length: ${POISON.length}\r\n\r\n${POISON}`, 'HEAD');
    expect(first).toBe(`${OK}Content-Length: ${POISON.length}\r\n\r\n`);
  });
});
