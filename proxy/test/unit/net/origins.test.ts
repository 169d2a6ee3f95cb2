import { describe, expect, it } from 'vitest';
import { Malformed } from '../../../src/net/h1/malformed.ts';
import { parseRequestHead, type RequestHead } from '../../../src/net/h1/request-head.ts';
import { type Expected, resolveAbsolute, resolveConnect, resolveOrigin } from '../../../src/net/origins.ts';

function head(line: string, host = 'a.example'): RequestHead {
  const parsed = parseRequestHead(`${line} HTTP/1.1\r\nHost: ${host}\r\n`, 1000);
  if (parsed instanceof Malformed) throw new Error(parsed.rule);
  return parsed;
}

const TUNNEL: Expected = { via: 'connect', scheme: 'https', authority: { host: 'a.example', port: 443 }, port: 443 };
const CAPTURED: Expected = { via: 'transparent', scheme: 'http', authority: null, port: 80 };

describe('a request inside a tunnel', () => {
  it.each([
    ['GET /a?b', 'a.example', '/a?b'],
    ['GET /', 'A.EXAMPLE', '/'],
    ['GET /', 'a.example.', '/'],
    ['GET /', 'a.example:443', '/'],
    ['GET https://a.example/x?y', 'a.example', '/x?y'],
    ['GET HTTPS://A.example:443?y', 'a.example', '/?y'],
    ['GET https://a.example', 'a.example', '/'],
    ['OPTIONS *', 'a.example', '*'],
  ])('%s with Host %s asks for %s there', (line, host, target) => {
    expect(resolveOrigin(head(line, host), TUNNEL)).toMatchObject({ host: 'a.example', port: 443, target });
  });

  it.each([
    ['GET /', 'b.example', 'host-mismatch'],
    ['GET /', 'a.example:80', 'host-mismatch'],
    ['GET https://b.example/', 'a.example', 'host-mismatch'],
    ['GET https://b.example/', 'b.example', 'host-mismatch'],
    ['GET https://a.example:8443/', 'a.example', 'host-mismatch'],
    ['GET http://a.example/', 'a.example', 'host-mismatch'],
    ['GET https://a.example@b.example/', 'a.example', 'userinfo'],
    ['GET a.example/', 'a.example', 'target-form'],
    ['GET //a.example/', 'b.example', 'host-mismatch'],
    ['GET gopher://a.example/', 'a.example', 'scheme'],
    ['GET https:///a', 'a.example', 'host'],
  ])('%s with Host %s is refused as %s', (line, host, rule) => {
    expect(resolveOrigin(head(line, host), TUNNEL)).toMatchObject({ rule });
  });
});

describe('a captured plain request', () => {
  it('goes where its Host says', () => {
    expect(resolveOrigin(head('GET /'), CAPTURED)).toMatchObject({ host: 'a.example', port: 80, scheme: 'http' });
  });

  it('must name the port that it was caught on', () => {
    expect(resolveOrigin(head('GET /', 'a.example:8080'), CAPTURED)).toMatchObject({ rule: 'host-mismatch' });
    const onOther = { ...CAPTURED, port: 8080 };
    expect(resolveOrigin(head('GET /', 'a.example:8080'), onOther)).toMatchObject({ port: 8080 });
  });
});

describe('a request to the explicit proxy', () => {
  it.each([
    ['GET http://a.example/b', 'http', 80, '/b'],
    ['GET https://a.example/b', 'https', 443, '/b'],
    ['GET http://a.example:8080', 'http', 8080, '/'],
  ])('%s is one of scheme %s to port %i', (line, scheme, port, target) => {
    const host = port === 8080 ? 'a.example:8080' : 'a.example';
    expect(resolveAbsolute(head(line, host))).toMatchObject({ via: 'absolute', scheme, port, target });
  });
});

describe('a CONNECT', () => {
  it.each([
    ['a.example:443', 'a.example:443', { host: 'a.example', port: 443 }],
    ['a.example:8443', 'a.example', { host: 'a.example', port: 8443 }],
    ['[2001:DB8::1]:443', '[2001:db8::1]:443', { host: '2001:db8::1', port: 443 }],
  ])('to %s with Host %s leads there', (target, host, authority) => {
    expect(resolveConnect(head(`CONNECT ${target}`, host))).toEqual(authority);
  });

  it.each([
    ['a.example', 'a.example', 'port'],
    ['a.example:443', 'b.example:443', 'host-mismatch'],
    ['a.example:443', 'a.example:80', 'host-mismatch'],
    ['x@a.example:443', 'a.example:443', 'userinfo'],
  ])('to %s with Host %s is refused as %s', (target, host, rule) => {
    expect(resolveConnect(head(`CONNECT ${target}`, host))).toMatchObject({ rule });
  });
});
