import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { OnMatch } from '../../src/contract.ts';
import { connectHost } from './harness/client.ts';
import { answerOf, connectH2, h2Upstream, open, requestList, tlsFront } from './harness/h2.ts';
import { nthHeld } from './harness/held.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { HOST, proxyTo } from './harness/setting.ts';
import { later, undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

afterEach(undoAll);

const authority = testAuthority();
const value = `k${randomBytes(20).toString('hex')}`;
const secrets = [{ name: 'K', value, placeholder: 'bottle-placeholder-abcdefgh' }];

/** A protobuf message with one string in field 1. */
function message(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length: number[] = [];
  for (let left = bytes.length; ; left >>>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes]);
}

const bytes = { serialize: (one: Buffer) => one, deserialize: (one: Buffer) => one };
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
});
const SERVICE = {
  unary: method('/t.Echo/Unary', false, false),
  collect: method('/t.Echo/Collect', true, false),
  count: method('/t.Echo/Count', false, true),
  chat: method('/t.Echo/Chat', true, true),
  fail: method('/t.Echo/Fail', false, false),
  never: method('/t.Echo/Never', false, false),
};

interface Setting {
  readonly proxy: RunningProxy;
  readonly client: grpc.Client;
  /** Messages that the service got. */
  readonly arrived: Buffer[];
  readonly begun: string[];
  readonly cancelled: string[];
}

/** A real gRPC service behind TLS, and a real gRPC client through the proxy's CONNECT. */
async function setting(onMatch: OnMatch = 'block'): Promise<Setting> {
  const arrived: Buffer[] = [];
  const begun: string[] = [];
  const cancelled: string[] = [];
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(SERVICE, {
    unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      arrived.push(call.request);
      done(null, call.request);
    },
    collect: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      call.on('data', (one: Buffer) => arrived.push(one));
      call.on('end', () => done(null, message(String(arrived.length))));
      call.on('cancelled', () => cancelled.push('collect'));
    },
    count: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      arrived.push(call.request);
      for (let n = 0; n < 50; n++) call.write(message(`n${n}`));
      call.end();
    },
    chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (one: Buffer) => {
        arrived.push(one);
        call.write(one);
      });
      call.on('end', () => call.end());
      call.on('cancelled', () => cancelled.push('chat'));
    },
    fail: (_call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      done({ code: grpc.status.FAILED_PRECONDITION, details: 'nicht so: 50 %' }),
    never: (call: grpc.ServerUnaryCall<Buffer, Buffer>) => {
      begun.push('never');
      call.on('cancelled', () => cancelled.push('never'));
    },
  });
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const front = await tlsFront(authority, ['h2'], (socket) => injector.injectConnection(socket));
  later(() => {
    injector.destroy();
    server.forceShutdown();
  });
  const proxy = await proxyTo(front, authority.certificatePem, {
    secrets,
    route: { dlp: { onMatch, except: [] } },
  });
  process.env.grpc_proxy = `http://127.0.0.1:${proxy.port}`;
  const client = new grpc.Client(`${HOST}:443`, grpc.credentials.createSsl(Buffer.from(proxy.ca)), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  later(() => {
    client.close();
    delete process.env.grpc_proxy;
  });
  return { proxy, client, arrived, begun, cancelled };
}

interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly answer: string;
  readonly metadata: grpc.Metadata | null;
}

function unary(client: grpc.Client, name: keyof typeof SERVICE, request: Buffer, options = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = SERVICE[name];
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, (error, answer) =>
      resolve({
        code: error?.code ?? 0,
        details: error?.details ?? '',
        answer: answer?.toString('latin1') ?? '',
        metadata: error?.metadata ?? null,
      }),
    );
  });
}

describe('gRPC', () => {
  it('unary calls pass, with their status and its words', async () => {
    const { proxy, client } = await setting();
    expect(await unary(client, 'unary', message('hello'))).toMatchObject({
      code: 0,
      answer: message('hello').toString('latin1'),
    });
    expect(await unary(client, 'fail', message('x'))).toMatchObject({ code: 9, details: 'nicht so: 50 %' });
    expect(await proxy.recorded(2)).toMatchObject([
      { method: 'POST', path: '/t.Echo/Unary', status: 200, verdict: 'allow', bytes_out: 12 },
      { path: '/t.Echo/Fail', status: 200 },
    ]);
  });

  it('messages of 20 MB pass', async () => {
    const { client, arrived } = await setting();
    const large = message('lorem ipsum dolor '.repeat(1_200_000));
    const { code, answer } = await unary(client, 'unary', large);
    expect({ code, size: answer.length }).toEqual({ code: 0, size: large.length });
    expect(arrived[0]?.equals(large)).toBe(true);
  });

  it('client streams, server streams', async () => {
    const { client, arrived } = await setting();
    const collected = await new Promise<string>((resolve, reject) => {
      const { path } = SERVICE.collect;
      const call = client.makeClientStreamRequest(path, bytes.serialize, bytes.deserialize, (error, answer) =>
        error === null ? resolve(String(answer)) : reject(error),
      );
      for (let n = 0; n < 100; n++) call.write(message(`m${n}`));
      call.end();
    });
    expect(collected).toBe(String(message('100')));
    expect(arrived).toHaveLength(100);
    const call = client.makeServerStreamRequest(SERVICE.count.path, bytes.serialize, bytes.deserialize, message('go'));
    const counted: string[] = [];
    for await (const one of call) counted.push(String(one));
    expect(counted).toEqual(Array.from({ length: 50 }, (_, n) => String(message(`n${n}`))));
  });

  it('both sides talk in turn on one call: each message is through before the next is sent', async () => {
    const { client } = await setting();
    const call = client.makeBidiStreamRequest(SERVICE.chat.path, bytes.serialize, bytes.deserialize);
    for (let n = 0; n < 20; n++) {
      const answer = new Promise((resolve) => call.once('data', resolve));
      call.write(message(`turn ${n}`));
      expect(String(await answer)).toBe(String(message(`turn ${n}`)));
    }
    const ended = new Promise((resolve) => call.once('end', resolve));
    call.end();
    call.resume();
    await ended;
  });

  it('a deadline and a cancel reach the service', async () => {
    const { client, begun, cancelled, proxy } = await setting();
    let calls = 0;
    // A deadline may be over before the call is there: then a longer one.
    for (let ms = 300; !begun.includes('never'); ms *= 4) {
      const { code } = await unary(client, 'never', message('x'), { deadline: Date.now() + ms });
      expect(code).toBe(grpc.status.DEADLINE_EXCEEDED);
      calls++;
    }
    await until(() => cancelled.includes('never'), 'the service to be told');
    const call = client.makeBidiStreamRequest(SERVICE.chat.path, bytes.serialize, bytes.deserialize);
    call.on('error', () => {});
    const first = new Promise((resolve) => call.once('data', resolve));
    call.write(message('one'));
    await first;
    call.cancel();
    await until(() => cancelled.includes('chat'), 'the service to be told');
    await proxy.recorded(calls + 1);
  });

  it('a message waits for a person, with all that comes behind it, in the middle of a call', async () => {
    const { client, proxy, arrived } = await setting('hold');
    const call = client.makeBidiStreamRequest(SERVICE.chat.path, bytes.serialize, bytes.deserialize);
    const ended = new Promise<grpc.ServiceError>((resolve) => call.once('error', resolve));
    let answers = 0;
    call.on('data', () => answers++);
    const [first, second] = [`ghp_${randomBytes(18).toString('hex')}`, `ghp_${randomBytes(18).toString('hex')}`];
    call.write(message('clean'));
    await until(() => answers === 1, 'the first answer');
    call.write(message(first));
    const one = await nthHeld(proxy, 1);
    expect(one).toMatchObject({ path: '/t.Echo/Chat', stage: 'dlp', rule: 'github-token' });
    call.write(message('behind'));
    expect(arrived).toHaveLength(1);
    proxy.tell({ do: 'approve', id: one.id });
    await until(() => answers === 3, 'the answers to what waited');
    expect(arrived.slice(1).map(String)).toEqual([String(message(first)), String(message('behind'))]);
    // The word for one is none for the next.
    call.write(message(second));
    const two = await nthHeld(proxy, 2);
    proxy.tell({ do: 'approve', id: one.id });
    proxy.tell({ do: 'deny', id: two.id });
    expect(await ended).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    expect(arrived).toHaveLength(3);
    const records = await proxy.recorded(1);
    expect(records).toMatchObject([{ verdict: 'hold', reason: expect.stringContaining('denied by a person') }]);
    expect(records[0]!.findings).toHaveLength(2);
  });

  it.each(['block', 'redact'] as const)(
    'a secret in a message is refused as PERMISSION_DENIED and does not arrive (%s)',
    async (onMatch) => {
      const { client, arrived, proxy } = await setting(onMatch);
      const refused = await unary(client, 'unary', message(`the key is ${value}`));
      expect(refused).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
      expect(refused.details).toMatch(/^bottle: the value of secret K in message/);
      expect(refused.metadata?.get('x-bottle-block')[0]).toMatch(/^dlp known-secret /);
      expect(arrived).toEqual([]);
      expect(await proxy.recorded(1)).toMatchObject([{ verdict: 'block', rule: 'known-secret', status: 200 }]);
    },
  );

  it('in the middle of a stream it ends the call with a status; what was clean has arrived, the secret has not', async () => {
    const { client, arrived, proxy } = await setting();
    const call = client.makeBidiStreamRequest(SERVICE.chat.path, bytes.serialize, bytes.deserialize);
    const first = new Promise((resolve) => call.once('data', resolve));
    call.write(message('clean'));
    await first;
    const failed = new Promise<grpc.ServiceError>((resolve) => call.once('error', resolve));
    call.write(message(`again ${Buffer.from(value).toString('base64')}`));
    expect(await failed).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    expect(arrived.map(String)).toEqual([String(message('clean'))]);
    expect(await proxy.recorded(1)).toMatchObject([{ rule: 'known-secret' }]);
  });

  it('policy refusals are a status, too', async () => {
    const { proxy } = await setting();
    const other = new grpc.Client('other.test:443', grpc.credentials.createSsl(Buffer.from(proxy.ca)));
    later(() => other.close());
    const refused = await unary(other, 'unary', message('x'));
    expect(refused).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    expect(refused.details).toMatch(/other\.test is not in the allow list/);
  });
});

function framed(payload: Buffer, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

describe('messages on the wire', () => {
  const gzipped = gzipSync(message(`key ${value}`));
  const cases: readonly [string, string, readonly string[], Buffer, number][] = [
    ['gzip', 'application/grpc', ['grpc-encoding', 'gzip'], framed(gzipped, 1), 0],
    ['gzip, clean', 'application/grpc+proto', ['grpc-encoding', 'gzip'], framed(gzipSync('clean'), 1), 1],
    ['an encoding that nobody named', 'application/grpc', [], framed(gzipped, 1), 0],
    ['an encoding that nobody knows', 'application/grpc', ['grpc-encoding', 'snappy'], framed(Buffer.from('x'), 1), 0],
    [
      'identity, said to be compressed',
      'application/grpc',
      ['grpc-encoding', 'identity'],
      framed(message(value), 1),
      0,
    ],
    ['a second message', 'application/grpc', [], Buffer.concat([framed(message('a')), framed(message(value))]), 0],
    ['a message that does not end', 'application/grpc', [], framed(message(value)).subarray(0, -1).fill(0xff, 1, 5), 0],
    ['gRPC-Web', 'application/grpc-web+proto', [], framed(message(value)), 0],
    ['gRPC-Web in text', 'application/grpc-web-text', [], Buffer.from(framed(message(value)).toString('base64')), 0],
    ['Connect', 'application/connect+json', ['connect-content-encoding', 'gzip'], framed(gzipped, 1), 0],
    ['clean', 'application/grpc', [], Buffer.concat([framed(message('a')), framed(message('b'))]), 1],
  ];
  it.each(cases)('%s: %s', async (_, type, fields, body, arrives) => {
    const upstream = await h2Upstream(authority, (stream) =>
      stream.on('end', () => {
        if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
      }),
    );
    const proxy = await proxyTo(upstream, authority.certificatePem, { secrets });
    const session = await connectH2(proxy, HOST);
    const stream = open(
      session,
      requestList(HOST, 'POST', '/t.Echo/Unary', ['content-type', type, 'te', 'trailers', ...fields]),
    );
    const answer = answerOf(stream);
    // In small pieces: no boundary hides anything.
    for (let at = 0; at < body.length; at += 7) stream.write(body.subarray(at, at + 7));
    stream.end();
    const { status, fields: answered } = await answer;
    const got = upstream.requests.map((request) => request.body.toString('latin1')).join('');
    if (arrives === 1) expect(got).toBe(body.toString('latin1'));
    else {
      // Of a message too large to hold its frame may be there, of one before it all.
      expect(got.length).toBeLessThanOrEqual(8);
      expect(answered.join(' ')).toContain('x-bottle-block');
      if (type.startsWith('application/grpc')) expect(answered.join(' ')).toMatch(/grpc-status 7/);
      expect([200, 403]).toContain(status);
    }
    const [record] = await proxy.recorded(1);
    expect(record?.verdict).toBe(arrives === 1 ? 'allow' : 'block');
    expect(JSON.stringify(record)).not.toContain(value);
  });

  it('a service that cannot be reached is UNAVAILABLE', async () => {
    const proxy = await proxyTo({ address: '127.0.0.1:1' }, authority.certificatePem);
    const session = await connectH2(proxy, HOST);
    const stream = open(session, requestList(HOST, 'POST', '/t.Echo/Unary', ['content-type', 'application/grpc']));
    const answer = answerOf(stream);
    stream.end(framed(message('x')));
    expect((await answer).fields.join(' ')).toMatch(/grpc-status 14 grpc-message bottle: /);
    // A client of HTTP/1.1 is told in its own words.
    const plain = await connectHost(proxy, HOST);
    plain.send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    expect(await plain.waitFor('\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
  });
});
