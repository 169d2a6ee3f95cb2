import { describe, expect, test } from 'vitest';
import { parseHeader, parseMethod, parseUrl } from '../../../src/proxy-process/request-text.ts';

describe('the request of `bottle why`', () => {
  test('a method may be written small', () => {
    expect(parseMethod('get')).toBe('GET');
    expect(parseMethod('M-SEARCH')).toBe('M-SEARCH');
  });

  test.each([
    ['https://api.example/a%2fb?x=1', 'api.example', 443, 'https'],
    ['https://API.example:8443/', 'api.example', 8443, 'https'],
    ['http://api.example/', 'api.example', 80, 'http'],
    ['wss://a:b@api.example/', 'api.example', 443, 'https'],
    ['https://[2001:db8::7]/x', '2001:db8::7', 443, 'https'],
  ])('%s stays as it was written', (url, host, port, scheme) => {
    expect(parseUrl(url)).toEqual({ url, host, port, scheme });
  });

  test.each([
    ['accept: */*', ['accept', '*/*']],
    ['X-Empty:', ['X-Empty', '']],
    ['x:a: b ', ['x', 'a: b']],
  ])('header %j', (text, field) => {
    expect(parseHeader(text)).toEqual(field);
  });

  test.each([
    ['no method', () => parseMethod('GET /'), /"GET \/" is no method/],
    ['an empty method', () => parseMethod(''), /is no method/],
    ['a path', () => parseUrl('/user'), /is no URL.*absolute/],
    ['a host', () => parseUrl('api.example'), /is no URL/],
    ['another scheme', () => parseUrl('ftp://api.example/'), /the scheme ftp/],
    ['a header without a colon', () => parseHeader('accept'), /not "name: value"/],
    ['a header of two lines', () => parseHeader('a: b\r\nc: d'), /not "name: value"/],
    ['a header name with a blank', () => parseHeader('a b: c'), /not "name: value"/],
  ])('%s is refused', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
