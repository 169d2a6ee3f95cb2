// The attached streams of a container: raw with a terminal, else stdout and stderr in one stream of frames.
import type { Duplex, Writable } from 'node:stream';

const HEADER_BYTES = 8;

/** Splits the engine's frames (type, three zeros, length, payload) onto two writers. Resolves when the stream has ended. */
export function splitFrames(stream: Duplex, stdout: Writable, stderr: Writable): Promise<void> {
  let pending: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let at = 0;
      while (pending.length - at >= HEADER_BYTES) {
        const length = pending.readUInt32BE(at + 4);
        if (pending.length - at - HEADER_BYTES < length) break;
        const payload = pending.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
        writeOrPause(stream, pending[at] === 2 ? stderr : stdout, payload);
        at += HEADER_BYTES + length;
      }
      pending = pending.subarray(at);
    });
    onceEnded(stream, resolve);
  });
}

/** One stream to one writer, at the writer's pace. Resolves when the stream has ended. */
export function copyRaw(stream: Duplex, output: Writable): Promise<void> {
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => writeOrPause(stream, output, chunk));
    onceEnded(stream, resolve);
  });
}

function writeOrPause(from: Duplex, to: Writable, bytes: Buffer): void {
  if (to.destroyed || to.writableEnded) return; // its reader has gone; what comes is dropped
  // One chunk may hold many frames: the first that fills the writer is enough to wait for it.
  if (to.write(bytes) || from.isPaused()) return;
  from.pause();
  to.once('drain', () => from.resume());
}

function onceEnded(stream: Duplex, resolve: () => void): void {
  // A connection that breaks is an end: why the container ended is told by its exit, not by its streams.
  for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve());
}
