// What an agent sends over a WebSocket: put together to messages, decompressed, and judged before it leaves.
//
// What was not rewritten leaves in the agent's own frames and compression, under a fresh mask: the agent's key would be four bytes a frame
// that nobody reads. A rewritten message is compressed anew, and with it every later one that may refer back to it.
import type { Finding } from '../../contract.ts';
import type { Unjudged } from '../../dlp/types.ts';
import { OPENING_MESSAGES } from '../../pipeline/opening-messages.ts';
import type { Admitted, Held, Pipeline, Refusal } from '../../pipeline/types.ts';
import { passedOf } from '../../pipeline/verdict.ts';
import type { Malformed } from '../h1/malformed.ts';
import type { HoldBudget } from '../hold-budget.ts';
import type { DeflateSide } from './extension.ts';
import {
  CLOSE,
  CONTINUATION,
  cutControl,
  Fragments,
  type FrameHead,
  FrameReader,
  type FrameSink,
  type MessageKind,
  TEXT,
  writeFrame,
} from './frames.ts';
import { HeldMessage } from './held-message.ts';
import { MaskKeys } from './mask.ts';
import { MessageDeflater, MessageInflater } from './message-deflate.ts';
import { MessageStream } from './message-stream.ts';

/** `payloadBytes`: what the record counts of it. */
export interface OutgoingFrame {
  readonly bytes: Buffer;
  readonly payloadBytes: number;
}

export interface MessageSink {
  /** A judged frame for the upstream. */
  onOutgoing(frame: OutgoingFrame): void;
  /** A judged ping or pong: it may leave before what waits. */
  onControl(frame: OutgoingFrame): void;
  /** The frames from now on leave once a person said so. */
  onHeld(held: Held): void;
  /** The agent's close, after which nothing more of it counts; called before the frame leaves. */
  onAgentClose(): void;
  onRefused(refusal: Refusal): void;
}

export interface MessageRules {
  readonly pipeline: Pipeline;
  readonly admitted: Admitted;
  /** A message up to this size is judged whole; in bytes. */
  readonly holdBytes: number;
  /** Most bytes that a message may decompress to. */
  readonly decodedBytes: number;
  readonly held: HoldBudget;
  /** How the agent compresses; null = it does not. */
  readonly deflate: DeflateSide | null;
}

interface Message extends MessageKind {
  /** For what leaves in other frames than it came in. */
  readonly fragments: Fragments;
  /** Of its content, in bytes. */
  contentBytes: number;
  /** Until it is judged. */
  readonly held: HeldMessage;
  /** Once it is too large to hold. */
  stream: MessageStream | null;
  /** Nobody can read it, and its route lets it pass. */
  isUnread: boolean;
}

const NOTHING = Buffer.alloc(0);

export class AgentMessages implements FrameSink {
  readonly findings: Finding[] = [];
  isRedacted = false;
  private readonly rules: MessageRules;
  private readonly sink: MessageSink;
  private readonly reader: FrameReader;
  private readonly keys = new MaskKeys();
  private readonly inflater: MessageInflater | null;
  /** Once a compressed message had to be written anew. */
  private deflater: MessageDeflater | null = null;
  /** Where a window was lost: what follows and refers to it is unread too. */
  private isUnreadable = false;
  private isOver = false;
  private frame: FrameHead | null = null;
  private message: Message | null = null;
  private control: Buffer[] = [];
  /** Text messages in which the placeholder may still stand. */
  private openings: number;
  /** Names of the secrets that went into one. */
  injected: readonly string[] = [];

  constructor(rules: MessageRules, sink: MessageSink) {
    this.rules = rules;
    this.sink = sink;
    this.openings = rules.pipeline.mayOpen(rules.admitted) ? OPENING_MESSAGES : 0;
    this.reader = new FrameReader(this, { isMasked: true, mayCompress: rules.deflate !== null });
    this.inflater = rules.deflate === null ? null : new MessageInflater(rules.deflate);
  }

  feed(chunk: Buffer): Malformed | null {
    return this.isOver ? null : this.reader.feed(chunk);
  }

  /** Nothing more is read. */
  close(): void {
    this.isOver = true;
    this.noteStream();
    this.message?.held.release();
    this.inflater?.close();
    this.deflater?.close();
  }

  // ---------------------------------------------------------------- frames

  onFrame(frame: FrameHead): void {
    if (this.isOver) return;
    this.frame = frame;
    if (frame.opcode >= CLOSE) {
      this.control = [];
      return;
    }
    if (frame.opcode !== CONTINUATION) {
      const { opcode, isCompressed } = frame;
      const isUnread = isCompressed && this.isUnreadable;
      const held = new HeldMessage(this.rules.holdBytes, this.rules.held);
      const fragments = new Fragments(frame);
      this.message = { opcode, isCompressed, fragments, contentBytes: 0, held, stream: null, isUnread };
    }
    const message = this.message!;
    if (message.isUnread || message.stream !== null) return;
    message.held.addFrame(frame.isFinal);
    this.checkSize(message);
  }

  onPayload(piece: Buffer): void {
    if (this.isOver) return;
    if (this.frame!.opcode >= CLOSE) {
      this.control.push(piece);
      return;
    }
    const message = this.message!;
    if (!message.isUnread) {
      if (message.isCompressed) this.inflate(message, piece);
      else this.addContent(message, piece);
    }
    if (this.isOver) return;
    if (message.isUnread) this.send(message.fragments.next(false), [piece]);
    else if (message.stream !== null) message.stream.pushPayload([piece]);
    else {
      message.held.addPayload(piece, message.isCompressed);
      this.checkSize(message);
    }
  }

  onFrameEnd(): void {
    if (this.isOver) return;
    const frame = this.frame!;
    if (frame.opcode >= CLOSE) this.judgeControl(frame.opcode, Buffer.concat(this.control));
    else if (frame.isFinal) this.endMessage(this.message!);
  }

  /** Pings and close reasons are 125 bytes that an agent is free to choose: judged like a message. */
  private judgeControl(opcode: number, payload: Buffer): void {
    const { pipeline, admitted } = this.rules;
    const judged = pipeline.judgeControl(admitted, payload);
    if (judged.do === 'refuse') {
      this.refuse(judged.refusal);
      return;
    }
    this.note(judged.findings, judged.redacted);
    if (opcode === CLOSE) this.sink.onAgentClose();
    // A replacement may be longer than what it replaces.
    this.send({ opcode, isFinal: true, isCompressed: false }, [cutControl(judged.body)]);
    if (opcode === CLOSE) this.close();
  }

  // ---------------------------------------------------------------- content

  private inflate(message: Message, piece: Buffer | null): void {
    const inflater = this.inflater!;
    const onContent = (content: Buffer): boolean => {
      this.addContent(message, content);
      return !this.isOver && !message.isUnread;
    };
    const unjudged = piece === null ? inflater.end() : inflater.push(piece, onContent);
    if (unjudged !== null) this.meetUnread(message, unjudged);
  }

  private addContent(message: Message, content: Buffer): void {
    message.contentBytes += content.length;
    const { decodedBytes } = this.rules;
    if (message.isCompressed && message.contentBytes > decodedBytes) {
      this.meetUnread(message, { kind: 'over_budget', detail: `decodes to more than ${decodedBytes} bytes` });
      return;
    }
    if (message.stream !== null) {
      this.heed(message.stream.pushContent(content));
      return;
    }
    message.held.addContent(content);
    this.checkSize(message);
  }

  private checkSize(message: Message): void {
    if (message.held.isTooLarge) this.startStream(message);
  }

  /** Too large to hold: from here on it is judged, and leaves, as it comes. */
  private startStream(message: Message): void {
    const { pipeline, admitted } = this.rules;
    const judge = pipeline.streamMessage(admitted);
    const isRewritten = message.isCompressed && (judge.mayChangeLength || this.mustRewrite);
    const stream = new MessageStream({
      judge,
      fragments: message.fragments,
      sends: message.isCompressed && !isRewritten ? 'payload' : 'content',
      deflater: isRewritten ? this.ownDeflater() : null,
      send: (head, payload) => this.send(head, payload),
      hold: (held) => this.sink.onHeld(held),
    });
    message.stream = stream;
    const { content, payload } = message.held;
    message.held.release();
    for (const bytes of content) {
      if (this.isOver) return;
      this.heed(stream.pushContent(bytes));
    }
    stream.pushPayload(payload);
  }

  private endMessage(message: Message): void {
    if (message.isCompressed && !message.isUnread) this.inflate(message, null);
    if (this.isOver) return;
    if (message.isUnread) this.send(message.fragments.next(true), []);
    else if (message.stream !== null) {
      this.heed(message.stream.end());
      this.noteStream();
    } else this.judgeWhole(message);
    message.held.release();
    this.message = null;
  }

  private judgeWhole(message: Message): void {
    const { pipeline, admitted } = this.rules;
    const isOpening = this.openings > 0 && message.opcode === TEXT;
    const whole = message.held.whole();
    const judged = isOpening ? pipeline.judgeOpeningMessage(admitted, whole) : pipeline.judgeMessage(admitted, whole);
    if (judged.do === 'refuse') {
      this.refuse(judged.refusal);
      return;
    }
    const { body: passed, findings, redacted } = passedOf(judged);
    const opened = isOpening ? this.open(passed) : null;
    const body = opened ?? passed;
    this.note(findings, redacted);
    if (judged.do === 'hold') this.sink.onHeld(judged.held);
    if (opened === null && !redacted && !(message.isCompressed && this.mustRewrite)) {
      for (const { isFinal, pieces } of message.held.frames) this.send(message.fragments.next(isFinal), pieces);
    } else {
      const payload = message.isCompressed ? this.ownDeflater().push(body, true) : body;
      this.send(message.fragments.next(true), [payload]);
    }
  }

  /** Once the value has left, the placeholder is what it is everywhere else. */
  private open(passed: Buffer): Buffer | null {
    const swapped = this.rules.pipeline.openMessage(this.rules.admitted, passed);
    this.openings = swapped === null ? this.openings - 1 : 0;
    if (swapped === null) return null;
    this.injected = swapped.injected;
    return swapped.payload;
  }

  /** The upstream's window holds something else than the agent's. */
  private get mustRewrite(): boolean {
    return this.deflater !== null && this.rules.deflate!.keepsWindow;
  }

  private ownDeflater(): MessageDeflater {
    this.deflater ??= new MessageDeflater(this.rules.deflate!);
    return this.deflater;
  }

  // ---------------------------------------------------------------- verdicts

  /** The message cannot be read on. What was read of it is judged; then the route says whether the rest may pass. */
  private meetUnread(message: Message, unjudged: Unjudged): void {
    const { pipeline, admitted } = this.rules;
    const begun = message.stream === null ? pipeline.judgeMessage(admitted, message.held.whole()) : null;
    if (begun?.do === 'refuse') {
      this.refuse(begun.refusal);
      return;
    }
    const read = begun === null ? null : passedOf(begun);
    const last = message.stream?.judge.end();
    if (last?.do === 'refuse') {
      this.refuse(last.refusal);
      return;
    }
    const judged = pipeline.judgeUnread(admitted, unjudged, NOTHING);
    if (judged.do === 'refuse') {
      this.refuse(judged.refusal);
      return;
    }
    const waiting = message.stream === null ? message.held.payload : message.stream.takeWaiting();
    if (waiting === null || read?.redacted === true || this.mustRewrite) {
      this.refuse({
        stage: 'dlp',
        rule: unjudged.kind,
        reason: `a message that cannot be read follows what was rewritten (${admitted.route.id})`,
        fix: 'send it uncompressed',
        errorShape: admitted.route.errorShape,
        findings: judged.findings,
      });
      return;
    }
    if (begun?.do === 'hold') this.sink.onHeld(begun.held);
    if (last?.do === 'hold') this.sink.onHeld(last.held);
    if (read !== null) this.note(read.findings, false);
    this.note(judged.findings, false);
    // Whoever starts each message with an empty window can be read again at the next one.
    this.isUnreadable = this.rules.deflate!.keepsWindow;
    this.inflater!.close();
    message.isUnread = true;
    this.noteStream();
    message.held.release();
    if (waiting.length > 0) this.send(message.fragments.next(false), waiting);
  }

  private heed(refusal: Refusal | null): void {
    if (refusal !== null) this.refuse(refusal);
  }

  private refuse(refusal: Refusal): void {
    if (this.isOver) return;
    this.close();
    this.sink.onRefused(refusal);
  }

  private note(findings: readonly Finding[], isRedacted: boolean): void {
    this.findings.push(...findings);
    this.isRedacted ||= isRedacted;
  }

  /** What a stream found is told once. */
  private noteStream(): void {
    const { message } = this;
    if (message === null || message.stream === null) return;
    const { judge } = message.stream;
    message.stream = null;
    this.note(judge.findings, judge.redacted);
  }

  private send(head: FrameHead, payload: readonly Buffer[]): void {
    if (this.isOver) return;
    const bytes = writeFrame(head, payload, this.keys);
    let payloadBytes = 0;
    // A close leaves after the record.
    if (head.opcode !== CLOSE) for (const { length } of payload) payloadBytes += length;
    if (head.opcode > CLOSE) this.sink.onControl({ bytes, payloadBytes });
    else this.sink.onOutgoing({ bytes, payloadBytes });
  }
}
