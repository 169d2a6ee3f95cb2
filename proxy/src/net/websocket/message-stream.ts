// A message that is too large to hold: judged as it comes, it leaves in fragments of our own making.
import type { BodyStream, Held, Refusal, StreamJudgement } from '../../pipeline/types.ts';
import type { Fragments, FrameHead } from './frames.ts';
import type { MessageDeflater } from './message-deflate.ts';

/** Payload as it came waits until what it adds to the content was judged. */
interface Waiting {
  readonly pieces: readonly Buffer[];
  /** Of the content, in bytes. */
  readonly contentEnd: number;
}

export interface StreamParts {
  readonly judge: BodyStream;
  readonly fragments: Fragments;
  /** `content`: what was judged leaves (through the deflater, if there is one); `payload`: what came leaves. */
  readonly sends: 'content' | 'payload';
  readonly deflater: MessageDeflater | null;
  readonly send: (head: FrameHead, payload: readonly Buffer[]) => void;
  /** What is sent from now on waits for a person. */
  readonly hold: (held: Held) => void;
}

/** Most bytes of content that the last bits of a payload's piece may stand for (one match of deflate). */
const SYMBOL_BYTES = 258;

export class MessageStream {
  readonly judge: BodyStream;
  private readonly parts: StreamParts;
  private waiting: Waiting[] = [];
  private seenBytes = 0;
  private judgedBytes = 0;

  constructor(parts: StreamParts) {
    this.parts = parts;
    this.judge = parts.judge;
  }

  pushContent(bytes: Buffer): Refusal | null {
    this.seenBytes += bytes.length;
    return this.heed(this.judge.push(bytes), false);
  }

  /** Its content has been pushed. */
  pushPayload(pieces: readonly Buffer[]): void {
    if (this.parts.sends === 'payload') this.waiting.push({ pieces, contentEnd: this.seenBytes });
  }

  end(): Refusal | null {
    return this.heed(this.judge.end(), true);
  }

  private heed(step: StreamJudgement, isFinal: boolean): Refusal | null {
    if (step.do === 'refuse') return step.refusal;
    if (step.do === 'hold') this.parts.hold(step.held);
    this.release(step.release, isFinal);
    return null;
  }

  /** What waits, unread; null = it cannot be sent, for what left before it was written anew. */
  takeWaiting(): readonly Buffer[] | null {
    return this.parts.sends === 'payload' ? this.waiting.splice(0).flatMap(({ pieces }) => pieces) : null;
  }

  private release(content: Buffer, isFinal: boolean): void {
    const { sends, deflater } = this.parts;
    this.judgedBytes += content.length;
    if (sends === 'payload') {
      const isJudged = ({ contentEnd }: Waiting): boolean => isFinal || contentEnd + SYMBOL_BYTES <= this.judgedBytes;
      const pieces: Buffer[] = [];
      while (this.waiting.length > 0 && isJudged(this.waiting[0]!)) pieces.push(...this.waiting.shift()!.pieces);
      this.send(pieces, isFinal);
    } else if (deflater === null) this.send([content], isFinal);
    else if (content.length > 0 || isFinal) this.send([deflater.push(content, isFinal)], isFinal);
  }

  private send(payload: readonly Buffer[], isFinal: boolean): void {
    const { fragments, send } = this.parts;
    if (isFinal || payload.some(({ length }) => length > 0)) send(fragments.next(isFinal), payload);
  }
}
