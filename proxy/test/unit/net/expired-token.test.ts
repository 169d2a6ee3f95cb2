import { describe, expect, it } from 'vitest';
import { ExpiredTokenWatch } from '../../../src/net/expired-token.ts';
import type { ResponseHead } from '../../../src/net/h1/response-head.ts';

const head = (status: number, ...rawHeaders: string[]): ResponseHead => ({ status, rawHeaders }) as never; // What it looks at.
const XML = '<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>';
const JSON_TEXT = '{"__type":"com.amazonaws.dynamodb.v20120810#ExpiredTokenException","message":"…"}';

function expirations(status: number, chunks: readonly string[], ...rawHeaders: string[]): number {
  let said = 0;
  const watch = ExpiredTokenWatch.of(head(status, ...rawHeaders), () => {
    said++;
  });
  for (const chunk of chunks) watch?.push(Buffer.from(chunk));
  return said;
}

describe('an expired session token is heard of once', () => {
  it.each<[string, number, string[], string[]]>([
    ['XML of S3', 400, [XML], []],
    ['XML of STS', 403, [XML], []],
    ['JSON', 400, [JSON_TEXT], []],
    ['byte by byte', 403, [...XML], []],
    ['in a field', 400, [], ['x-amzn-ErrorType', 'ExpiredTokenException:http://internal.amazon.com/']],
    ['in a field and the body', 403, [XML, XML], ['X-Amz-Error-Code', 'ExpiredToken']],
  ])('%s', (_, status, chunks, fields) => {
    expect(expirations(status, chunks, ...fields)).toBe(1);
  });

  it.each<[string, number, string[]]>([
    ['another status', 200, [XML]],
    ['another error', 403, ['<Error><Code>AccessDenied</Code></Error>']],
    ['a word that only begins so', 400, ['{"message":"ExpiredTokens are listed"}']],
    ['far behind the beginning', 403, ['x'.repeat(8192), XML]],
  ])('but not in %s', (_, status, chunks) => {
    expect(expirations(status, chunks)).toBe(0);
  });
});
