// Messages of gRPC and the like that come compressed, each by itself: opened, so that the bytes that pass can be searched for injected values.
import { decodeBody } from '../dlp/body.ts';

const PREFIX_BYTES = 5;
const COMPRESSED = 1;
/** Largest compressed message that is opened, and what it may become; in bytes. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
const OPENED_BYTES = 64 * 1024 * 1024;

export class EnvelopeOpener {
  private readonly encoding: string;
  private waiting: Buffer = Buffer.alloc(0);
  /** Of a message that is not compressed, and so passes as it comes. */
  private left = 0;

  constructor(encoding: string) {
    this.encoding = encoding;
  }

  /** The same messages, none of them compressed; null when one cannot be opened. */
  push(chunk: Buffer): Buffer | null {
    let input = this.waiting.length === 0 ? chunk : Buffer.concat([this.waiting, chunk]);
    const out: Buffer[] = [];
    while (input.length > 0) {
      if (this.left > 0) {
        const piece = input.subarray(0, this.left);
        this.left -= piece.length;
        out.push(piece);
        input = input.subarray(piece.length);
        continue;
      }
      if (input.length < PREFIX_BYTES) break;
      const length = input.readUInt32BE(1);
      if ((input[0]! & COMPRESSED) === 0) {
        this.left = PREFIX_BYTES + length;
        continue;
      }
      if (length > MESSAGE_BYTES) return null;
      if (input.length < PREFIX_BYTES + length) break;
      const opened = decodeBody(input.subarray(PREFIX_BYTES, PREFIX_BYTES + length), this.encoding, OPENED_BYTES);
      if (!opened.ok) return null;
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix[0] = input[0]! & ~COMPRESSED;
      prefix.writeUInt32BE(opened.bytes.length, 1);
      out.push(prefix, opened.bytes);
      input = input.subarray(PREFIX_BYTES + length);
    }
    this.waiting = input;
    return out.length === 1 ? out[0]! : Buffer.concat(out);
  }

  /** What is no whole message. */
  end(): Buffer {
    const { waiting } = this;
    this.waiting = Buffer.alloc(0);
    return waiting;
  }
}
