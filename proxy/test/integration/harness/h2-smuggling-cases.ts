// Requests of HTTP/2, frame by frame, that two readers could understand differently; played at upstreams of both protocols.
import { requestList } from './h2.ts';
import { block, END_HEADERS, END_STREAM, frame, headers, TYPE } from './raw-h2.ts';
import { HOST } from './setting.ts';

export const GET = requestList(HOST, 'GET', '/');
export const POST = requestList(HOST, 'POST', '/');
export const but = (name: string, value: string | null): string[] => {
  const at = GET.indexOf(name);
  return value === null ? GET.toSpliced(at, 2) : GET.toSpliced(at + 1, 1, value);
};
export const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: evil.test\r\n\r\n';

/** Refused, with one record each. */
export const REFUSED: readonly (readonly [string, readonly Buffer[]])[] = [
  ['an upper-case name', [headers(1, [...GET, 'Smuggled', '1'])]],
  ['CR LF in :path', [headers(1, but(':path', `/ HTTP/1.1\r\nHost: x\r\n\r\n${SMUGGLED}`))]],
  ['a space in :path', [headers(1, but(':path', '/ HTTP/1.1 smuggled'))]],
  ['an absolute :path', [headers(1, but(':path', 'https://evil.test/smuggled'))]],
  ['no :path', [headers(1, but(':path', null))]],
  ['an empty :path', [headers(1, but(':path', ''))]],
  ['CR LF in :method', [headers(1, but(':method', `GET / HTTP/1.1\r\n\r\n${SMUGGLED}`))]],
  ['a space in :method', [headers(1, but(':method', 'GET /smuggled'))]],
  ['no :method', [headers(1, but(':method', null))]],
  ['CR LF in :authority', [headers(1, but(':authority', `${HOST}\r\nsmuggled: 1`))]],
  ['another :authority', [headers(1, but(':authority', 'evil.test'))]],
  ['user information in :authority', [headers(1, but(':authority', `smuggled@${HOST}`))]],
  ['another port in :authority', [headers(1, but(':authority', `${HOST}:8443`))]],
  ['another host field', [headers(1, [...GET, 'host', 'evil.test'])]],
  ['two host fields', [headers(1, [...GET, 'host', HOST, 'host', HOST])]],
  ['no :authority and no host', [headers(1, but(':authority', null))]],
  ['plain :scheme', [headers(1, but(':scheme', 'http'))]],
  ['no :scheme', [headers(1, but(':scheme', null))]],
  ['CR LF in :scheme', [headers(1, but(':scheme', 'https\r\nsmuggled: 1'))]],
  [':path twice', [headers(1, [...GET, ':path', '/smuggled'])]],
  [':method twice', [headers(1, [':method', 'POST', ...GET])]],
  ['a pseudo-field behind a field', [headers(1, ['x', 'smuggled', ...GET])]],
  ['a pseudo-field of a response', [headers(1, [...GET, ':status', '200'])]],
  ['an unknown pseudo-field', [headers(1, [':smuggled', '1', ...GET])]],
  [
    'transfer-encoding',
    [
      headers(1, [...POST, 'transfer-encoding', 'chunked'], END_HEADERS),
      frame(TYPE.data, END_STREAM, 1, `0\r\n\r\n${SMUGGLED}`),
    ],
  ],
  [
    'transfer-encoding and content-length',
    [
      headers(1, [...POST, 'content-length', '4', 'transfer-encoding', 'chunked'], END_HEADERS),
      frame(TYPE.data, END_STREAM, 1, '0\r\n\r\nsmuggled'),
    ],
  ],
  ['connection', [headers(1, [...GET, 'connection', 'close, smuggled'])]],
  ['keep-alive', [headers(1, [...GET, 'keep-alive', 'smuggled'])]],
  ['upgrade to h2c', [headers(1, [...GET, 'upgrade', 'h2c', 'http2-settings', 'AAMAAABk'])]],
  ['te that is not trailers', [headers(1, [...GET, 'te', 'smuggled'])]],
  [
    'content-length smaller than the body',
    [headers(1, [...POST, 'content-length', '3'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, `abc${SMUGGLED}`)],
  ],
  [
    'content-length larger than the body',
    [headers(1, [...POST, 'content-length', '99'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled')],
  ],
  ['content-length without a body', [headers(1, [...POST, 'content-length', '9', 'x', 'smuggled'])]],
  [
    'two lengths',
    [
      headers(1, [...POST, 'content-length', '8', 'content-length', '8'], END_HEADERS),
      frame(TYPE.data, END_STREAM, 1, 'smuggled'),
    ],
  ],
  [
    'a signed length',
    [headers(1, [...POST, 'content-length', '+8'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled')],
  ],
  [
    'content_length',
    [headers(1, [...POST, 'content_length', '8'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled')],
  ],
  [
    'a forbidden trailer',
    [headers(1, POST, END_HEADERS), frame(TYPE.data, 0, 1, 'smuggled'), headers(1, ['content-length', '0'])],
  ],
  [
    'a pseudo-field among trailers',
    [headers(1, POST, END_HEADERS), frame(TYPE.data, 0, 1, 'smuggled'), headers(1, [':path', '/evil'])],
  ],
  [
    'CONNECT',
    [headers(1, [':method', 'CONNECT', ':authority', 'evil.test:443'], END_HEADERS), frame(TYPE.data, 0, 1, SMUGGLED)],
  ],
  [
    'an extended CONNECT to something else',
    [headers(1, [':method', 'CONNECT', ':protocol', 'smuggled', ...GET.slice(2)], END_HEADERS)],
  ],
  ['a body before its head', [frame(TYPE.data, END_STREAM, 1, 'smuggled')]],
  ['an even stream', [headers(2, [...GET, 'x', 'smuggled'])]],
  ['a head cut by another stream', [frame(TYPE.headers, 0, 1, block(GET)), headers(3, [...GET, 'x', 'smuggled'])]],
  [
    'a promise',
    [frame(TYPE.pushPromise, END_HEADERS, 1, `\0\0\0\x02${block([...GET, 'x', 'smuggled']).toString('latin1')}`)],
  ],
  [
    'a frame larger than allowed',
    [headers(1, POST, END_HEADERS), frame(TYPE.data, END_STREAM, 1, 'smuggled'.padEnd(20_000))],
  ],
  [
    'padding longer than its frame',
    [headers(1, POST, END_HEADERS), frame(TYPE.data, 8 | END_STREAM, 1, '\xffsmuggled')],
  ],
  [
    'fields that cannot be decoded',
    [frame(TYPE.headers, END_STREAM | END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))],
  ],
];

/** The reader of frames drops the field, or resets the stream. */
export const DROPPED: readonly (readonly [string, readonly Buffer[]])[] = [
  ['CR LF in a value', [headers(1, [...GET, 'x', `a\r\n\r\n${SMUGGLED}`])]],
  ['LF in a value', [headers(1, [...GET, 'x', 'a\nsmuggled: 1'])]],
  ['NUL in a value', [headers(1, [...GET, 'x', 'a\0smuggled'])]],
  ['CR LF in a name', [headers(1, [...GET, 'x\r\nsmuggled', '1'])]],
  ['a colon in a name', [headers(1, [...GET, 'x: smuggled', '1'])]],
  ['an empty name', [headers(1, [...GET, '', 'smuggled'])]],
  [
    'content-length too small',
    [headers(1, [...POST, 'content-length', '0'], END_HEADERS), frame(TYPE.data, END_STREAM, 1, SMUGGLED)],
  ],
  [
    'CR LF in a trailer',
    [headers(1, POST, END_HEADERS), frame(TYPE.data, 0, 1, 'payload'), headers(1, ['x', 'a\r\nb: c'])],
  ],
];
