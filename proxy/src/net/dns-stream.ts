// Frames of DNS over a stream (RFC 1035, 4.2.2): 16-bit big-endian length, then the message.
import type { Duplex, Readable } from 'node:stream';

/** Calls `onMessage` for every whole frame, in order. At most one frame (64 KiB) is held. */
export function readFrames(stream: Readable, onMessage: (message: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    let bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      onMessage(bytes.subarray(2, end));
      bytes = bytes.subarray(end);
    }
    pending = bytes;
  });
}

/** What `write` returned: false = wait for `drain`. */
export function writeFrame(stream: Duplex, message: Buffer): boolean {
  const frame = Buffer.allocUnsafe(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, 2);
  return stream.write(frame);
}
