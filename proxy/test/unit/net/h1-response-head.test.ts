import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../src/net/h1/malformed.ts';
import { parseResponseHead, type ResponseHead } from '../../../src/net/h1/response-head.ts';

function readGood(lines: string, method = 'GET'): ResponseHead {
  const head = parseResponseHead(lines, method);
  if (head instanceof Malformed) throw new Error(`refused: ${head.rule}`);
  return head;
}

const OK = 'HTTP/1.1 200 OK\r\n';

describe('a response head', () => {
  it.each([
    ['a length', `${OK}Content-Length: 3\r\n`, 'GET', 'length'],
    ['chunks', `${OK}Transfer-Encoding: chunked\r\n`, 'GET', 'chunked'],
    ['chunks in capitals', `${OK}Transfer-Encoding: Chunked\r\n`, 'GET', 'chunked'],
    ['neither', OK, 'GET', 'close'],
    ['a length, to HEAD', `${OK}Content-Length: 3\r\n`, 'HEAD', 'none'],
    ['chunks, to HEAD', `${OK}Transfer-Encoding: chunked\r\n`, 'HEAD', 'none'],
    ['204', 'HTTP/1.1 204 No Content\r\n', 'GET', 'none'],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n', 'GET', 'none'],
    ['103', 'HTTP/1.1 103 Early Hints\r\n', 'GET', 'none'],
    ['two equal lengths', `${OK}Content-Length: 3\r\nContent-Length: 3\r\n`, 'GET', 'length'],
    ['a list of equal lengths', `${OK}Content-Length: 3, 3\r\n`, 'GET', 'length'],
  ])('with %s says how its body is framed', (_what, lines, method, body) => {
    expect(readGood(lines, method).body).toBe(body);
  });

  it.each([
    ['no reason', 'HTTP/1.1 200\r\n', ''],
    ['an empty reason', 'HTTP/1.1 200 \r\n', ''],
    ['a long reason', 'HTTP/1.1 200 All is \xfcber\r\n', 'All is \xfcber'],
  ])('with %s keeps it', (_what, lines, reason) => {
    expect(readGood(lines).reason).toBe(reason);
  });

  it.each([
    ['length and encoding', `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n`, 'cl-te'],
    ['unequal lengths', `${OK}Content-Length: 3\r\nContent-Length: 4\r\n`, 'content-length'],
    ['a list of unequal lengths', `${OK}Content-Length: 3, 4\r\n`, 'content-length'],
    ['a signed length', `${OK}Content-Length: -1\r\n`, 'content-length'],
    ['another transfer coding', `${OK}Transfer-Encoding: gzip, chunked\r\n`, 'te'],
    ['a coding behind chunked', `${OK}Transfer-Encoding: chunked, gzip\r\n`, 'te'],
    ['an encoding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n', 'te-http10'],
    ['a bare line feed', `${OK}X-A: b\nX-B: c\r\n`, 'bare-lf'],
    ['a carriage return in a value', `${OK}X-A: b\rc\r\n`, 'bare-cr'],
    ['a NUL', `${OK}X-A: \0\r\n`, 'nul'],
    ['no status line', 'ICY 200 OK\r\n', 'status-line'],
    ['HTTP/2', 'HTTP/2 200\r\n', 'status-line'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n', 'status-line'],
    ['a status of 0', 'HTTP/1.1 000 OK\r\n', 'status-line'],
  ])('with %s is refused', (_what, lines, rule) => {
    expect(parseResponseHead(lines, 'GET')).toMatchObject({ rule });
  });

  it('has folded fields made one line and spaces before a colon removed, as RFC 9112 demands of a proxy', () => {
    const { rawHeaders } = readGood(`${OK}X-A: b\r\n  c\r\nX-B : d\r\nContent-Length: 0\r\n`);
    expect(rawHeaders).toEqual(['X-A', 'b c', 'X-B', 'd', 'Content-Length', '0']);
  });

  it.each([
    ['two equal lengths', `${OK}X-A: 1\r\nContent-Length: 3\r\nX-B: 2\r\nContent-Length: 3\r\n`],
    ['a list of equal lengths', `${OK}X-A: 1\r\nContent-Length: 3, 03\r\nX-B: 2\r\n`],
  ])('with %s says it once', (_what, lines) => {
    expect(readGood(lines).rawHeaders).toEqual(['X-A', '1', 'Content-Length', '3', 'X-B', '2']);
  });

  it.each(['204 No Content', '103 Early Hints'])('of %s announces no body', (status) => {
    const lines = `HTTP/1.1 ${status}\r\nContent-Length: 3\r\nX-A: 1\r\n`;
    expect(readGood(lines)).toMatchObject({ body: 'none', rawHeaders: ['X-A', '1'] });
  });

  it('keeps names, case, order, duplicates and odd bytes', () => {
    const { rawHeaders } = readGood(`${OK}set-cookie: a\r\nSet-Cookie: b\r\nx-Z: \x01\xff\r\nContent-Length: 0\r\n`);
    expect(rawHeaders).toEqual(['set-cookie', 'a', 'Set-Cookie', 'b', 'x-Z', '\x01\xff', 'Content-Length', '0']);
  });

  it.each([
    ['HTTP/1.1', `${OK}Content-Length: 0\r\n`, true],
    ['close', `${OK}Content-Length: 0\r\nConnection: close\r\n`, false],
    ['no framing', OK, false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n', false],
    ['HTTP/1.0 with keep-alive', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n', true],
  ])('with %s says whether the connection can be used again', (_what, lines, keepAlive) => {
    expect(readGood(lines).keepAlive).toBe(keepAlive);
  });

  it('loses its hop-by-hop fields and tells how long the upstream keeps the connection', () => {
    const lines = `${OK}Connection: x-a\r\nX-A: 1\r\nKeep-Alive: timeout=7, max=9\r\nProxy-Agent: x\r\nX-B: 2\r\n`;
    expect(readGood(lines)).toMatchObject({ rawHeaders: ['X-B', '2'], keepAliveSeconds: 7 });
  });
});
