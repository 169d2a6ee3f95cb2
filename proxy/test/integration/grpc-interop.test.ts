// The cases of the public gRPC interoperability tests, with grpc-js on both ends and the proxy between them; their names are kept.
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tlsFront } from './harness/h2.ts';
import { type RunningProxy, until } from './harness/proxy.ts';
import { HOST, proxyTo } from './harness/setting.ts';
import { later, undoAll } from './harness/undo.ts';
import { testAuthority } from './harness/upstream.ts';

interface Message {
  readonly payload?: { readonly body: Buffer };
  readonly response_size?: number;
  readonly response_status?: { readonly code: number; readonly message: string };
  readonly response_parameters?: readonly { readonly size: number }[];
  readonly aggregated_payload_size?: number;
}
type Done = (error: grpc.ServiceError | null, answer: Message) => void;
type Options = { readonly deadline?: Date };
/** As proto-loader makes it: names are known at run time only. */
interface TestClient {
  emptyCall(request: Message, done: Done): grpc.ClientUnaryCall;
  unaryCall(request: Message, metadata: grpc.Metadata, options: Options, done: Done): grpc.ClientUnaryCall;
  unimplementedCall(request: Message, done: Done): grpc.ClientUnaryCall;
  streamingInputCall(done: Done): grpc.ClientWritableStream<Message>;
  streamingOutputCall(request: Message): grpc.ClientReadableStream<Message>;
  fullDuplexCall(metadata?: grpc.Metadata, options?: Options): grpc.ClientDuplexStream<Message, Message>;
  close(): void;
}
interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly size: number;
  readonly initial: string;
  readonly trailing: string;
}

const ECHO_INITIAL = 'x-grpc-test-echo-initial';
const ECHO_TRAILING = 'x-grpc-test-echo-trailing-bin';
const definition = loadSync(join(import.meta.dirname, 'fixtures', 'interop.proto'), { keepCase: true });
const { TestService, UnimplementedService } = (
  grpc.loadPackageDefinition(definition) as unknown as {
    grpc: { testing: Record<'TestService' | 'UnimplementedService', grpc.ServiceClientConstructor> };
  }
).grpc.testing;

const zeros = (size: number) => ({ payload: { body: Buffer.alloc(size) } });
const sizeOf = (one: Message | null | undefined): number => one?.payload?.body.length ?? 0;
const cancelled: string[] = [];
let proxy: RunningProxy;
let client: TestClient;
let compressing: TestClient;

/** What the tests' server does: echoes two fields of metadata, answers with what is asked for. */
function echoMetadata(call: grpc.ServerUnaryCall<Message, Message> | grpc.ServerDuplexStream<Message, Message>) {
  const initial = call.metadata.get(ECHO_INITIAL);
  if (initial.length > 0) {
    const metadata = new grpc.Metadata();
    for (const one of initial) metadata.add(ECHO_INITIAL, one);
    call.sendMetadata(metadata);
  }
  const trailing = new grpc.Metadata();
  for (const one of call.metadata.get(ECHO_TRAILING)) trailing.add(ECHO_TRAILING, one);
  return trailing;
}

const SERVICE: grpc.UntypedServiceImplementation = {
  emptyCall: (_call: grpc.ServerUnaryCall<Message, Message>, done: grpc.sendUnaryData<Message>) => done(null, {}),
  unaryCall: (call: grpc.ServerUnaryCall<Message, Message>, done: grpc.sendUnaryData<Message>) => {
    const trailing = echoMetadata(call);
    const { response_size = 0, response_status: status } = call.request;
    if (status != null && status.code !== 0) {
      done({ code: status.code, details: status.message, metadata: trailing });
    } else done(null, zeros(response_size), trailing);
  },
  streamingInputCall: (call: grpc.ServerReadableStream<Message, Message>, done: grpc.sendUnaryData<Message>) => {
    let size = 0;
    call.on('data', (one: Message) => {
      size += sizeOf(one);
    });
    call.on('end', () => done(null, { aggregated_payload_size: size }));
    call.on('cancelled', () => cancelled.push('input'));
  },
  streamingOutputCall: (call: grpc.ServerWritableStream<Message, Message>) => {
    for (const { size } of call.request.response_parameters ?? []) call.write(zeros(size));
    call.end();
  },
  fullDuplexCall: (call: grpc.ServerDuplexStream<Message, Message>) => {
    const trailing = echoMetadata(call);
    call.on('data', (one: Message) => {
      const { response_status: status } = one;
      if (status != null && status.code !== 0) {
        call.emit('error', { code: status.code, details: status.message, metadata: trailing });
        return;
      }
      for (const { size } of one.response_parameters ?? []) call.write(zeros(size));
    });
    call.on('end', () => call.end(trailing));
    call.on('cancelled', () => cancelled.push('duplex'));
  },
};

beforeAll(async () => {
  const authority = testAuthority();
  const server = new grpc.Server();
  server.addService(TestService.service, SERVICE);
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const front = await tlsFront(authority, ['h2'], (socket) => injector.injectConnection(socket));
  later(() => {
    injector.destroy();
    server.forceShutdown();
  });
  proxy = await proxyTo(front, authority.certificatePem);
  process.env.grpc_proxy = `http://127.0.0.1:${proxy.port}`;
  const connect = (options: grpc.ClientOptions): TestClient => {
    const credentials = grpc.credentials.createSsl(Buffer.from(proxy.ca));
    const one = new TestService(`${HOST}:443`, credentials, options) as unknown as TestClient;
    later(() => one.close());
    return one;
  };
  client = connect({});
  compressing = connect({ 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
});
afterAll(async () => {
  await undoAll();
  delete process.env.grpc_proxy;
});

function unary(request: Message, metadata = new grpc.Metadata(), one = client, options: Options = {}) {
  return new Promise<Outcome>((resolve) => {
    let initial = '';
    let answered: Partial<Outcome> = {};
    const call = one.unaryCall(request, metadata, options, (error, answer) => {
      answered = { code: error?.code ?? 0, details: error?.details ?? '', size: sizeOf(answer) };
    });
    call.on('metadata', (got: grpc.Metadata) => {
      initial = got.get(ECHO_INITIAL).join();
    });
    call.on('status', ({ metadata: got }: grpc.StatusObject) => {
      const trailing = got.get(ECHO_TRAILING).map((value) => Buffer.from(value).toString('hex'));
      // The callback comes in the same turn, before or after.
      setImmediate(() => resolve({ ...(answered as Outcome), initial, trailing: trailing.join() }));
    });
  });
}

const codeOf = (stream: grpc.ClientReadableStream<Message> | grpc.ClientDuplexStream<Message, Message>) =>
  new Promise<grpc.StatusObject>((resolve) => {
    stream.on('error', () => {});
    stream.on('status', resolve);
  });

async function sizesOf(stream: AsyncIterable<Message>): Promise<number[]> {
  const sizes: number[] = [];
  for await (const one of stream) sizes.push(sizeOf(one));
  return sizes;
}

describe('gRPC interoperability, through the proxy', () => {
  it('empty_unary', async () => {
    const error = await new Promise<unknown>((resolve) => client.emptyCall({}, resolve));
    expect(error).toBeNull();
  });

  it('large_unary', async () => {
    expect(await unary({ response_size: 314_159, ...zeros(271_828) })).toMatchObject({ code: 0, size: 314_159 });
  });

  it('client_compressed_unary and server_compressed_unary', async () => {
    const request = { response_size: 314_159, ...zeros(271_828) };
    expect(await unary(request, undefined, compressing)).toMatchObject({ code: 0, size: 314_159 });
  });

  it.each([false, true])('client_streaming (compressed: %s)', async (isCompressed) => {
    const size = await new Promise((resolve, reject) => {
      const call = (isCompressed ? compressing : client).streamingInputCall((error, answer) =>
        error === null ? resolve(answer.aggregated_payload_size) : reject(error),
      );
      for (const one of [27_182, 8, 1_828, 45_904]) call.write(zeros(one));
      call.end();
    });
    expect(size).toBe(74_922);
  });

  it.each([false, true])('server_streaming (compressed: %s)', async (isCompressed) => {
    const sizes = [31_415, 9, 2_653, 58_979];
    const call = (isCompressed ? compressing : client).streamingOutputCall({
      response_parameters: sizes.map((size) => ({ size })),
    });
    expect(await sizesOf(call)).toEqual(sizes);
  });

  it('ping_pong', async () => {
    const call = client.fullDuplexCall();
    const got: number[] = [];
    for (const [asks, sends] of [
      [31_415, 27_182],
      [9, 8],
      [2_653, 1_828],
      [58_979, 45_904],
    ] as const) {
      const answer = new Promise<Message>((resolve) => call.once('data', resolve));
      call.write({ response_parameters: [{ size: asks }], ...zeros(sends) });
      got.push(sizeOf(await answer));
    }
    const status = codeOf(call);
    call.end();
    expect(got).toEqual([31_415, 9, 2_653, 58_979]);
    expect((await status).code).toBe(0);
  });

  it('empty_stream', async () => {
    const call = client.fullDuplexCall();
    const status = codeOf(call);
    call.end();
    expect(await sizesOf(call)).toEqual([]);
    expect((await status).code).toBe(0);
  });

  it('custom_metadata', async () => {
    const metadata = new grpc.Metadata();
    metadata.set(ECHO_INITIAL, 'test_initial_metadata_value');
    metadata.set(ECHO_TRAILING, Buffer.from('ababab', 'hex'));
    const wanted = { initial: 'test_initial_metadata_value', trailing: 'ababab' };
    expect(await unary({ response_size: 314_159, ...zeros(271_828) }, metadata)).toMatchObject({ code: 0, ...wanted });
    const call = client.fullDuplexCall(metadata);
    const initial = new Promise<grpc.Metadata>((resolve) => call.once('metadata', resolve));
    const status = codeOf(call);
    call.write({ response_parameters: [{ size: 314_159 }], ...zeros(271_828) });
    call.end();
    expect(await sizesOf(call)).toEqual([314_159]);
    expect((await initial).get(ECHO_INITIAL)).toEqual([wanted.initial]);
    expect((await status).metadata.get(ECHO_TRAILING)).toEqual([Buffer.from('ababab', 'hex')]);
  });

  it.each([
    ['status_code_and_message', 'test status message'],
    ['special_status_message', '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n'],
  ])('%s', async (_name, message) => {
    const response_status = { code: grpc.status.UNKNOWN, message };
    expect(await unary({ response_status })).toMatchObject({ code: 2, details: message });
    const call = client.fullDuplexCall();
    const status = codeOf(call);
    call.resume();
    call.write({ response_status });
    call.end();
    expect(await status).toMatchObject({ code: 2, details: message });
  });

  it.each(Array.from({ length: 16 }, (_, n) => n + 1))('status %i comes as it is', async (code) => {
    expect(await unary({ response_status: { code, message: `number ${code}` } })).toMatchObject({
      code,
      details: `number ${code}`,
    });
  });

  it('unimplemented_method and unimplemented_service', async () => {
    const credentials = grpc.credentials.createSsl(Buffer.from(proxy.ca));
    const other = new UnimplementedService(`${HOST}:443`, credentials) as unknown as TestClient;
    later(() => other.close());
    for (const one of [client, other]) {
      const error = await new Promise<grpc.ServiceError | null>((resolve) => one.unimplementedCall({}, resolve));
      expect(error).toMatchObject({ code: grpc.status.UNIMPLEMENTED });
    }
  });

  it('cancel_after_begin', async () => {
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      client.streamingInputCall(resolve).cancel();
    });
    expect(error).toMatchObject({ code: grpc.status.CANCELLED });
  });

  it('cancel_after_first_response', async () => {
    const call = client.fullDuplexCall();
    const status = codeOf(call);
    const first = new Promise((resolve) => call.once('data', resolve));
    call.write({ response_parameters: [{ size: 31_415 }], ...zeros(27_182) });
    await first;
    const before = cancelled.length;
    call.cancel();
    expect((await status).code).toBe(grpc.status.CANCELLED);
    await until(() => cancelled.slice(before).includes('duplex'), 'the service to be told');
  });

  it('timeout_on_sleeping_server', async () => {
    const call = client.fullDuplexCall(new grpc.Metadata(), { deadline: new Date(Date.now() + 1) });
    const status = codeOf(call);
    call.resume();
    call.write(zeros(27_182));
    expect((await status).code).toBe(grpc.status.DEADLINE_EXCEEDED);
  });

  it('rpc_soak: a hundred large calls, ten at a time, on one connection', async () => {
    const codes = new Set<number>();
    const worker = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) {
        const { code, size } = await unary({ response_size: 31_415, ...zeros(27_182) });
        codes.add(size === 31_415 ? code : -1);
      }
    };
    await Promise.all(Array.from({ length: 10 }, worker));
    expect([...codes]).toEqual([0]);
    expect(proxy.stderr()).toBe('');
    expect(proxy.records().filter(({ verdict }) => verdict !== 'allow')).toEqual([]);
  });
});
