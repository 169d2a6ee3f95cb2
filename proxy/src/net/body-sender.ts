// The body of a request on its way to the upstream: judged whole before, or piece by piece as it goes, and waiting where a person is asked.
import type { Admitted, Held, Pipeline, Refusal, StreamJudgement } from '../pipeline/types.ts';
import { heldOf, joinHeld, passedOf } from '../pipeline/verdict.ts';
import type { AgentStream } from './agent.ts';
import type { ExchangeAccount } from './exchange-account.ts';
import { Line } from './line.ts';
import type { BodyConsumer } from './request-body.ts';
import type { Outgoing } from './request-judge.ts';
import type { UpstreamStream } from './upstream.ts';

export interface SenderOwner {
  /** Waits for a person's word; null = it may leave. */
  ask(held: Held, admitted: Admitted): Promise<Refusal | null>;
  /** Nothing more of it leaves. */
  onRefused(refusal: Refusal): void;
  onFailure(error: unknown): void;
}

export interface SenderParts {
  readonly pipeline: Pipeline;
  readonly admitted: Admitted;
  readonly outgoing: Exclude<Outgoing, { kind: 'none' }>;
  readonly agent: AgentStream;
  readonly account: ExchangeAccount;
  readonly owner: SenderOwner;
  /** What was judged leaves whenever nothing more comes for this time, in ms; null = it waits for more. */
  readonly pauseMs: number | null;
}

/** `trailers`: it is the last piece. */
interface Leaving {
  readonly bytes: Buffer;
  readonly trailers: Buffer | null;
}

export class BodySender implements BodyConsumer {
  private readonly parts: SenderParts;
  private upstream: UpstreamStream | null = null;
  private isUpstreamSlow = false;
  /** Once a part of it had to wait. */
  private line: Line<Leaving> | null = null;
  private quiet: NodeJS.Timeout | null = null;

  constructor(parts: SenderParts) {
    this.parts = parts;
  }

  /** The head is queued. A body that was judged whole may begin twice. */
  begin(upstream: UpstreamStream): void {
    const { outgoing } = this.parts;
    this.upstream = upstream;
    if (outgoing.kind === 'whole') {
      this.leaveLast(outgoing.bytes, outgoing.trailers);
      return;
    }
    for (const piece of outgoing.begun.splice(0)) this.queue(upstream, piece);
    upstream.flush();
    outgoing.body.release();
    this.awaitQuiet();
    outgoing.body.pump(this);
  }

  /** Nothing more leaves; what waits for a person waits no more. */
  stop(): void {
    this.upstream = null;
    this.line?.close();
    this.endQuiet();
  }

  onPiece(piece: Buffer): void {
    const { outgoing } = this.parts;
    if (outgoing.kind !== 'stream' || this.upstream === null) return;
    this.awaitQuiet();
    this.take(outgoing.judge.push(piece));
  }

  private take(step: StreamJudgement): void {
    const { owner } = this.parts;
    if (step.do === 'refuse') owner.onRefused(step.refusal);
    else if (step.do === 'pass' && this.line === null) this.leave(step.release);
    else this.standInLine({ bytes: step.release, trailers: null }, heldOf(step));
  }

  onEnd(rawTrailers: readonly string[]): void {
    const { outgoing, owner, pipeline, admitted, account } = this.parts;
    if (outgoing.kind !== 'stream' || this.upstream === null) return;
    this.endQuiet();
    const step = outgoing.judge.end();
    if (step.do === 'refuse') {
      owner.onRefused(step.refusal);
      return;
    }
    const judged = pipeline.judgeTrailers(admitted, rawTrailers);
    if (judged.do === 'refuse') {
      owner.onRefused(judged.refusal);
      return;
    }
    const trailing = passedOf(judged);
    account.addFindings(trailing.findings);
    account.isRedacted ||= trailing.redacted;
    const held = joinHeld(heldOf(step), heldOf(judged));
    if (held === null && this.line === null) this.leaveLast(step.release, trailing.body);
    else this.standInLine({ bytes: step.release, trailers: trailing.body }, held);
  }

  onRefused(refusal: Refusal): void {
    if (this.upstream !== null) this.parts.owner.onRefused(refusal);
  }

  onUpstreamDrain(): void {
    if (!this.isUpstreamSlow) return;
    this.isUpstreamSlow = false;
    this.resume();
  }

  private awaitQuiet(): void {
    const { pauseMs, outgoing, owner } = this.parts;
    if (pauseMs === null || outgoing.kind !== 'stream') return;
    if (this.quiet !== null) {
      this.quiet.refresh();
      return;
    }
    this.quiet = setTimeout(() => {
      try {
        if (this.upstream !== null) this.take(outgoing.judge.settle());
      } catch (error) {
        owner.onFailure(error);
      }
    }, pauseMs);
  }

  private endQuiet(): void {
    if (this.quiet !== null) clearTimeout(this.quiet);
    this.quiet = null;
  }

  private leave(bytes: Buffer): void {
    const upstream = this.upstream!;
    this.queue(upstream, bytes);
    if (upstream.flush()) return;
    this.isUpstreamSlow = true;
    this.parts.agent.pauseBody();
  }

  private leaveLast(bytes: Buffer, trailers: Buffer): void {
    const upstream = this.upstream!;
    this.queue(upstream, bytes);
    upstream.endRequest(trailers);
  }

  private standInLine(leaving: Leaving, held: Held | null): void {
    const { owner, admitted, agent } = this.parts;
    this.line ??= new Line<Leaving>({
      ask: (asked) => owner.ask(asked, admitted),
      leave: ({ bytes, trailers }) => (trailers === null ? this.leave(bytes) : this.leaveLast(bytes, trailers)),
      onRefused: (refusal) => owner.onRefused(refusal),
      onClear: () => this.resume(),
      onFailure: (error) => owner.onFailure(error),
    });
    this.line.push(leaving, leaving.bytes.length, held);
    if (this.line.isFull) agent.pauseBody();
  }

  private resume(): void {
    if (!this.isUpstreamSlow && this.line?.isFull !== true) this.parts.agent.resumeBody();
  }

  private queue(upstream: UpstreamStream, piece: Buffer): void {
    this.parts.account.bytesOut += piece.length;
    upstream.queueBody(piece);
  }
}
