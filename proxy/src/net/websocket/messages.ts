// What an agent sends over a WebSocket, put together to messages and judged before it leaves.
import type { Finding } from '../../contract.ts';
import type { Admitted, BodyStream, Pipeline, Refusal } from '../../pipeline/types.ts';
import { Malformed } from '../h1/malformed.ts';
import { CLOSE, CONTINUATION, type FrameHead, FrameReader, type FrameSink, writeFrame } from './frames.ts';

export interface MessageSink {
  /** A judged frame for the upstream. */
  onOutgoing(frame: Buffer): void;
  onRefused(refusal: Refusal): void;
}

export class AgentMessages implements FrameSink {
  bytesOut = 0;
  readonly findings: Finding[] = [];
  isRedacted = false;
  private readonly pipeline: Pipeline;
  private readonly admitted: Admitted;
  private readonly holdBytes: number;
  private readonly sink: MessageSink;
  private readonly reader: FrameReader;
  private problem: Malformed | null = null;
  private isRefused = false;
  private frame: FrameHead | null = null;
  /** Type of the message that is being put together; null between messages. */
  private opcode: number | null = null;
  private pieces: Buffer[] = [];
  private size = 0;
  private control: Buffer[] = [];
  private judge: BodyStream | null = null;
  private isBegun = false;

  constructor(pipeline: Pipeline, admitted: Admitted, holdBytes: number, sink: MessageSink) {
    this.pipeline = pipeline;
    this.admitted = admitted;
    this.holdBytes = holdBytes;
    this.sink = sink;
    this.reader = new FrameReader(this, true);
  }

  feed(chunk: Buffer): Malformed | null {
    if (this.isRefused) return null;
    return this.reader.feed(chunk) ?? this.problem;
  }

  onFrame(frame: FrameHead): void {
    this.frame = frame;
    if (frame.opcode >= CLOSE) {
      this.control = [];
      return;
    }
    if ((frame.opcode === CONTINUATION) !== (this.opcode !== null)) {
      this.problem ??= new Malformed('ws-continuation', 'a fragment out of order');
      return;
    }
    if (frame.opcode === CONTINUATION) return;
    this.opcode = frame.opcode;
    this.pieces = [];
    this.size = 0;
    this.judge = null;
    this.isBegun = false;
  }

  onPayload(piece: Buffer): void {
    if (this.isRefused || this.problem !== null) return;
    if (this.frame!.opcode >= CLOSE) {
      this.control.push(piece);
      return;
    }
    if (this.judge !== null) {
      this.stream(piece, false);
      return;
    }
    this.pieces.push(piece);
    this.size += piece.length;
    if (this.size <= this.holdBytes) return;
    // Too large to hold: from here on it is judged, and leaves, as it comes.
    this.judge = this.pipeline.streamMessage(this.admitted);
    const { pieces } = this;
    this.pieces = [];
    for (const held of pieces) this.stream(held, false);
  }

  onFrameEnd(): void {
    const frame = this.frame!;
    if (this.isRefused || this.problem !== null) return;
    // Pings and close reasons are 125 bytes that an agent is free to choose: judged like a message.
    if (frame.opcode >= CLOSE) this.judgeWhole(frame.opcode, Buffer.concat(this.control));
    else if (frame.isFinal) {
      const opcode = this.opcode!;
      if (this.judge !== null) this.stream(Buffer.alloc(0), true);
      else this.judgeWhole(opcode, this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces));
      this.opcode = null;
      this.pieces = [];
    }
  }

  private judgeWhole(opcode: number, payload: Buffer): void {
    const judged = this.pipeline.judgeMessage(this.admitted, payload);
    if (judged.do === 'refuse') {
      this.refuse(judged.refusal);
      return;
    }
    this.findings.push(...judged.findings);
    this.isRedacted ||= judged.redacted;
    this.send(opcode, true, judged.body);
  }

  private stream(piece: Buffer, isFinal: boolean): void {
    const judge = this.judge!;
    if (this.isRefused) return;
    const steps = isFinal ? [judge.end()] : [judge.push(piece)];
    for (const step of steps) {
      if (step.do === 'refuse') {
        this.refuse(step.refusal);
        return;
      }
      if (step.release.length === 0 && !isFinal) continue;
      this.send(this.isBegun ? CONTINUATION : this.opcode!, isFinal, step.release);
      this.isBegun = true;
    }
    if (!isFinal) return;
    this.findings.push(...judge.findings);
    this.isRedacted ||= judge.redacted;
  }

  private send(opcode: number, isFinal: boolean, payload: Buffer): void {
    this.bytesOut += payload.length;
    this.sink.onOutgoing(writeFrame(opcode, isFinal, payload, true));
  }

  private refuse(refusal: Refusal): void {
    this.isRefused = true;
    this.sink.onRefused(refusal);
  }
}
