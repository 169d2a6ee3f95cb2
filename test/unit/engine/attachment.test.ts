import { Duplex, PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { splitFrames } from '../../../src/engine/attachment.ts';

function frame(type: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = type;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

function collector(highWaterMark = 16) {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    highWaterMark,
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      setImmediate(done);
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** What the engine sends, in pieces of a size. */
async function split(bytes: Buffer, size: number) {
  const stdout = collector();
  const stderr = collector();
  const source = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const ended = splitFrames(source, stdout.stream, stderr.stream);
  for (let at = 0; at < bytes.length; at += size) source.push(bytes.subarray(at, at + size));
  source.push(null);
  await ended;
  await Promise.all([stdout, stderr].map(({ stream }) => new Promise((resolve) => stream.end(resolve))));
  return { stdout: stdout.text(), stderr: stderr.text() };
}

test.each([1, 3, 7, 8, 9, 100_000])('frames are told apart, however they arrive (%i bytes at a time)', async (size) => {
  const bytes = Buffer.concat([
    frame(1, 'out '),
    frame(2, 'err '),
    frame(1, ''),
    frame(1, 'x'.repeat(500)),
    frame(2, 'end'),
  ]);
  expect(await split(bytes, size)).toEqual({ stdout: `out ${'x'.repeat(500)}`, stderr: 'err end' });
});

test('a writer whose reader has gone does not stop the other', async () => {
  const gone = collector().stream.destroy();
  const stderr = collector();
  const source = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const ended = splitFrames(source, gone, stderr.stream);
  source.push(Buffer.concat([frame(1, 'nobody reads this'), frame(2, 'this is read')]));
  source.push(null);
  await ended;
  await new Promise((resolve) => stderr.stream.end(resolve));
  expect(stderr.text()).toBe('this is read');
});

test('many frames in one chunk wait for a slow reader together, and the source goes on once', async () => {
  const source = new PassThrough();
  const slow = new PassThrough({ highWaterMark: 8 });
  const ended = splitFrames(source, slow, new PassThrough());
  source.write(Buffer.concat(Array.from({ length: 50 }, () => frame(1, 'ten bytes '))));
  await new Promise((resolve) => setImmediate(resolve));
  expect(slow.listenerCount('drain')).toBe(1);
  let received = '';
  slow.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  source.end(frame(1, 'end'));
  await ended;
  await new Promise((resolve) => setImmediate(resolve));
  expect(received).toBe(`${'ten bytes '.repeat(50)}end`);
});
