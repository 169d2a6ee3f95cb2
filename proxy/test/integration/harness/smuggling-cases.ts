// Requests of HTTP/1.1 that two readers could understand differently, with the rule that refuses each; played at upstreams of both protocols.
import { HOST } from './setting.ts';

export const HIDDEN = `GET /hidden HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const UPGRADE = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
export const POST = `POST / HTTP/1.1\r\nHost: ${HOST}\r\n`;

/** What arrives is refused as a whole: the first request and what hides behind it. */
export const ATTACKS: readonly (readonly [string, string, string])[] = [
  ['CL.TE', `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 'cl-te'],
  ['TE.CL', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${HIDDEN}`, 'cl-te'],
  ['TE.TE in capitals', `${POST}Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 'te'],
  [
    'TE.TE with a second field',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n0\r\n\r\n`,
    'duplicate-te',
  ],
  [
    'TE with a space before the colon',
    `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    'space-before-colon',
  ],
  ['TE behind a bare line feed', `${POST}X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 'bare-lf'],
  ['TE in a folded line', `${POST}X: a\r\n Transfer-Encoding: chunked\r\n\r\n`, 'obs-fold'],
  ['CL.CL', `${POST}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${HIDDEN}`, 'duplicate-length'],
  ['a signed length', `${POST}Content-Length: +44\r\n\r\n${HIDDEN}`, 'content-length'],
  ['a head that ends with bare line feeds', `GET / HTTP/1.1\nHost: ${HOST}\n\n${HIDDEN}`, 'bare-lf'],
  ['a head that ends with bare line feeds and nothing behind', `GET / HTTP/1.1\nHost: ${HOST}\n\n`, 'bare-lf'],
  ['two hosts', `GET / HTTP/1.1\r\nHost: ${HOST}\r\nHost: evil.example\r\n\r\n`, 'duplicate-host'],
  ['another host than the connection', 'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n', 'host-mismatch'],
  ['another port than the connection', `GET / HTTP/1.1\r\nHost: ${HOST}:8443\r\n\r\n`, 'host-mismatch'],
  ['an absolute URL with another host', `GET https://evil.example/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'host-mismatch'],
  ['an absolute URL with another scheme', `GET http://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'host-mismatch'],
  ['an absolute URL with user information', `GET https://a@${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'userinfo'],
  ['a host with user information', `GET / HTTP/1.1\r\nHost: evil.example@${HOST}\r\n\r\n`, 'userinfo'],
  ['a host outside ASCII', 'GET / HTTP/1.1\r\nHost: \xe4pi.example\r\n\r\n', 'idn'],
  ['a CONNECT inside the tunnel', `CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n`, 'connect'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'h2c'],
  ['a fragment', `GET /a#b HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'fragment'],
  // Lengths.
  ['the same length twice', `${POST}Content-Length: 44\r\nContent-Length: 44\r\n\r\n${HIDDEN}`, 'duplicate-length'],
  ['a list of the same length', `${POST}Content-Length: 44, 44\r\n\r\n${HIDDEN}`, 'content-length'],
  ['an octal length', `${POST}Content-Length: 054\r\n\r\n${HIDDEN}`, 'content-length'],
  ['a quoted length', `${POST}Content-Length: "44"\r\n\r\n${HIDDEN}`, 'content-length'],
  ['a length with a semicolon', `${POST}Content-Length: 44;\r\n\r\n${HIDDEN}`, 'content-length'],
  ['a length that overflows', `${POST}Content-Length: 18446744073709551660\r\n\r\n${HIDDEN}`, 'content-length'],
  ['a length under a name with a no-break space', `${POST}Content-Length\xa0: 44\r\n\r\n${HIDDEN}`, 'field-name'],
  ['a length under a name with an underscore', `${POST}Content_Length: 44\r\n\r\n${HIDDEN}`, 'obscured-framing'],
  // Encodings.
  [
    'TE twice',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    'duplicate-te',
  ],
  [
    'TE and an empty one',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n${HIDDEN}`,
    'duplicate-te',
  ],
  ['TE identity', `${POST}Transfer-Encoding: identity\r\n\r\n${HIDDEN}`, 'te'],
  ['TE with a list', `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 'te'],
  ['TE with gzip before', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 'te'],
  ['TE with a vertical tab', `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 'control-character'],
  [
    'TE in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    'te-http10',
  ],
  // Lines.
  ['a folded host', `GET / HTTP/1.1\r\nHost:\r\n ${HOST}\r\n\r\n${HIDDEN}`, 'obs-fold'],
  ['a bare line feed first', `\n${HIDDEN}`, 'bare-lf'],
  ['a bare carriage return first', `\r${HIDDEN}`, 'bare-cr'],
  ['HTTP/1.10', `GET / HTTP/1.10\r\nHost: ${HOST}\r\n\r\n`, 'version'],
  ['HTTP/01.1', `GET / HTTP/01.1\r\nHost: ${HOST}\r\n\r\n`, 'version'],
  [
    'more fields than anybody sends',
    `GET / HTTP/1.1\r\nHost: ${HOST}\r\n${'a: b\r\n'.repeat(1001)}\r\n`,
    'too-many-fields',
  ],
  // Names of the host.
  ['no host', 'GET / HTTP/1.1\r\n\r\n', 'missing-host'],
  ['an empty port', `GET / HTTP/1.1\r\nHost: ${HOST}:\r\n\r\n`, 'port'],
  ['a port with a leading zero', `GET / HTTP/1.1\r\nHost: ${HOST}:0443\r\n\r\n`, 'port'],
  ['a signed port', `GET / HTTP/1.1\r\nHost: ${HOST}:+443\r\n\r\n`, 'port'],
  ['two ports', `GET / HTTP/1.1\r\nHost: ${HOST}:443:443\r\n\r\n`, 'port'],
  ['two trailing dots', `GET / HTTP/1.1\r\nHost: ${HOST}..\r\n\r\n`, 'host'],
  ['a percent-encoded host', 'GET / HTTP/1.1\r\nHost: %61pi.example\r\n\r\n', 'host'],
  ['a host with an encoded NUL', `GET / HTTP/1.1\r\nHost: ${HOST}%00.evil.example\r\n\r\n`, 'host'],
  ['a list of hosts', `GET / HTTP/1.1\r\nHost: ${HOST}, evil.example\r\n\r\n`, 'host'],
  ['a host with a backslash', `GET / HTTP/1.1\r\nHost: ${HOST}\\evil.example\r\n\r\n`, 'host'],
  ['a host with a path', `GET / HTTP/1.1\r\nHost: ${HOST}/evil\r\n\r\n`, 'host'],
  ['a name in brackets', `GET / HTTP/1.1\r\nHost: [${HOST}]\r\n\r\n`, 'host'],
  ['a host with an ideographic full stop', 'GET / HTTP/1.1\r\nHost: api\xe3\x80\x82example\r\n\r\n', 'idn'],
  // Targets.
  ['an absolute URL with another port', `GET https://${HOST}:444/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'host-mismatch'],
  [
    'an absolute URL with the host as user',
    `GET https://${HOST}@evil.example/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
    'userinfo',
  ],
  [
    'an absolute URL with a backslash',
    `GET https://evil.example\\@${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
    'userinfo',
  ],
  ['an absolute URL without host', `GET https:///x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'host'],
  ['an absolute URL with one slash', `GET https:/${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'target-form'],
  ['an absolute URL in HTTP/1.0 without Host', 'GET https://evil.example/ HTTP/1.0\r\n\r\n', 'host-mismatch'],
  ['an authority as target', `GET ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'target-form'],
  ['an at sign as target', `GET @evil.example/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 'target-form'],
  // Upgrades.
  ['a WebSocket handshake with a body', `${UPGRADE}Content-Length: 5\r\n\r\nhello`, 'upgrade-body'],
  [
    'a WebSocket handshake with chunks',
    `${UPGRADE}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'upgrade-body',
  ],
  ['a head without end', `GET / HTTP/1.1\r\nHost: ${HOST}\r\nX: ${'a'.repeat(70_000)}`, 'head-too-large'],
];

/** Bodies in chunks that no reader should have to guess at. */
export const CHUNKS: readonly (readonly [string, string, string])[] = [
  ['a size that overflows', '10000000000000000\r\nab\r\n0\r\n\r\n', 'chunk-size'],
  ['a bare line feed', '2\nab\r\n0\r\n\r\n', 'bare-lf'],
  ['more bytes than its size', `2\r\nabc\r\n0\r\n\r\n${HIDDEN}`, 'chunk-end'],
  ['a size with 0x', '0x2\r\nab\r\n0\r\n\r\n', 'chunk-size'],
  ['a signed size', '+2\r\nab\r\n0\r\n\r\n', 'chunk-size'],
  ['an underscore in the size', '2_0\r\nab\r\n0\r\n\r\n', 'chunk-size'],
  ['spaces behind the size', '2 \r\nab\r\n0\r\n\r\n', 'chunk-size'],
  ['a space before an extension', '2 ;a\r\nab\r\n0\r\n\r\n', 'chunk-size'],
  ['too many zeros', '2\r\nab\r\n00000000000000\r\n\r\n', 'chunk-size'],
  ['a line break inside a quoted extension', '2;a="\r\nxx"\r\nab\r\n0\r\n\r\n', 'chunk-end'],
  ['a bare carriage return in an extension', '2;a\rb\r\nab\r\n0\r\n\r\n', 'bare-cr'],
  ['a bare line feed in an extension', '2;a\nb\r\nab\r\n0\r\n\r\n', 'bare-lf'],
  ['an endless extension', `2;${'a'.repeat(5000)}\r\nab\r\n0\r\n\r\n`, 'chunk-line'],
  ['an obscured length among the trailers', '2\r\nab\r\n0\r\nContent_Length: 9\r\n\r\n', 'trailer-field'],
  ['an encoding among the trailers', '2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n', 'trailer-field'],
  ['a length among the trailers', '2\r\nab\r\n0\r\nContent-Length: 9\r\n\r\n', 'trailer-field'],
];

/** Fields that a request may have and that must not change what arrives: a POST to / with HIDDEN as its body. */
export const HARMLESS: readonly (readonly [string, string])[] = [
  [
    'h2c is passed on without the upgrade',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n',
  ],
  ['a WebSocket by POST is no WebSocket', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
  ['nobody can take the length out of the head', 'Connection: content-length\r\n'],
  ['nobody can take the host out of the head', 'Connection: host, x-a\r\nX-A: 1\r\n'],
  ['Proxy fields stay here', 'Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n'],
  ['an expectation stays here', 'Expect: 100-continue\r\n'],
];
