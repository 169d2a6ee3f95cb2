// WebSocket frames (RFC 6455, 5.2): an incremental reader and a writer. Pure.
import { Malformed } from '../h1/malformed.ts';
import { applyMask, type MaskKeys } from './mask.ts';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface FrameHead {
  readonly isFinal: boolean;
  readonly opcode: number;
  /** RSV1 of a message's first frame (RFC 7692, 6.1). */
  readonly isCompressed: boolean;
}

export interface FrameSink {
  onFrame(frame: FrameHead, length: number): void;
  /** Unmasked. A frame's payload may come in pieces; they are the sink's. */
  onPayload(piece: Buffer): void;
  onFrameEnd(): void;
}

export interface ReaderOptions {
  /** Frames from an agent are masked, those from an upstream are not; anything else is an error (5.1). */
  readonly isMasked: boolean;
  /** Messages may be compressed. */
  readonly mayCompress: boolean;
}

const MAX_CONTROL_BYTES = 125;
const NOTHING = Buffer.alloc(0);

export class FrameReader {
  private readonly sink: FrameSink;
  private readonly options: ReaderOptions;
  /** The beginning of a head. */
  private begun: Buffer = NOTHING;
  private remaining = 0;
  private isInside = false;
  private isInMessage = false;
  private readonly mask = Buffer.alloc(4);
  private maskAt = 0;
  /** Of the last input, with what was kept of the one before: the bytes of good frames, unmasked. */
  understood: Buffer = NOTHING;

  constructor(sink: FrameSink, options: ReaderOptions) {
    this.sink = sink;
    this.options = options;
  }

  /** A frame has begun and not ended, as far as it was `understood`. */
  get isInsideFrame(): boolean {
    return this.isInside;
  }

  /** Unmasks in place. */
  feed(chunk: Buffer): Malformed | null {
    const input = this.begun.length === 0 ? chunk : Buffer.concat([this.begun, chunk]);
    let at = 0;
    for (;;) {
      if (this.isInside) {
        const size = Math.min(input.length - at, this.remaining);
        if (size > 0) {
          this.takePayload(input.subarray(at, at + size));
          at += size;
        }
        if (this.remaining > 0) break;
        this.isInside = false;
        this.sink.onFrameEnd();
      }
      const size = this.readHead(input, at);
      if (size instanceof Malformed) {
        this.understood = input.subarray(0, at);
        return size;
      }
      if (size === 0) break;
      at += size;
    }
    this.understood = at === input.length ? input : input.subarray(0, at);
    this.begun = at === input.length ? NOTHING : Buffer.from(input.subarray(at));
    return null;
  }

  private takePayload(piece: Buffer): void {
    this.remaining -= piece.length;
    if (this.options.isMasked) {
      applyMask(piece, this.mask, this.maskAt);
      this.maskAt = (this.maskAt + piece.length) & 3;
    }
    this.sink.onPayload(piece);
  }

  /** Size of the head; 0 = not all of it is there. */
  private readHead(input: Buffer, at: number): number | Malformed {
    const there = input.length - at;
    if (there < 2) return 0;
    const first = input[at]!;
    const second = input[at + 1]!;
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    const isCompressed = (first & 0x40) !== 0;
    if (opcode > PONG || (opcode > BINARY && opcode < CLOSE))
      return new Malformed('ws-opcode', 'an unknown frame type');
    const mayCompress = this.options.mayCompress && (opcode === TEXT || opcode === BINARY);
    if ((first & 0x30) !== 0 || (isCompressed && !mayCompress))
      return new Malformed('ws-reserved', 'a frame with reserved bits');
    if (((second & 0x80) !== 0) !== this.options.isMasked)
      return new Malformed('ws-mask', 'a frame with the wrong masking');
    if (opcode < CLOSE && (opcode === CONTINUATION) !== this.isInMessage)
      return new Malformed('ws-continuation', 'a fragment out of order');
    let length = second & 0x7f;
    let size = 2;
    if (length === 126) size = 4;
    else if (length === 127) size = 10;
    if (opcode >= CLOSE && (!isFinal || length > MAX_CONTROL_BYTES))
      return new Malformed('ws-control', 'a control frame that is fragmented or too long');
    if (there < size) return 0;
    // A length that is written longer than it has to be (5.2) says nothing else: what we write has the shortest one.
    if (size === 4) length = input.readUInt16BE(at + 2);
    else if (size === 10) {
      const long = input.readBigUInt64BE(at + 2);
      if (long > BigInt(Number.MAX_SAFE_INTEGER)) return new Malformed('ws-length', 'a frame that is too long');
      length = Number(long);
    }
    if (this.options.isMasked) {
      if (there < size + 4) return 0;
      input.copy(this.mask, 0, at + size, at + size + 4);
      this.maskAt = 0;
      size += 4;
    }
    this.remaining = length;
    this.isInside = true;
    if (opcode < CLOSE) this.isInMessage = !isFinal;
    this.sink.onFrame({ isFinal, opcode, isCompressed }, length);
    return size;
  }
}

/** How a message's first frame says what it is. */
export type MessageKind = Pick<FrameHead, 'opcode' | 'isCompressed'>;

/** The heads of one message in fragments of our own making. */
export class Fragments {
  private readonly kind: MessageKind;
  private isBegun = false;

  constructor(kind: MessageKind) {
    this.kind = kind;
  }

  next(isFinal: boolean): FrameHead {
    const { opcode, isCompressed } = this.isBegun ? { opcode: CONTINUATION, isCompressed: false } : this.kind;
    this.isBegun = true;
    return { opcode, isCompressed, isFinal };
  }
}

/** One frame; masked with a fresh key when it goes to an upstream. */
export function writeFrame(frame: FrameHead, payload: readonly Buffer[], keys: MaskKeys | null): Buffer {
  let length = 0;
  for (const piece of payload) length += piece.length;
  const lengthSize = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + lengthSize + (keys === null ? 0 : 4);
  // The payload begins at a whole word: masking is faster there.
  const lead = -start & 3;
  const bytes = Buffer.allocUnsafe(lead + start + length).subarray(lead);
  bytes[0] = (frame.isFinal ? 0x80 : 0) | (frame.isCompressed ? 0x40 : 0) | frame.opcode;
  bytes[1] = (keys === null ? 0 : 0x80) | (lengthSize === 0 ? length : lengthSize === 2 ? 126 : 127);
  if (lengthSize === 2) bytes.writeUInt16BE(length, 2);
  else if (lengthSize === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  let at = start;
  for (const piece of payload) at += piece.copy(bytes, at);
  if (keys === null) return bytes;
  const key = keys.next();
  key.copy(bytes, start - 4);
  applyMask(bytes.subarray(start), key, 0);
  return bytes;
}

/** What fits into a control frame, without a character cut in two. */
export function cutControl(payload: Buffer): Buffer {
  if (payload.length <= MAX_CONTROL_BYTES) return payload;
  let end = MAX_CONTROL_BYTES;
  while (end > 0 && (payload[end]! & 0xc0) === 0x80) end--;
  return payload.subarray(0, end);
}

/** A close frame; the reason (ASCII) is cut to what a control frame can hold. */
export function writeClose(code: number, reason: string, keys: MaskKeys | null): Buffer {
  const text = Buffer.from(reason.replace(/[^\x20-\x7e]/g, '?'), 'latin1').subarray(0, MAX_CONTROL_BYTES - 2);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return writeFrame({ opcode: CLOSE, isFinal: true, isCompressed: false }, [payload], keys);
}
