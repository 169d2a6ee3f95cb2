// How streams and connections of HTTP/2 end before their time: what the other side is told, what is sent again, and what never is.
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { answerOf, ask, connectH2, type H2Answer, open, requestList } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { block, connectRawH2, END_HEADERS, frame, headers, TYPE } from './harness/raw-h2.ts';
import {
  answerFrames,
  type FramedPeer,
  type FramedRequest,
  type FramedUpstream,
  framedUpstream,
  goAwayFrame,
  resetFrame,
} from './harness/raw-h2-upstream.ts';
import { HOST, proxyTo, type SettingOptions } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

afterEach(undoAll);

const authority = testAuthority();
const CODES = {
  ...{
    NO_ERROR: 0,
    PROTOCOL_ERROR: 1,
    INTERNAL_ERROR: 2,
    FLOW_CONTROL_ERROR: 3,
    STREAM_CLOSED: 5,
    FRAME_SIZE_ERROR: 6,
  },
  ...{
    REFUSED_STREAM: 7,
    CANCEL: 8,
    CONNECT_ERROR: 10,
    ENHANCE_YOUR_CALM: 11,
    INADEQUATE_SECURITY: 12,
    HTTP_1_1_REQUIRED: 13,
  },
} as const;
type CodeName = keyof typeof CODES;

interface Setting {
  readonly proxy: RunningProxy;
  readonly upstream: FramedUpstream;
}

async function setting(
  end: (peer: FramedPeer, request: FramedRequest, upstream: FramedUpstream) => void,
  options: SettingOptions = {},
): Promise<Setting> {
  const upstream: FramedUpstream = await framedUpstream(authority, {
    end: (peer, request) => end(peer, request, upstream),
  });
  return { upstream, proxy: await proxyTo(upstream, authority.certificatePem, options) };
}

const post = async (proxy: RunningProxy, body = 'once'): Promise<H2Answer> =>
  ask(await connectH2(proxy, HOST), requestList(HOST, 'POST', '/'), body);

describe('a reset by the upstream before it answers', () => {
  // What it has not looked at goes once more; all else is told in words, since the agent has no answer yet.
  const again: readonly CodeName[] = ['REFUSED_STREAM', 'HTTP_1_1_REQUIRED'];

  it.each(Object.keys(CODES) as CodeName[])('%s', async (name) => {
    const { proxy, upstream } = await setting((peer, { stream }, { requests }) =>
      peer.send(requests().length === 1 ? resetFrame(stream, CODES[name]) : answerFrames(stream)),
    );
    const answer = await post(proxy);
    const isSentAgain = again.includes(name);
    expect(upstream.requests().map(({ body }) => body)).toEqual(isSentAgain ? ['once', 'once'] : ['once']);
    expect([answer.status, answer.rstCode]).toEqual([isSentAgain ? 200 : 502, 0]);
    expect(await proxy.recorded(1)).toMatchObject([
      isSentAgain ? { status: 200, stage: 'none' } : { status: 502, stage: 'upstream', rule: 'closed' },
    ]);
  });

  it('and again before the second answer is told in words, not tried for ever', async () => {
    const { proxy, upstream } = await setting((peer, { stream }) =>
      peer.send(resetFrame(stream, CODES.REFUSED_STREAM)),
    );
    expect((await post(proxy)).status).toBe(502);
    expect(upstream.requests()).toHaveLength(2);
    expect(await proxy.recorded(1)).toHaveLength(1);
  });
});

describe('a reset by the upstream in the middle of its answer', () => {
  const begin = (stream: number): Buffer =>
    Buffer.concat([
      frame(TYPE.headers, END_HEADERS, stream, block([':status', '200'])),
      frame(TYPE.data, 0, stream, 'begun'),
    ]);

  it.each(Object.keys(CODES) as CodeName[])('%s is no end to a client of either protocol', async (name) => {
    const { proxy, upstream } = await setting((peer, { stream }) =>
      peer.send(begin(stream), resetFrame(stream, CODES[name])),
    );
    const answer = await post(proxy);
    // The agent's stream is reset as well, with a code of our own: an upstream's NO_ERROR would look like an end.
    expect(answer.rstCode).toBe(CODES.INTERNAL_ERROR);
    const client = await connectHost(proxy, HOST);
    client.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    expect(await client.ended()).not.toContain('\r\n0\r\n');
    expect(upstream.requests()).toHaveLength(2);
    expect((await proxy.recorded(2)).map(({ stage }) => stage)).toEqual(['upstream', 'upstream']);
  });
});

describe('GOAWAY of the upstream', () => {
  it.each([
    ['without an error', CODES.NO_ERROR],
    ['with one', CODES.ENHANCE_YOUR_CALM],
  ])('%s: what it has not looked at goes once more, on a new connection, also a POST', async (_, code) => {
    const { proxy, upstream } = await setting((peer, { stream }, { peers }) => {
      // The second request on the first connection is beyond the last that it looks at.
      if (peer !== peers[0]) peer.send(answerFrames(stream));
      else if (stream === 3) peer.send(answerFrames(1, 200, 'first'), goAwayFrame(1, code));
    });
    const session = await connectH2(proxy, HOST);
    const first = ask(session, requestList(HOST, 'POST', '/1'), 'one');
    await until(() => upstream.requests().length === 1, 'the first request');
    const second = ask(session, requestList(HOST, 'POST', '/2'), 'two');
    expect((await first).body.toString()).toBe('first');
    expect((await second).status).toBe(200);
    expect(upstream.peers.map(({ requests }) => requests.map(({ body }) => body))).toEqual([['one', 'two'], ['two']]);
    expect((await proxy.recorded(2)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('leaves the streams that run alone, and gets no further one', async () => {
    const { proxy, upstream } = await setting((peer, { stream }, { peers }) => {
      if (peer !== peers[0]) peer.send(answerFrames(stream, 200, 'new'));
      // As a server does that shuts down gently (RFC 9113, 6.8): the number comes later.
      else peer.send(goAwayFrame(2 ** 31 - 1, CODES.NO_ERROR), headersOf(stream), frame(TYPE.data, 0, stream, 'slow '));
    });
    const session = await connectH2(proxy, HOST);
    const stream = open(session, requestList(HOST, 'POST', '/1'), { endStream: true });
    const slow = answerOf(stream);
    await new Promise((resolve) => stream.once('response', resolve));
    expect((await ask(session, requestList(HOST, 'POST', '/2'), 'x')).body.toString()).toBe('new');
    const [peer] = upstream.peers;
    peer!.send(goAwayFrame(1, CODES.NO_ERROR), frame(TYPE.data, 1, 1, 'end'));
    expect((await slow).body.toString()).toBe('slow end');
    expect(upstream.peers.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  it('does not make a request go twice that it may have looked at', async () => {
    const { proxy, upstream } = await setting((peer) => {
      peer.send(goAwayFrame(1, CODES.INTERNAL_ERROR));
      peer.socket.end();
    });
    expect((await post(proxy)).status).toBe(502);
    expect(upstream.requests()).toHaveLength(1);
    expect(await proxy.recorded(1)).toMatchObject([{ stage: 'upstream', rule: 'closed' }]);
  });

  it('does not make a body go twice that was passed on as it came', async () => {
    const upstream: FramedUpstream = await framedUpstream(authority, {
      request: (peer, { stream }) => stream === 1 && peer.send(goAwayFrame(0, CODES.NO_ERROR)),
    });
    const proxy = await proxyTo(upstream, authority.certificatePem, { limits: { holdBytes: 1024 } });
    const stream = open(await connectH2(proxy, HOST), requestList(HOST, 'POST', '/'));
    const answer = answerOf(stream);
    stream.end('all work and no play '.repeat(1000));
    expect((await answer).status).toBe(502);
    expect(upstream.requests()).toHaveLength(1);
  });
});

describe('a reset by the agent', () => {
  it.each(Object.keys(CODES) as CodeName[])('with %s cancels the request at the upstream', async (name) => {
    const { proxy, upstream } = await setting((peer, { stream }) => peer.send(headersOf(stream)));
    const client = await connectRawH2(proxy, HOST);
    client.send(headers(1, requestList(HOST, 'GET', '/')));
    expect(await client.judged(1)).toBe('answered');
    client.send(resetFrame(1, CODES[name]));
    await until(() => upstream.requests()[0]!.reset !== null, 'the reset at the upstream');
    expect(upstream.requests()[0]!.reset).toBe(CODES.CANCEL);
    expect((await proxy.recorded(1)).map(({ status }) => status)).toEqual([200]);
    // Neither connection is lost with it.
    client.send(headers(3, requestList(HOST, 'GET', '/')));
    expect(await client.judged(3)).toBe('answered');
    expect(upstream.peers).toHaveLength(1);
  });
});

describe('a proxy that stops', () => {
  it('tells agents the last stream that it serves (GOAWAY), and lets that one end', async () => {
    const { proxy, upstream } = await setting((peer, { stream }) => peer.send(headersOf(stream)));
    const client = await connectRawH2(proxy, HOST);
    client.send(headers(1, requestList(HOST, 'GET', '/')));
    expect(await client.judged(1)).toBe('answered');
    proxy.tell({ do: 'stop' });
    const farewell = () => client.frames.find(({ type }) => type === TYPE.goAway);
    await until(() => farewell() !== undefined, 'the farewell');
    upstream.peers[0]!.send(frame(TYPE.data, 1, 1, 'the end'));
    expect([farewell()!.payload.readUInt32BE(0), farewell()!.payload.readUInt32BE(4)]).toEqual([1, CODES.NO_ERROR]);
    await until(() => client.isClosed(), 'the end');
    const data = client.frames.filter(({ type }) => type === TYPE.data).map(({ payload }) => payload.toString());
    expect(data.join('')).toBe('the end');
  });
});

function headersOf(stream: number): Buffer {
  return frame(TYPE.headers, END_HEADERS, stream, block([':status', '200']));
}
