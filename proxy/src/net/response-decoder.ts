// Decodes a content-encoded response as it streams, so that injected values can be found in it. Synchronous: what a read brings leaves with it.
import { parseCodings } from '../dlp/body.ts';
import { StepDecoder } from '../dlp/step-decoder.ts';

export interface DecodedSink {
  /** False = wait for `resume`. */
  onDecoded(bytes: Buffer): boolean;
  onDecodedEnd(): void;
  onUndecodable(): void;
}

/** Most codings on top of each other. */
const CODINGS = 4;
/** Encoded bytes that are decoded before the sink is asked again whether it takes more. */
const STEP_BYTES = 4096;

/** null for an encoding that we do not know. */
export function createResponseDecoder(contentEncoding: string, sink: DecodedSink): ResponseDecoder | null {
  const codings = parseCodings(contentEncoding);
  if (codings === null || codings.length > CODINGS) return null;
  return new ResponseDecoder(codings.map((coding) => new StepDecoder(coding)).reverse(), sink);
}

export class ResponseDecoder {
  private readonly decoders: readonly StepDecoder[];
  private readonly sink: DecodedSink;
  private waiting: Buffer[] = [];
  private isSlow = false;
  private isEnded = false;
  private isOver = false;

  constructor(decoders: readonly StepDecoder[], sink: DecodedSink) {
    this.decoders = decoders;
    this.sink = sink;
  }

  /** False = send no more before `resume` says so. */
  push(chunk: Buffer): boolean {
    this.waiting.push(chunk);
    return this.run();
  }

  end(): void {
    this.isEnded = true;
    this.run();
  }

  /** True = everything that came has been decoded: more is welcome. */
  resume(): boolean {
    this.isSlow = false;
    return this.run();
  }

  close(): void {
    this.isOver = true;
    this.waiting = [];
    for (const decoder of this.decoders) decoder.close();
  }

  private run(): boolean {
    while (!this.isSlow && !this.isOver && this.waiting.length > 0) {
      const first = this.waiting[0]!;
      if (first.length <= STEP_BYTES) this.waiting.shift();
      else this.waiting[0] = first.subarray(STEP_BYTES);
      this.decode(0, first.subarray(0, STEP_BYTES));
    }
    if (this.isSlow || this.isOver) return false;
    if (this.isEnded) this.finish();
    return true;
  }

  private decode(index: number, bytes: Buffer): void {
    const decoder = this.decoders[index];
    if (decoder === undefined) {
      if (!this.sink.onDecoded(bytes)) this.isSlow = true;
      return;
    }
    const unjudged = decoder.push(bytes, (decoded) => {
      this.decode(index + 1, decoded);
      return null;
    });
    if (unjudged !== null) this.fail();
  }

  private finish(): void {
    for (const decoder of this.decoders) {
      if (decoder.end() !== null) this.fail();
    }
    if (this.isOver) return;
    this.close();
    this.sink.onDecodedEnd();
  }

  private fail(): void {
    if (this.isOver) return;
    this.close();
    this.sink.onUndecodable();
  }
}
