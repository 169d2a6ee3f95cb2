import { describe, expect, it } from 'vitest';
import { frameFields, headText } from '../../../src/net/h1/head-text.ts';

describe('the fields of a head', () => {
  it.each([
    ['a known length', ['X-A', '1', 'content-length', '3'], 'length', ['X-A', '1', 'content-length', '3']],
    ['no body', ['Content-Length', '3'], 'none', ['Content-Length', '3']],
    ['chunks', ['transfer-encoding', 'chunked', 'X-A', '1'], 'stream', ['transfer-encoding', 'chunked', 'X-A', '1']],
    [
      'a length that no more fits, in its place',
      ['X-A', '1', 'content-length', '3', 'X-B', '2'],
      'stream',
      ['X-A', '1', 'Transfer-Encoding', 'chunked', 'X-B', '2'],
    ],
    ['no framing yet', ['X-A', '1'], 'stream', ['X-A', '1', 'Transfer-Encoding', 'chunked']],
  ] as const)('with %s are framed for HTTP/1.1', (_what, fields, body, framed) => {
    expect(frameFields(fields, body, false)).toEqual(framed);
  });

  it('lose their framing for HTTP/1.0, where the end of the connection ends the body', () => {
    expect(frameFields(['transfer-encoding', 'chunked', 'X-A', '1'], 'stream', true)).toEqual(['X-A', '1']);
  });

  it('are written as they are', () => {
    expect(headText(299, 'Odd', ['x-A', '', 'X-a', '\xff'])).toBe('HTTP/1.1 299 Odd\r\nx-A: \r\nX-a: \xff\r\n');
  });
});
