import { describe, expect, it } from 'vitest';
import { ChunkedDecoder } from '../../../src/net/h1/chunked.ts';
import { Malformed } from '../../../src/net/h1/malformed.ts';

interface Decoded {
  readonly body: string;
  readonly rawTrailers: readonly string[] | null;
  readonly rest: string;
  readonly rule: string | null;
}

/** Feeds `text` in pieces of `step` bytes, as a socket would. */
function decode(text: string, step = text.length, tolerant = false): Decoded {
  let body = '';
  let rawTrailers: readonly string[] | null = null;
  const sink = {
    onBody: (chunk: Buffer) => {
      body += chunk.toString('latin1');
    },
    onBodyEnd: (trailers: readonly string[]) => {
      rawTrailers = trailers;
    },
  };
  const decoder = new ChunkedDecoder(sink, { trailerBytes: 16 * 1024, isTolerant: tolerant });
  const bytes = Buffer.from(text, 'latin1');
  let held: Buffer = Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += step) {
    held = Buffer.concat([held, bytes.subarray(at, at + step)]);
    if (decoder.isDone) continue;
    const taken = decoder.feed(held);
    if (taken instanceof Malformed) return { body, rawTrailers, rest: '', rule: taken.rule };
    held = held.subarray(taken);
  }
  return { body, rawTrailers, rest: held.toString('latin1'), rule: null };
}

describe('a chunked body', () => {
  const whole = '5\r\nhello\r\n6;a=b;c="d"\r\n world\r\n0\r\nX-T: 1\r\nx-u:  2 \r\n\r\nGET /next';

  it.each([1, 2, 3, 7, 1000])('is decoded when it comes in pieces of %i bytes', (step) => {
    expect(decode(whole, step)).toEqual({
      body: 'hello world',
      rawTrailers: ['X-T', '1', 'x-u', '2'],
      rest: 'GET /next',
      rule: null,
    });
  });

  it('may be empty', () => {
    expect(decode('0\r\n\r\n')).toMatchObject({ body: '', rawTrailers: [], rest: '' });
  });

  it('may write its sizes with leading zeros and in any case', () => {
    expect(decode('00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n').body).toHaveLength(20);
  });

  it.each([1, 2, 1000])('of a response may fill its size lines up with spaces (pieces of %i bytes)', (step) => {
    const padded = '5  \r\nhello\r\n1 ;a\r\n!\r\n0\t \r\n\r\nHTTP/1.1';
    expect(decode(padded, step, true)).toMatchObject({ body: 'hello!', rest: 'HTTP/1.1', rule: null });
    expect(decode(padded, step)).toMatchObject({ rule: 'chunk-size' });
  });

  it.each([
    ['no size', '\r\n', 'chunk-size'],
    ['a sign', '+5\r\nhello\r\n', 'chunk-size'],
    ['a negative size', '-1\r\n', 'chunk-size'],
    ['a prefix', '0x5\r\nhello\r\n', 'chunk-size'],
    ['a space before the size', ' 5\r\nhello\r\n', 'chunk-size'],
    ['a space behind the size', '5 \r\nhello\r\n', 'chunk-size'],
    ['a space before the extension', '5 ;a\r\nhello\r\n', 'chunk-size'],
    ['an underscore', '1_0\r\n', 'chunk-size'],
    ['a size that overflows 64 bits', '10000000000000005\r\nhello\r\n', 'chunk-size'],
    ['a size that overflows 53 bits', 'ffffffffffffff\r\n', 'chunk-size'],
    ['a bare line feed behind the size', '5\nhello\r\n', 'bare-lf'],
    ['a bare carriage return behind the size', '5\rhello\r\n', 'bare-cr'],
    ['a bare line feed in an extension', '5;a\nhello\r\n', 'bare-lf'],
    ['a NUL in an extension', '5;a\0\r\nhello\r\n', 'chunk-extension'],
    ['an endless extension', `5;${'a'.repeat(5000)}`, 'chunk-line'],
    ['more bytes than its size', '5\r\nhello!\r\n', 'chunk-end'],
    ['a bare line feed behind the bytes', '5\r\nhello\n', 'chunk-end'],
    ['a folded trailer', '0\r\nX-T: 1\r\n 2\r\n\r\n', 'obs-fold'],
    ['a bare line feed behind a trailer', '0\r\nX-T: 1\n\r\n', 'bare-lf'],
    ['a bare line feed at its end', '0\r\n\n', 'bare-lf'],
    ['a length as trailer', '0\r\nContent-Length: 5\r\n\r\n', 'trailer-field'],
    ['an encoding as trailer', '0\r\ntransfer-encoding: chunked\r\n\r\n', 'trailer-field'],
    ['a host as trailer', '0\r\nHost: b.example\r\n\r\n', 'trailer-field'],
    ['a trailer without a colon', '0\r\nX-T\r\n\r\n', 'no-colon'],
    ['endless trailers', `0\r\n${'X-T: 1\r\n'.repeat(3000)}`, 'trailers'],
  ])('with %s is refused', (_what, text, rule) => {
    expect(decode(text).rule).toBe(rule);
    expect(decode(text, 1).rule).toBe(rule);
  });

  it('of a response loses trailers that would change its framing, instead of being refused', () => {
    const text = '0\r\nContent-Length: 5\r\nX-T: 1\r\n\r\n';
    expect(decode(text, 3, true)).toMatchObject({ rawTrailers: ['X-T', '1'], rule: null });
  });
});
