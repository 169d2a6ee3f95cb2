// Reads beside the relay what an upstream's WebSocket messages say of usage. It changes nothing; what it cannot read it leaves to the estimate.
import type { Spending } from '../spending.ts';
import type { DeflateSide } from './extension.ts';
import { CLOSE, type FrameHead, FrameReader, type FrameSink } from './frames.ts';
import { MessageInflater } from './message-deflate.ts';

export class UsageFrames implements FrameSink {
  private readonly spending: Spending;
  private readonly reader: FrameReader;
  private readonly inflater: MessageInflater | null;
  private isControl = false;
  private isFinal = false;
  private isCompressed = false;
  private isBroken = false;

  constructor(spending: Spending, deflate: DeflateSide | null) {
    this.spending = spending;
    this.reader = new FrameReader(this, { isMasked: false, mayCompress: deflate !== null });
    this.inflater = deflate === null ? null : new MessageInflater(deflate);
  }

  feed(chunk: Buffer): void {
    // The relay finds the same fault, and ends the connection.
    if (!this.isBroken) this.isBroken = this.reader.feed(chunk) !== null;
  }

  onFrame({ opcode, isFinal, isCompressed }: FrameHead): void {
    this.isControl = opcode >= CLOSE;
    if (this.isControl) return;
    this.isFinal = isFinal;
    if (opcode !== 0) this.isCompressed = isCompressed;
  }

  onPayload(piece: Buffer): void {
    if (this.isControl) return;
    if (!this.isCompressed || this.inflater === null) {
      this.spending.content(piece);
      return;
    }
    const unread = this.inflater.push(piece, (bytes) => this.spending.onDecoded(bytes));
    if (unread !== null) this.isBroken = true;
  }

  onFrameEnd(): void {
    if (this.isControl || !this.isFinal) return;
    if (this.isCompressed) this.inflater?.end();
    this.spending.messageEnd();
  }

  close(): void {
    this.inflater?.close();
  }
}
