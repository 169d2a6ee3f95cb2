import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../src/net/h1/malformed.ts';
import { readRequestFields } from '../../../src/net/h2/request-fields.ts';

const GOOD = [':method', 'POST', ':scheme', 'https', ':authority', 'api.test', ':path', '/a?b'];
const read = (raw: readonly string[], isEnd = false) =>
  readRequestFields(raw, { scheme: 'https', mostFields: 1000, isEnd, webSocketKey: () => 'key' });
const ruleOf = (raw: readonly string[], isEnd = false): string => {
  const head = read(raw, isEnd);
  return head instanceof Malformed ? head.rule : 'none';
};
/** GOOD with other pseudo-fields; null leaves one out. */
function but(change: Readonly<Record<string, string | null>>, ...more: string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < GOOD.length; i += 2) {
    const value = GOOD[i]! in change ? change[GOOD[i]!]! : GOOD[i + 1]!;
    if (value !== null) out.push(GOOD[i]!, value);
  }
  return [...out, ...more];
}

describe('the fields of a request', () => {
  it('become a head: host first, the rest in order, cookies in one', () => {
    expect(read([...GOOD, 'x-b', '1', 'cookie', 'a=1', 'x-a', '2', 'cookie', 'b=2', 'x-b', '3'])).toEqual({
      method: 'POST',
      target: '/a?b',
      isHttp10: false,
      isHttp2: true,
      rawHeaders: ['host', 'api.test', 'x-b', '1', 'cookie', 'a=1; b=2', 'x-a', '2', 'x-b', '3'],
      host: 'api.test',
      body: 'chunked',
      contentLength: 0,
      keepAlive: true,
      expectContinue: false,
      isWebSocket: false,
    });
  });

  it.each([
    ['no body', GOOD, true, { body: 'none', contentLength: 0 }],
    ['a length', [...GOOD, 'content-length', '7'], false, { body: 'length', contentLength: 7 }],
    ['an expectation', [...GOOD, 'expect', '100-continue'], false, { expectContinue: true }],
    [
      'te',
      [...GOOD, 'te', 'trailers'],
      true,
      { rawHeaders: ['host', 'api.test', 'te', 'trailers', 'connection', 'te'] },
    ],
    [
      'a host of the same name',
      [...GOOD, 'host', 'API.test'],
      true,
      { rawHeaders: ['host', 'API.test'], host: 'api.test' },
    ],
    ['a host alone', but({ ':authority': null }, 'host', 'api.test'), true, { host: 'api.test' }],
    ['fields for a proxy', [...GOOD, 'proxy-authorization', 'Basic eA=='], true, { rawHeaders: ['host', 'api.test'] }],
    ['OPTIONS *', but({ ':method': 'OPTIONS', ':path': '*' }), true, { target: '*' }],
    [
      'a WebSocket',
      but({ ':method': 'CONNECT' }, 'x', 'y').toSpliced(2, 0, ':protocol', 'websocket'),
      false,
      {
        method: 'GET',
        isWebSocket: true,
        body: 'none',
        rawHeaders: [
          'host',
          'api.test',
          'x',
          'y',
          'connection',
          'Upgrade',
          'upgrade',
          'websocket',
          'sec-websocket-key',
          'key',
        ],
      },
    ],
  ] as const)('with %s', (_, raw, isEnd, expected) => {
    expect(read(raw, isEnd)).toMatchObject(expected);
  });

  it.each([
    ['pseudo-field', [...GOOD, ':path', '/other']],
    ['pseudo-field', [':method', 'GET', ...GOOD]],
    ['pseudo-field', ['x-a', '1', ...GOOD]],
    ['pseudo-field', [...GOOD, ':status', '200']],
    ['pseudo-field', [...GOOD, ':x', '1']],
    ['field-name', [...GOOD, 'X-Upper', '1']],
    ['field-name', [...GOOD, 'x a', '1']],
    ['field-name', [...GOOD, 'x:a', '1']],
    ['field-name', [...GOOD, 'x\r\nhost', '1']],
    ['field-name', [...GOOD, '', '1']],
    ['field-value', [...GOOD, 'x', 'a\r\nhost: evil']],
    ['field-value', [...GOOD, 'x', 'a\nb']],
    ['field-value', [...GOOD, 'x', 'a\0b']],
    ['field-value', [...GOOD, 'x', ' a']],
    ['field-value', [...GOOD, 'x', 'a\t']],
    ['connection-field', [...GOOD, 'connection', 'close']],
    ['connection-field', [...GOOD, 'transfer-encoding', 'chunked']],
    ['connection-field', [...GOOD, 'keep-alive', '5']],
    ['connection-field', [...GOOD, 'proxy-connection', 'close']],
    ['connection-field', [...GOOD, 'upgrade', 'h2c']],
    ['connection-field', [...GOOD, 'http2-settings', 'AAMAAABk']],
    ['te', [...GOOD, 'te', 'gzip']],
    ['te', [...GOOD, 'te', 'trailers, chunked']],
    ['expect', [...GOOD, 'expect', '200-ok']],
    ['obscured-framing', [...GOOD, 'content_length', '5']],
    ['obscured-framing', [...GOOD, 'transfer_encoding', 'chunked']],
    ['duplicate-length', [...GOOD, 'content-length', '5', 'content-length', '5']],
    ['content-length', [...GOOD, 'content-length', '+5']],
    ['content-length', [...GOOD, 'content-length', '05']],
    ['content-length', [...GOOD, 'content-length', '5, 5']],
    ['content-length', [...GOOD, 'content-length', '0x5']],
    ['content-length', [...GOOD, 'content-length', '9999999999999999']],
    ['duplicate-host', [...GOOD, 'host', 'api.test', 'host', 'api.test']],
    ['host-mismatch', [...GOOD, 'host', 'evil.test']],
    ['host-mismatch', [...GOOD, 'host', 'api.test:444']],
    ['empty-host', but({ ':authority': '' })],
    ['missing-host', but({ ':authority': null })],
    ['host-mismatch', but({ ':scheme': 'http' })],
    ['host-mismatch', but({ ':scheme': null })],
    ['host-mismatch', but({ ':scheme': 'ftp' })],
    ['target-form', but({ ':path': null })],
    ['target-form', but({ ':path': '' })],
    ['target-form', but({ ':path': 'https://evil.test/' })],
    ['target-form', but({ ':path': '*' })],
    ['target-form', but({ ':path': 'a' })],
    ['target-bytes', but({ ':path': '/a b' })],
    ['target-bytes', but({ ':path': '/a HTTP/1.1\r\nhost: evil' })],
    ['target-bytes', but({ ':path': '/\xe4' })],
    ['fragment', but({ ':path': '/a#b' })],
    ['method', but({ ':method': 'GET /evil HTTP/1.1\r\n' })],
    ['method', but({ ':method': '' })],
    ['method', but({ ':method': null })],
    ['connect', but({ ':method': 'CONNECT' })],
    ['connect-protocol', but({ ':method': 'CONNECT' }).toSpliced(2, 0, ':protocol', 'connect-udp')],
    ['connect-protocol', but({}).toSpliced(2, 0, ':protocol', 'websocket')],
    ['upgrade-body', but({ ':method': 'CONNECT' }, 'content-length', '3').toSpliced(2, 0, ':protocol', 'websocket')],
    ['too-many-fields', [...GOOD, ...Array.from({ length: 1001 }, () => ['x', '1']).flat()]],
  ])('%s: %j', (rule, raw) => {
    expect(ruleOf(raw)).toBe(rule);
  });

  it('that end the request cannot announce a body', () => {
    expect(ruleOf([...GOOD, 'content-length', '5'], true)).toBe('content-length');
    expect(ruleOf([...GOOD, 'content-length', '0'], true)).toBe('none');
  });
});
