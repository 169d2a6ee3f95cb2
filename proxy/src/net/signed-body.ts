// A request body as a signature sees it, and with its chunks signed anew where that is asked for.
import { NotSigned } from '../pipeline/sign/agent-signature.ts';
import type { ChunkSigner } from '../pipeline/sign/chunk-signer.ts';
import type { SignableBody } from '../pipeline/sign/signing.ts';
import type { BodyStream, Refusal, StreamJudgement } from '../pipeline/types.ts';
import type { Outgoing } from './request-judge.ts';

/** What a signature of the request has to know of its body. */
export function signableOf(outgoing: Outgoing): SignableBody {
  switch (outgoing.kind) {
    case 'none':
      return outgoing;
    case 'whole':
      return { kind: 'whole', bytes: outgoing.bytes, isChanged: outgoing.isRedacted };
    case 'stream':
      return { kind: 'stream', mayChange: outgoing.judge.mayChangeLength };
    default:
      return outgoing satisfies never;
  }
}

type Signed =
  | { readonly do: 'send'; readonly outgoing: Outgoing }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

/** The same body through `chunks`; null = as it is. */
export function signChunks(
  outgoing: Outgoing,
  chunks: ChunkSigner | null,
  refuse: (error: NotSigned) => Refusal,
): Signed {
  if (chunks === null || outgoing.kind === 'none') return { do: 'send', outgoing };
  try {
    if (outgoing.kind === 'stream') {
      const begun = outgoing.begun.map((piece) => chunks.push(piece));
      return { do: 'send', outgoing: { ...outgoing, begun, judge: new SignedStream(outgoing.judge, chunks, refuse) } };
    }
    const bytes = chunks.push(outgoing.bytes);
    chunks.end();
    return { do: 'send', outgoing: { ...outgoing, bytes } };
  } catch (error) {
    if (!(error instanceof NotSigned)) throw error;
    return { do: 'refuse', refusal: refuse(error) };
  }
}

/** What a judge releases, signed. */
class SignedStream implements BodyStream {
  private readonly judge: BodyStream;
  private readonly chunks: ChunkSigner;
  private readonly refuse: (error: NotSigned) => Refusal;

  constructor(judge: BodyStream, chunks: ChunkSigner, refuse: (error: NotSigned) => Refusal) {
    this.judge = judge;
    this.chunks = chunks;
    this.refuse = refuse;
  }

  push(chunk: Buffer): StreamJudgement {
    return this.signed(this.judge.push(chunk), false);
  }

  settle(): StreamJudgement {
    return this.signed(this.judge.settle(), false);
  }

  end(): StreamJudgement {
    return this.signed(this.judge.end(), true);
  }

  get findings(): BodyStream['findings'] {
    return this.judge.findings;
  }

  get redacted(): boolean {
    return this.judge.redacted;
  }

  get mayChangeLength(): boolean {
    return this.judge.mayChangeLength;
  }

  private signed(step: StreamJudgement, isEnd: boolean): StreamJudgement {
    if (step.do === 'refuse') return step;
    try {
      const release = this.chunks.push(step.release);
      if (isEnd) this.chunks.end();
      return { ...step, release };
    } catch (error) {
      if (!(error instanceof NotSigned)) throw error;
      return { do: 'refuse', refusal: this.refuse(error) };
    }
  }
}
