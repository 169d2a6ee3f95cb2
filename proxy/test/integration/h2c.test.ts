// HTTP/2 without TLS: refused at its preface, by a rule of its own, wherever it comes in.
import { afterEach, expect, it } from 'vitest';
import { connectProxy, openTunnel, rawClient } from './harness/client.ts';
import { requestList } from './harness/h2.ts';
import { frame, headers, TYPE } from './harness/raw-h2.ts';
import { HOST, rawSetting } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { answering } from './harness/upstream.ts';

afterEach(undoAll);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const OPENING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(TYPE.settings, 0, 0),
  headers(1, requestList(HOST, 'GET', '/smuggled')),
]);

it.each([
  ['inside a CONNECT to a plain route', `${HOST}:80`],
  ['to the explicit proxy itself', null],
])('prior knowledge %s is refused in words, and nothing of it arrives', async (_, authority) => {
  const { proxy, upstream } = await rawSetting(answering(OK), { route: { scheme: 'http' } });
  const client = authority === null ? await connectProxy(proxy) : rawClient(await openTunnel(proxy, authority));
  client.send(OPENING);
  const answer = await client.ended();
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*x-bottle-block: protocol h2c /);
  expect(answer).toContain('use HTTP/1.1, or HTTP/2 inside TLS');
  expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', stage: 'protocol', rule: 'h2c', status: 400 }]);
  expect(upstream.peers).toHaveLength(0);
});
