// The tables of smuggling at an upstream of HTTP/2 alone: judged by what the frames held that it got, before any library has looked at them.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { requestList } from './harness/h2.ts';
import { but, DROPPED, REFUSED } from './harness/h2-smuggling-cases.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { connectRawH2, headers } from './harness/raw-h2.ts';
import { answerFrames, type FramedRequest, type FramedUpstream, framedUpstream } from './harness/raw-h2-upstream.ts';
import { HOST, proxyTo } from './harness/setting.ts';
import { ATTACKS, CHUNKS, HARMLESS, HIDDEN, POST } from './harness/smuggling-cases.ts';
import { undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

let proxy: RunningProxy;
let upstream: FramedUpstream;

beforeAll(async () => {
  const authority = testAuthority();
  upstream = await framedUpstream(authority, { end: (peer, { stream }) => peer.send(answerFrames(stream)) });
  proxy = await proxyTo(upstream, authority.certificatePem);
});
afterAll(undoAll);
afterEach(() => expect(proxy.stderr()).toBe(''));

const NEXT = requestList(HOST, 'GET', '/next');
const CONNECTION_FIELDS = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'host',
  'http2-settings',
];

/** What came since, and then one honest request: it must stand alone. */
async function arrivedBesides(before: number): Promise<FramedRequest[]> {
  const next = await connectRawH2(proxy, HOST);
  next.send(headers(1, but(':path', '/next')));
  expect(await next.judged(1)).toBe('answered');
  next.socket.destroy();
  const came = upstream.requests().slice(before);
  expect(came.filter(({ fields }) => String(fields) === String(NEXT))).toHaveLength(1);
  return came.filter(({ fields }) => String(fields) !== String(NEXT));
}

describe('an agent of HTTP/1.1', () => {
  it.each(ATTACKS)('%s: no frame of it arrives', async (_what, bytes) => {
    const before = upstream.requests().length;
    const client = await connectHost(proxy, HOST);
    client.send(bytes);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
    expect(await arrivedBesides(before)).toEqual([]);
  });

  it.each(CHUNKS)('a chunked body with %s: no frame of it arrives', async (_what, body) => {
    const before = upstream.requests().length;
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n${body}`);
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
    expect(await arrivedBesides(before)).toEqual([]);
  });

  it.each(HARMLESS)('of %s: what looks like a request in the body arrives as a body', async (_what, fields) => {
    const before = upstream.requests().length;
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}${fields}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`);
    await client.waitFor('\r\n\r\n');
    const [request, ...others] = await arrivedBesides(before);
    expect(others).toEqual([]);
    expect(request).toMatchObject({ body: HIDDEN, trailers: null, isEnded: true });
    expect(request!.fields).toEqual(requestList(HOST, 'POST', '/', ['content-length', String(HIDDEN.length)]));
  });

  it('sends chunks and trailers as data and a last block of fields, with nothing of the framing that was', async () => {
    const before = upstream.requests().length;
    const client = await connectHost(proxy, HOST);
    client.send(
      `${POST}Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nX-Odd: \xe4\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    client.send('3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n');
    await client.waitFor('hi');
    const [request] = await arrivedBesides(before);
    expect(request).toMatchObject({ body: 'abcde', trailers: ['x-sum', '1'] });
    const names = request!.fields.filter((_, i) => i % 2 === 0);
    expect(names.filter((name) => CONNECTION_FIELDS.includes(name) || name === 'x-hop')).toEqual([]);
    expect(names).toEqual(names.map((name) => name.toLowerCase()));
    expect(request!.fields.at(request!.fields.indexOf('x-odd') + 1)).toBe('\xe4');
  });
});

describe('an agent of HTTP/2', () => {
  it.each(REFUSED)('%s: no frame of it arrives', async (name, frames) => {
    const before = upstream.requests().length;
    const records = proxy.records().length;
    const client = await connectRawH2(proxy, HOST);
    client.send(...frames);
    await client.judged(name === 'an even stream' ? 2 : 1);
    client.socket.destroy();
    // Whatever was to come of it has come.
    await proxy.recorded(records + 1);
    expect(await arrivedBesides(before)).toEqual([]);
  });

  it.each(DROPPED)('%s: what is left of it is one request, without the field', async (_, frames) => {
    const before = upstream.requests().length;
    const client = await connectRawH2(proxy, HOST);
    client.send(...frames);
    await client.judged(1);
    const came = await arrivedBesides(before);
    expect(came.length).toBeLessThanOrEqual(1);
    await until(() => came.every(({ isEnded, reset }) => isEnded || reset !== null), 'the end');
    for (const { fields, body, trailers } of came) {
      expect([...fields, ...(trailers ?? [])].join('\n')).not.toMatch(/evil|smuggled|[\r\0]|b: c/);
      expect(['', 'payload', '\0']).toContain(body);
      expect(fields.filter((_name, i) => i % 2 === 0 && fields[i] === '')).toEqual([]);
    }
  });
});
