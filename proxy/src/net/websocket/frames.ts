// WebSocket frames (RFC 6455, 5.2): an incremental reader and a writer. Pure.
import { randomFillSync } from 'node:crypto';
import { Malformed } from '../h1/malformed.ts';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface FrameHead {
  readonly isFinal: boolean;
  readonly opcode: number;
  /** Of the payload, in bytes. */
  readonly length: number;
}

export interface FrameSink {
  onFrame(frame: FrameHead): void;
  /** Unmasked. A frame's payload may come in pieces. */
  onPayload(piece: Buffer): void;
  onFrameEnd(): void;
}

const MAX_CONTROL_BYTES = 125;

export class FrameReader {
  private readonly sink: FrameSink;
  private readonly isMasked: boolean;
  private head: Buffer = Buffer.alloc(0);
  private remaining = 0;
  private isInside = false;
  private mask = Buffer.alloc(4);
  private maskAt = 0;

  /** Frames from an agent are masked, those from an upstream are not; anything else is an error (5.1). */
  constructor(sink: FrameSink, isMasked: boolean) {
    this.sink = sink;
    this.isMasked = isMasked;
  }

  /** Everything that came so far is whole frames. */
  get isBetweenFrames(): boolean {
    return !this.isInside && this.head.length === 0;
  }

  feed(chunk: Buffer): Malformed | null {
    let input = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
    this.head = Buffer.alloc(0);
    for (;;) {
      if (this.isInside) {
        const size = Math.min(input.length, this.remaining);
        if (size > 0) {
          this.remaining -= size;
          const piece = input.subarray(0, size);
          this.sink.onPayload(this.isMasked ? this.unmask(piece) : piece);
          input = input.subarray(size);
        }
        if (this.remaining > 0) return null;
        this.isInside = false;
        this.sink.onFrameEnd();
      }
      const next = this.readHead(input);
      if (next instanceof Malformed) return next;
      if (next === 0) {
        this.head = Buffer.from(input);
        return null;
      }
      input = input.subarray(next);
    }
  }

  /** Size of the head; 0 = not all of it is there. */
  private readHead(input: Buffer): number | Malformed {
    if (input.length < 2) return 0;
    const first = input[0]!;
    const second = input[1]!;
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) return new Malformed('ws-reserved', 'a frame with reserved bits');
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE))
      return new Malformed('ws-opcode', 'an unknown frame type');
    if (((second & 0x80) !== 0) !== this.isMasked) return new Malformed('ws-mask', 'a frame with the wrong masking');
    let length = second & 0x7f;
    let size = 2;
    if (length === 126) size = 4;
    else if (length === 127) size = 10;
    if (input.length < size) return 0;
    if (length === 126) length = input.readUInt16BE(2);
    else if (length === 127) {
      const long = input.readBigUInt64BE(2);
      if (long > BigInt(Number.MAX_SAFE_INTEGER)) return new Malformed('ws-length', 'a frame that is too long');
      length = Number(long);
    }
    if (opcode >= CLOSE && (!isFinal || length > MAX_CONTROL_BYTES)) {
      return new Malformed('ws-control', 'a control frame that is fragmented or too long');
    }
    if (this.isMasked) {
      if (input.length < size + 4) return 0;
      input.copy(this.mask, 0, size, size + 4);
      this.maskAt = 0;
      size += 4;
    }
    this.remaining = length;
    this.isInside = true;
    this.sink.onFrame({ isFinal, opcode, length });
    return size;
  }

  private unmask(piece: Buffer): Buffer {
    const out = Buffer.allocUnsafe(piece.length);
    const { mask } = this;
    let at = this.maskAt;
    for (let i = 0; i < piece.length; i++) {
      out[i] = piece[i]! ^ mask[at & 3]!;
      at++;
    }
    this.maskAt = at & 3;
    return out;
  }
}

/** One frame; masked with a fresh key when it goes to an upstream. */
export function writeFrame(opcode: number, isFinal: boolean, payload: Buffer, isMasked: boolean): Buffer {
  const { length } = payload;
  const lengthSize = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthSize + (isMasked ? 4 : 0);
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = (isFinal ? 0x80 : 0) | opcode;
  frame[1] = (isMasked ? 0x80 : 0) | (lengthSize === 0 ? length : lengthSize === 2 ? 126 : 127);
  if (lengthSize === 2) frame.writeUInt16BE(length, 2);
  else if (lengthSize === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) {
    payload.copy(frame, start);
    return frame;
  }
  const mask = frame.subarray(start - 4, start);
  randomFillSync(mask);
  for (let i = 0; i < length; i++) frame[start + i] = payload[i]! ^ mask[i & 3]!;
  return frame;
}

/** A close frame; the reason is cut to what a control frame can hold. */
export function writeClose(code: number, reason: string, isMasked: boolean): Buffer {
  const text = Buffer.from(reason, 'latin1').subarray(0, MAX_CONTROL_BYTES - 2);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return writeFrame(CLOSE, true, payload, isMasked);
}
