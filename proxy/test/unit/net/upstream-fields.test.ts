import { describe, expect, it } from 'vitest';
import type { AgentRequest } from '../../../src/net/agent.ts';
import { fieldsForUpstream } from '../../../src/net/upstream-fields.ts';

const SAME = { length: null, wantsIdentity: false };

function request(changes: Partial<AgentRequest> = {}): AgentRequest {
  return {
    via: 'connect',
    scheme: 'https',
    host: 'a.example',
    port: 443,
    method: 'GET',
    target: '/',
    rawHeaders: [],
    body: 'none',
    contentLength: 0,
    expectContinue: false,
    isWebSocket: false,
    isHttp10: false,
    isHttp2: false,
    ...changes,
  };
}

describe('the fields of a request for its upstream', () => {
  it('stay the very same list where nothing has to change', () => {
    const fields = ['x-a', '1', 'Host', 'A.Example', 'X-A', '2'];
    expect(fieldsForUpstream(request(), fields, SAME)).toBe(fields);
  });

  it('get the new length in its place', () => {
    const fields = ['content-length', '9', 'Host', 'a.example'];
    expect(fieldsForUpstream(request(), fields, { ...SAME, length: 5 })).toEqual([
      ...['content-length', '5', 'Host', 'a.example'],
    ]);
  });

  it('ask for an answer that can be searched', () => {
    const fields = ['Host', 'a.example', 'accept-encoding', 'br', 'X-A', '1', 'Accept-Encoding', 'gzip'];
    expect(fieldsForUpstream(request(), fields, { ...SAME, wantsIdentity: true })).toEqual([
      ...['Host', 'a.example', 'accept-encoding', 'identity', 'X-A', '1'],
    ]);
  });

  it('stay without what the agent did not ask for', () => {
    const fields = ['Host', 'a.example', 'X-A', '1'];
    expect(fieldsForUpstream(request(), fields, { ...SAME, wantsIdentity: true })).toEqual(fields);
  });

  it('offer no extension that would hide the messages of a WebSocket', () => {
    const fields = ['Host', 'a.example', 'Sec-WebSocket-Extensions', 'x-webkit-deflate-frame', 'X-A', '1'];
    expect(fieldsForUpstream(request({ isWebSocket: true }), fields, SAME)).toEqual(['Host', 'a.example', 'X-A', '1']);
  });

  it.each([
    [{}, 'a.example'],
    [{ port: 8443 }, 'a.example:8443'],
    [{ scheme: 'http', port: 80 } as const, 'a.example'],
    [{ host: '2001:db8::1' }, '[2001:db8::1]'],
  ])('get the host that HTTP/1.0 left out: %o', (changes, host) => {
    expect(fieldsForUpstream(request(changes), ['X-A', '1'], SAME)).toEqual(['Host', host, 'X-A', '1']);
  });

  it.each([
    ['a.example.', 'a.example'],
    ['a.example.:8443', 'a.example:8443'],
    ['A.example', 'A.example'],
  ])('name the host without a final dot: %s', (given, sent) => {
    expect(fieldsForUpstream(request(), ['Host', given], SAME)).toEqual(['Host', sent]);
  });
});
