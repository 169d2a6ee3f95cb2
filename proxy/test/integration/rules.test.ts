// Rules of a person's own, in the proxy: what they find does not leave, in heads, bodies, streams and WebSocket messages.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { ThirdPartyRule } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { until } from './harness/proxy.ts';
import { endSettings, HOST, rawSetting } from './harness/setting.ts';
import { answering } from './harness/upstream.ts';
import { openWebSocket, webSocketSetting } from './harness/websocket.ts';

afterEach(endSettings);

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
const RULES: readonly ThirdPartyRule[] = [
  {
    id: 'acme-token',
    description: '',
    regex: '\\b(acme_[a-f0-9]{24})\\b',
    secretGroup: 0,
    entropy: 2,
    keywords: ['acme_'],
    allowlists: [],
    required: [],
    skipReport: false,
  },
];
/** An upstream that answered early would end the exchange before the body does. */
const SILENT = (): void => {};
const token = (): string => `acme_${randomBytes(12).toString('hex')}`;

describe('a match of a rule', () => {
  it.each<[string, (secret: string) => string]>([
    ['the target', (secret) => `GET /a?b=${secret} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`],
    ['a header', (secret) => `GET /a HTTP/1.1\r\nHost: ${HOST}\r\nX-Note: ${secret}\r\n\r\n`],
    [
      'a body',
      (secret) => `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${secret.length + 4}\r\n\r\nk = ${secret}`,
    ],
    [
      'a body in base64',
      (secret) => {
        const body = Buffer.from(`the key is ${secret}`).toString('base64');
        return `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      },
    ],
    [
      'a body that streams',
      (secret) => {
        const body = `${'lorem ipsum '.repeat(20_000)}${secret} `;
        return `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      },
    ],
  ])('in %s does not reach the upstream', async (_, request) => {
    const secret = token();
    const { proxy, upstream } = await rawSetting(SILENT, { rules: RULES, limits: { holdBytes: 64 * 1024 } });
    const client = await connectHost(proxy, HOST);
    client.send(request(secret));
    const [record] = await proxy.recorded(1);
    expect(record).toMatchObject({ verdict: 'block', stage: 'dlp', rule: 'acme-token' });
    expect(upstream.peers.map((peer) => peer.received()).join('')).not.toContain(secret.slice(5));
    expect(JSON.stringify(record)).not.toContain(secret.slice(5));
  });

  it('in a WebSocket message closes the socket before it leaves', async () => {
    const { proxy, upstream } = await webSocketSetting({ rules: RULES });
    const talk = await openWebSocket(proxy);
    const heard = await upstream.first();
    const secret = token();
    talk.socket.send('hello');
    talk.socket.send(`here: ${secret}`);
    await until(() => talk.closed !== null, 'the close');
    expect(talk.closed?.code).toBe(1008);
    expect(heard.messages.map(({ text }) => text).join('')).not.toContain(secret);
  });

  it('is rewritten on a route that redacts, and is nothing where its id is excepted', async () => {
    const secret = token();
    const send = `POST /a HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${secret.length}\r\n\r\n${secret}`;
    for (const [dlp, arrives] of [
      [{ onMatch: 'redact', except: [] }, false],
      [{ onMatch: 'block', except: ['acme-token'] }, true],
    ] as const) {
      const { proxy, upstream } = await rawSetting(answering(OK), { rules: RULES, route: { dlp } });
      const client = await connectHost(proxy, HOST);
      client.send(send);
      await client.waitFor('hi');
      expect(upstream.peers[0]!.received().includes(secret)).toBe(arrives);
    }
  });
});
