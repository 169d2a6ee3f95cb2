// Services that answer in the middle of a request: what was judged of it leaves while more may come, where the route says so and nowhere else.
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { connectHost } from './harness/client.ts';
import { answerOf, connectH2, h2Upstream, open, requestList } from './harness/h2.ts';
import { until } from './harness/proxy.ts';
import { HOST, proxyTo, rawSetting, type SettingOptions } from './harness/setting.ts';
import { undoAll } from './harness/undo.ts';
import { answering, testAuthority } from './harness/upstream.ts';

afterEach(undoAll);

const authority = testAuthority();
const DUPLEX = { holdRequest: false } as const;
const value = `k${randomBytes(20).toString('hex')}`;
const secrets = [{ name: 'K', value, placeholder: 'bottle-placeholder-abcdefgh' }];
const POST = `POST /talk HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** An upstream of HTTP/1.1 that answers every line with itself, at once. */
const lineEcho = (options: SettingOptions) =>
  rawSetting((peer) => {
    let told = 0;
    let isBegun = false;
    peer.socket.on('data', () => {
      if (!isBegun && peer.received().includes('\r\n\r\n')) {
        isBegun = true;
        peer.send(OK);
      }
      const lines = [...peer.received().matchAll(/line \d+\n/g)];
      for (const [line] of lines.slice(told)) peer.send(chunk(`re: ${line}`));
      told = lines.length;
      if (peer.received().endsWith('\r\n0\r\n\r\n')) peer.send('0\r\n\r\n');
    });
  }, options);

describe('with hold_request: false', () => {
  it('a client of HTTP/1.1 gets an answer to each line before it sends the next, and one record', async () => {
    const { proxy, upstream } = await lineEcho({ route: DUPLEX });
    const client = await connectHost(proxy, HOST);
    client.send(POST);
    for (const n of [1, 2, 3]) {
      client.send(chunk(`line ${n}\n`));
      await client.waitFor(`re: line ${n}\n`);
    }
    client.send('0\r\n\r\n');
    await client.waitFor('\r\n0\r\n\r\n');
    expect(upstream.peers).toHaveLength(1);
    expect(await proxy.recorded(1)).toMatchObject([{ path: '/talk', status: 200, bytes_out: 21, bytes_in: 33 }]);
  });

  it('a client of HTTP/2 as well, at an upstream of HTTP/2', async () => {
    const upstream = await h2Upstream(authority, (stream) => {
      stream.respond({ ':status': 200 });
      stream.on('data', (piece: Buffer) => stream.write(`re: ${piece.toString()}`));
      stream.on('end', () => stream.end());
    });
    const proxy = await proxyTo(upstream, authority.certificatePem, { route: DUPLEX });
    const stream = open(await connectH2(proxy, HOST), requestList(HOST, 'POST', '/'));
    const answer = answerOf(stream);
    let heard = '';
    stream.on('data', (piece: Buffer) => {
      heard += piece.toString();
    });
    for (const n of [1, 2, 3]) {
      stream.write(`line ${n}\n`);
      await until(() => heard.includes(`re: line ${n}\n`), `answer ${n}`);
    }
    stream.end();
    expect(await answer).toMatchObject({ status: 200, rstCode: 0 });
    expect(await proxy.recorded(1)).toMatchObject([{ bytes_out: 21 }]);
  });

  it('a request whose end comes at once is judged whole, and refused before anything leaves', async () => {
    const { proxy, upstream } = await lineEcho({ route: DUPLEX, secrets });
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}${chunk('line 1\n')}${chunk(`line 2 ${value}\n`)}0\r\n\r\n`);
    expect(await client.waitFor('known-secret')).toMatch(/^HTTP\/1\.1 403 /);
    expect(upstream.peers).toHaveLength(0);
  });

  it('a secret in a later line is stopped before that line leaves', async () => {
    const { proxy, upstream } = await lineEcho({ route: DUPLEX, secrets });
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}${chunk('line 1\n')}`);
    await client.waitFor('re: line 1\n');
    client.send(chunk(`here: ${value}\n`));
    await client.ended();
    expect(upstream.peers[0]!.received()).toContain('line 1\n');
    expect(upstream.peers[0]!.received()).not.toContain('here');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'known-secret' }]);
  });

  it.each([
    ['in halves', [value.slice(0, 20), value.slice(20)]],
    ['without its last letter', [value.slice(0, -1), value.slice(-1)]],
    [
      'in base64',
      [Buffer.from(value).toString('base64').slice(0, 30), Buffer.from(value).toString('base64').slice(30)],
    ],
  ])(
    'a secret that is sent %s with a pause between stays here: a long word at the end waits for what follows',
    async (_, [first, second]) => {
      const { proxy, upstream } = await lineEcho({ route: DUPLEX, secrets });
      const client = await connectHost(proxy, HOST);
      client.send(`${POST}${chunk(`line 1\n${first}`)}`);
      // What stands before the word has left, so the pause is over.
      await client.waitFor('re: line 1\n');
      client.send(chunk(`${second} line 2\n`));
      await client.ended();
      expect(upstream.peers[0]!.received()).not.toContain(first!.slice(0, 12));
      expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'known-secret' }]);
    },
  );

  it('one whose first part has left is stopped at the part that completes it', async () => {
    const words = ['correct', 'horse', 'battery', 'staple', 'window', 'garden'];
    const phrase = words.join(' ');
    const own = [{ name: 'PHRASE', value: phrase, placeholder: 'bottle-placeholder-phrase' }];
    const { proxy, upstream } = await lineEcho({ route: DUPLEX, secrets: own });
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}${chunk('line 1\ncorrect horse ')}`);
    await (await upstream.peer(0)).waitFor('correct horse ');
    client.send(chunk(`${words.slice(2).join(' ')}\nline 2\n`));
    await client.ended();
    expect(upstream.peers[0]!.received()).not.toContain('battery');
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'known-secret' }]);
  });

  it('a compressed body waits for its end, or for as much as may be held', async () => {
    const { proxy, upstream } = await lineEcho({ route: DUPLEX, secrets });
    const packed = gzipSync(`line 1 ${value}\n`).toString('latin1');
    const client = await connectHost(proxy, HOST);
    client.send(POST.replace('\r\n\r\n', '\r\nContent-Encoding: gzip\r\n\r\n') + chunk(packed.slice(0, 20)));
    await upstream.peer(0);
    client.send(`${chunk(packed.slice(20))}0\r\n\r\n`);
    await client.ended();
    expect(upstream.peers[0]!.received()).not.toContain(packed.slice(0, 12));
    expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block' }]);
  });
});

describe('by default', () => {
  it('nothing of a request leaves before its end', async () => {
    const { proxy, upstream } = await rawSetting(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
    const client = await connectHost(proxy, HOST);
    client.send(`${POST}${chunk('line 1\n')}`);
    // Other requests come and go meanwhile, over more time than a pause takes.
    const until = performance.now() + 500;
    while (performance.now() < until) {
      const other = await connectHost(proxy, HOST);
      other.send(`GET /other HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      await other.waitFor('hi');
      other.close();
    }
    const arrived = (): string => upstream.peers.map((peer) => peer.received()).join('');
    expect(arrived()).not.toContain('/talk');
    client.send(`${chunk('line 2\n')}0\r\n\r\n`);
    await client.waitFor('hi');
    expect(arrived()).toContain('line 1\nline 2\n');
  });
});
