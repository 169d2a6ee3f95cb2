// What an upstream sends over a WebSocket, on its way to the agent: counted, and searched for injected values where there are any.
import type { Unjudged } from '../../dlp/types.ts';
import type { ResponseGuard } from '../../pipeline/types.ts';
import { Malformed } from '../h1/malformed.ts';
import type { DeflateSide } from './extension.ts';
import { CLOSE, CONTINUATION, Fragments, type FrameHead, FrameReader, type FrameSink, writeFrame } from './frames.ts';
import { MessageDeflater, MessageInflater } from './message-deflate.ts';

export interface ReplySink {
  /** Bytes for the agent. */
  onReply(bytes: Buffer): void;
  /** Called before the close leaves. */
  onUpstreamClose(): void;
}

export interface Replies {
  /** Payload but that of a close, in bytes. */
  readonly bytesIn: number;
  /** The agent has got a part of a frame: nothing of ours may stand there. */
  readonly isInsideFrame: boolean;
  feed(chunk: Buffer): Malformed | null;
  close(): void;
}

/** `deflate`: how the upstream compresses; null = it does not. */
export function createReplies(sink: ReplySink, guard: ResponseGuard | null, deflate: DeflateSide | null): Replies {
  return guard === null ? new PlainReplies(sink, deflate !== null) : new GuardedReplies(sink, guard, deflate);
}

/** Nothing was injected: everything passes as it comes, as long as it is frames. */
class PlainReplies implements Replies, FrameSink {
  bytesIn = 0;
  private readonly sink: ReplySink;
  private readonly reader: FrameReader;
  private isClose = false;

  constructor(sink: ReplySink, mayCompress: boolean) {
    this.sink = sink;
    this.reader = new FrameReader(this, { isMasked: false, mayCompress });
  }

  get isInsideFrame(): boolean {
    return this.reader.isInsideFrame;
  }

  feed(chunk: Buffer): Malformed | null {
    const problem = this.reader.feed(chunk);
    if (this.reader.understood.length > 0) this.sink.onReply(this.reader.understood);
    return problem;
  }

  onFrame({ opcode }: FrameHead): void {
    this.isClose = opcode === CLOSE;
    if (this.isClose) this.sink.onUpstreamClose();
  }

  onPayload(piece: Buffer): void {
    if (!this.isClose) this.bytesIn += piece.length;
  }

  onFrameEnd(): void {}

  close(): void {}
}

/** A frame up to this size is gathered, so that it leaves whole; in bytes. */
const GATHERED_BYTES = 256 * 1024;
/** Content of a compressed message up to this size is looked through before the message leaves; in bytes. */
const PLAIN_BYTES = 4 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Searched message by message, across fragments. What holds nothing leaves in the upstream's own frames, at once. Compressed messages in one
 * frame leave as they came too; once one has to be written anew, so has every later one that may refer back to it. A compressed message
 * in fragments is always written anew: each fragment leaves when it comes, before it is known whether a later one holds something.
 */
class GuardedReplies implements Replies, FrameSink {
  bytesIn = 0;
  /** Only whole frames leave. */
  readonly isInsideFrame = false;
  private readonly sink: ReplySink;
  private readonly guard: ResponseGuard;
  private readonly side: DeflateSide | null;
  private readonly reader: FrameReader;
  private readonly inflater: MessageInflater | null;
  private deflater: MessageDeflater | null = null;
  private frame: FrameHead = { opcode: CONTINUATION, isCompressed: false, isFinal: true };
  private fragments = new Fragments(this.frame);
  private isCompressed = false;
  /** Of the frame, not released. */
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  /** The message leaves as its content is known. */
  private isWrittenAnew = false;
  private problem: Malformed | null = null;
  private isOver = false;

  constructor(sink: ReplySink, guard: ResponseGuard, side: DeflateSide | null) {
    this.sink = sink;
    this.guard = guard;
    this.side = side;
    this.reader = new FrameReader(this, { isMasked: false, mayCompress: side !== null });
    this.inflater = side === null ? null : new MessageInflater(side);
  }

  feed(chunk: Buffer): Malformed | null {
    return this.isOver ? null : (this.reader.feed(chunk) ?? this.problem);
  }

  close(): void {
    this.isOver = true;
    this.inflater?.close();
    this.deflater?.close();
  }

  onFrame(frame: FrameHead): void {
    this.frame = frame;
    this.take();
    if (frame.opcode >= CLOSE || frame.opcode === CONTINUATION) return;
    this.fragments = new Fragments(frame);
    this.isCompressed = frame.isCompressed;
    this.isWrittenAnew = frame.isCompressed && (!frame.isFinal || this.mustRewrite);
  }

  onPayload(piece: Buffer): void {
    if (this.isOver || this.problem !== null) return;
    if (this.frame.opcode !== CLOSE) this.bytesIn += piece.length;
    this.gathered.push(piece);
    this.gatheredBytes += piece.length;
    if (this.gatheredBytes > GATHERED_BYTES) this.release(false);
  }

  onFrameEnd(): void {
    if (this.isOver || this.problem !== null) return;
    const { opcode, isFinal } = this.frame;
    if (opcode < CLOSE) {
      this.release(isFinal);
      return;
    }
    // Gathered data is of the frame before: a control frame stands between frames.
    const [clean] = this.guard.headers([joined(this.take()).toString('latin1')]);
    if (opcode === CLOSE) this.sink.onUpstreamClose();
    this.send(this.frame, [Buffer.from(clean!, 'latin1')]);
  }

  /** What was gathered of a data frame leaves, or its end. */
  private release(isFinal: boolean): void {
    const payload = joined(this.take());
    if (!this.isCompressed) {
      this.sendPieces(this.searched(payload, isFinal), isFinal);
    } else this.releaseCompressed(payload, isFinal);
  }

  private releaseCompressed(payload: Buffer, isFinal: boolean): void {
    this.isWrittenAnew ||= !isFinal;
    let plain: Buffer[] = [];
    let plainBytes = 0;
    const anew: Buffer[] = [];
    const writeAnew = (bytes: Buffer): void => {
      const clean = this.guard.push(bytes);
      if (clean.length > 0) anew.push(this.ownDeflater().push(clean, false));
    };
    const isRead = this.inflate(payload, isFinal, (bytes) => {
      if (this.isWrittenAnew) {
        writeAnew(bytes);
        return;
      }
      plain.push(bytes);
      plainBytes += bytes.length;
      if (plainBytes <= PLAIN_BYTES) return;
      this.isWrittenAnew = true;
      for (const held of plain) writeAnew(held);
      plain = [];
    });
    if (!isRead) return;
    if (this.isWrittenAnew) {
      if (isFinal) anew.push(this.ownDeflater().push(this.guard.end(), true));
      this.sendPieces(anew, isFinal);
      return;
    }
    const content = joined(plain);
    const clean = joined(this.searched(content, true));
    const isClean = clean === content || clean.equals(content);
    this.sendPieces([isClean ? payload : this.ownDeflater().push(clean, true)], true);
  }

  private inflate(payload: Buffer, isFinal: boolean, onContent: (bytes: Buffer) => void): boolean {
    const inflater = this.inflater!;
    let unjudged: Unjudged | null = inflater.push(payload, (bytes) => {
      onContent(bytes);
      return true;
    });
    if (isFinal) unjudged ??= inflater.end();
    if (unjudged === null) return true;
    this.problem = new Malformed(
      'undecodable',
      'a message that cannot be decoded, and so not searched for credentials',
    );
    return false;
  }

  private get mustRewrite(): boolean {
    return this.deflater !== null && this.side!.keepsWindow;
  }

  private ownDeflater(): MessageDeflater {
    this.deflater ??= new MessageDeflater(this.side!);
    return this.deflater;
  }

  private take(): readonly Buffer[] {
    const { gathered } = this;
    this.gathered = [];
    this.gatheredBytes = 0;
    return gathered;
  }

  /** What may leave of it. */
  private searched(bytes: Buffer, isFinal: boolean): readonly Buffer[] {
    const clean = this.guard.push(bytes);
    const rest = isFinal ? this.guard.end() : NOTHING;
    return rest.length === 0 ? [clean] : [clean, rest];
  }

  private sendPieces(pieces: readonly Buffer[], isFinal: boolean): void {
    if (isFinal || pieces.some(({ length }) => length > 0)) this.send(this.fragments.next(isFinal), pieces);
  }

  private send(head: FrameHead, pieces: readonly Buffer[]): void {
    this.sink.onReply(writeFrame(head, pieces, null));
  }
}

const joined = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 0 ? NOTHING : pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
