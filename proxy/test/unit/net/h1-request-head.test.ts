import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../src/net/h1/malformed.ts';
import { parseRequestHead, type RequestHead } from '../../../src/net/h1/request-head.ts';

/** `lines` without the empty line that ends a head. */
function read(lines: string): RequestHead | Malformed {
  return parseRequestHead(lines, 1000);
}

function readGood(lines: string): RequestHead {
  const head = read(lines);
  if (head instanceof Malformed) throw new Error(`refused: ${head.rule}`);
  return head;
}

const HOST = 'Host: a.example\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}`;
const POST = `POST / HTTP/1.1\r\n${HOST}`;

const REFUSED: readonly (readonly [string, string, string])[] = [
  // framing
  ['content length and transfer encoding', `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n`, 'cl-te'],
  ['the same the other way round', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n`, 'cl-te'],
  ['two equal lengths', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n`, 'duplicate-length'],
  ['two unequal lengths', `${POST}Content-Length: 3\r\nContent-Length: 4\r\n`, 'duplicate-length'],
  ['a list of lengths', `${POST}Content-Length: 3, 3\r\n`, 'content-length'],
  ['a signed length', `${POST}Content-Length: +3\r\n`, 'content-length'],
  ['a negative length', `${POST}Content-Length: -3\r\n`, 'content-length'],
  ['a hexadecimal length', `${POST}Content-Length: 0x3\r\n`, 'content-length'],
  ['a fractional length', `${POST}Content-Length: 3.0\r\n`, 'content-length'],
  ['an exponent as length', `${POST}Content-Length: 3e0\r\n`, 'content-length'],
  ['a length with leading zeros', `${POST}Content-Length: 010\r\n`, 'content-length'],
  ['an empty length', `${POST}Content-Length:\r\n`, 'content-length'],
  ['a length that overflows', `${POST}Content-Length: 9999999999999999999\r\n`, 'content-length'],
  ['a length in other digits', `${POST}Content-Length: \xb2\r\n`, 'content-length'],
  ['transfer encoding in capitals', `${POST}Transfer-Encoding: Chunked\r\n`, 'te'],
  ['a chain of transfer codings', `${POST}Transfer-Encoding: gzip, chunked\r\n`, 'te'],
  ['chunked twice in a list', `${POST}Transfer-Encoding: chunked, chunked\r\n`, 'te'],
  ['chunked and then identity', `${POST}Transfer-Encoding: chunked, identity\r\n`, 'te'],
  ['xchunked', `${POST}Transfer-Encoding: xchunked\r\n`, 'te'],
  ['chunked in quotes', `${POST}Transfer-Encoding: "chunked"\r\n`, 'te'],
  ['chunked with a parameter', `${POST}Transfer-Encoding: chunked;q=1\r\n`, 'te'],
  ['an empty transfer encoding', `${POST}Transfer-Encoding:\r\n`, 'te'],
  ['a vertical tab before chunked', `${POST}Transfer-Encoding: \x0bchunked\r\n`, 'control-character'],
  ['two transfer encodings', `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`, 'duplicate-te'],
  ['chunked and then another field', `${POST}Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n`, 'duplicate-te'],
  ['chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n', 'te-http10'],
  ['a length with an underscore', `${POST}Content_Length: 3\r\n`, 'obscured-framing'],
  ['an encoding with an underscore', `${POST}Transfer_Encoding: chunked\r\n`, 'obscured-framing'],
  ['a space before the colon of the encoding', `${POST}Transfer-Encoding : chunked\r\n`, 'space-before-colon'],
  ['a tab before the colon', `${POST}Content-Length\t: 3\r\n`, 'space-before-colon'],
  ['a folded encoding', `${POST}Transfer-Encoding:\r\n chunked\r\n`, 'te'],
  ['a folded field', `${GET}X-A: b\r\n\tc\r\n`, 'obs-fold'],
  ['a first field that begins with a space', 'GET / HTTP/1.1\r\n Host: a.example\r\n', 'obs-fold'],
  ['an unknown expectation', `${POST}Expect: 200-ok\r\nContent-Length: 1\r\n`, 'expect'],
  // lines
  ['a bare line feed after the request line', 'GET / HTTP/1.1\nHost: a.example\r\n', 'bare-lf'],
  ['a bare line feed between fields', 'GET / HTTP/1.1\r\nHost: a.example\nX-A: b\r\n', 'bare-lf'],
  ['a bare line feed in a name', `${GET}X-A\nX-B: c\r\n`, 'bare-lf'],
  ['a second request behind a bare line feed', `${GET}X-A: b\n\nGET /b HTTP/1.1\r\n`, 'bare-lf'],
  ['a carriage return in a value', `${GET}X-A: b\rc\r\n`, 'bare-cr'],
  ['a carriage return in the request line', `GET /\r HTTP/1.1\r\n${HOST}`, 'bare-cr'],
  ['a NUL in a value', `${GET}X-A: b\0c\r\n`, 'nul'],
  ['a NUL in a name', `${GET}X\0A: b\r\n`, 'nul'],
  ['a NUL in the target', `GET /\0 HTTP/1.1\r\n${HOST}`, 'nul'],
  ['an escape in a value', `${GET}X-A: \x1b[2J\r\n`, 'control-character'],
  ['a DEL in a value', `${GET}X-A: \x7f\r\n`, 'control-character'],
  ['a field without a colon', `${GET}X-A\r\n`, 'no-colon'],
  ['a field without a name', `${GET}: b\r\n`, 'field-name'],
  ['a space in a name', `${GET}X A: b\r\n`, 'field-name'],
  ['a name outside ASCII', `${GET}X-\xe4: b\r\n`, 'field-name'],
  ['a name in brackets', `${GET}X(A): b\r\n`, 'field-name'],
  // request line
  ['HTTP/2.0', `GET / HTTP/2.0\r\n${HOST}`, 'version'],
  ['HTTP/1.2', `GET / HTTP/1.2\r\n${HOST}`, 'version'],
  ['HTTP/0.9', `GET / HTTP/0.9\r\n${HOST}`, 'version'],
  ['a version in small letters', `GET / http/1.1\r\n${HOST}`, 'version'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n', 'h2c'],
  ['no version', `GET /\r\n${HOST}`, 'request-line'],
  ['two spaces before the target', `GET  / HTTP/1.1\r\n${HOST}`, 'request-line'],
  ['two spaces behind the target', `GET /  HTTP/1.1\r\n${HOST}`, 'request-line'],
  ['a space in the target', `GET /a b HTTP/1.1\r\n${HOST}`, 'request-line'],
  ['a tab as separator', `GET\t/\tHTTP/1.1\r\n${HOST}`, 'request-line'],
  ['no method', ` / HTTP/1.1\r\n${HOST}`, 'method'],
  ['a method that is no token', `G@T / HTTP/1.1\r\n${HOST}`, 'method'],
  ['a fragment', `GET /a#b HTTP/1.1\r\n${HOST}`, 'fragment'],
  ['a control character in the target', `GET /\x01 HTTP/1.1\r\n${HOST}`, 'target-control'],
  ['raw UTF-8 in the target', `GET /\xc3\xa4 HTTP/1.1\r\n${HOST}`, 'target-bytes'],
  ['a TLS hello', '\x16\x03\x01\x02\x00\x01\r\n', 'nul'],
  // host
  ['no host', 'GET / HTTP/1.1\r\n', 'missing-host'],
  ['an empty host', 'GET / HTTP/1.1\r\nHost:\r\n', 'empty-host'],
  ['two hosts', `${GET}host: b.example\r\n`, 'duplicate-host'],
  ['more fields than anybody sends', GET + 'a:b\r\n'.repeat(1001), 'too-many-fields'],
  ['two equal hosts', `${GET}Host: a.example\r\n`, 'duplicate-host'],
];

describe('a request head that two readers could understand differently', () => {
  it.each(REFUSED)('with %s is refused', (_what, lines, rule) => {
    const head = read(lines);
    expect(head).toBeInstanceOf(Malformed);
    expect((head as Malformed).rule).toBe(rule);
  });
});

describe('a sound request head', () => {
  it('keeps names, values, case, order and duplicates', () => {
    const head = readGood(`${GET}x-B: 1\r\nX-a:2\r\nX-A:  3 \r\nx-b:\r\nX-C: \xe4\xff\r\n`);
    expect(head.rawHeaders).toEqual([
      ...['Host', 'a.example', 'x-B', '1', 'X-a', '2'],
      ...['X-A', '3', 'x-b', '', 'X-C', '\xe4\xff'],
    ]);
  });

  it.each([
    ['no body', GET, 'none', 0],
    ['a length', `${POST}Content-Length: 3\r\n`, 'length', 3],
    ['chunks', `${POST}Transfer-Encoding: chunked\r\n`, 'chunked', 0],
    ['a length of nothing', `${POST}Content-Length: 0\r\n`, 'length', 0],
  ])('with %s says how its body is framed', (_what, lines, body, contentLength) => {
    expect(readGood(lines)).toMatchObject({ body, contentLength });
  });

  it.each([
    ['HTTP/1.1', GET, true],
    ['Connection: close', `${GET}Connection: close\r\n`, false],
    ['close among others', `${GET}Connection: x, CLOSE\r\n`, false],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n', false],
    ['HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n', false],
  ])('with %s says whether the connection stays', (_what, lines, keepAlive) => {
    expect(readGood(lines).keepAlive).toBe(keepAlive);
  });

  it.each([
    ['what it names', 'Connection: X-A, close\r\nX-A: 1\r\nX-B: 2\r\n', ['X-B', '2']],
    ['keep-alive', 'Keep-Alive: timeout=5\r\nX-B: 2\r\n', ['X-B', '2']],
    ['proxy fields', 'Proxy-Authorization: Basic eA==\r\nproxy-connection: keep-alive\r\nX-B: 2\r\n', ['X-B', '2']],
    ['an upgrade to h2c', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n', []],
    ['te', 'TE: gzip\r\nConnection: TE\r\n', []],
    ['an expectation', 'Expect: 100-continue\r\nX-B: 2\r\n', ['X-B', '2']],
  ])('loses its hop-by-hop fields: %s', (_what, lines, kept) => {
    expect(readGood(GET + lines).rawHeaders).toEqual(['Host', 'a.example', ...kept]);
  });

  it('keeps te for trailers, named in Connection as RFC 9110 wants it', () => {
    const { rawHeaders } = readGood(`${GET}TE: trailers\r\nConnection: TE\r\n`);
    expect(rawHeaders).toEqual(['Host', 'a.example', 'TE', 'trailers', 'Connection', 'TE']);
  });

  it('cannot have its framing or its host declared hop-by-hop', () => {
    const { rawHeaders } = readGood(`${POST}Connection: host, content-length\r\nContent-Length: 3\r\n`);
    expect(rawHeaders).toEqual(['Host', 'a.example', 'Content-Length', '3']);
  });

  it('keeps a WebSocket handshake in its places', () => {
    const lines = `${GET}Connection: keep-alive, Upgrade\r\nX-A: 1\r\nUpgrade: websocket\r\n`;
    const head = readGood(lines);
    expect(head.isWebSocket).toBe(true);
    expect(head.rawHeaders).toEqual([
      ...['Host', 'a.example', 'Connection', 'Upgrade'],
      ...['X-A', '1', 'Upgrade', 'websocket'],
    ]);
  });

  it('takes a POST that asks for a WebSocket for a POST', () => {
    const head = readGood(`${POST}Connection: Upgrade\r\nUpgrade: websocket\r\n`);
    expect(head).toMatchObject({ isWebSocket: false, rawHeaders: ['Host', 'a.example'] });
  });
});
