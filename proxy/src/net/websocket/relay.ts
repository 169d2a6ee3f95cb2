// An open WebSocket: messages of the agent are judged before they leave, those of the upstream searched for injected values.
import type { Duplex } from 'node:stream';
import type { Finding } from '../../contract.ts';
import type { Admitted, Held, Refusal, ResponseGuard } from '../../pipeline/types.ts';
import { joinHeld } from '../../pipeline/verdict.ts';
import type { Asking } from '../asking.ts';
import type { Timed } from '../deadlines.ts';
import type { Malformed } from '../h1/malformed.ts';
import { Line } from '../line.ts';
import type { Allowance } from '../quotas.ts';
import type { Outcome } from '../record.ts';
import type { Services } from '../services.ts';
import type { Spending } from '../spending.ts';
import type { Deflation } from './extension.ts';
import { writeClose } from './frames.ts';
import { MaskKeys } from './mask.ts';
import { AgentMessages, type MessageSink, type OutgoingFrame } from './messages.ts';
import { createReplies, type Replies, type ReplySink } from './replies.ts';
import { UsageFrames } from './usage-frames.ts';

export interface WebSocketTraffic {
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly findings: readonly Finding[];
  readonly isRedacted: boolean;
  /** Names of the secrets that went into a message. */
  readonly injected: readonly string[];
}

export interface WebSocketParts {
  readonly services: Services;
  readonly admitted: Admitted;
  readonly asking: Asking;
  readonly guard: ResponseGuard | null;
  readonly allowance: Allowance;
  /** null = nobody bounds what is spent. */
  readonly spending: Spending | null;
  /** null = nothing is compressed. */
  readonly deflation: Deflation | null;
  readonly agent: WebSocketEnd;
  readonly upstream: WebSocketEnd;
  /** Writes the connection's one record (null = allowed to its end); false = it could not be written. */
  readonly onOver: (outcome: Outcome | null, traffic: WebSocketTraffic) => boolean;
}

/** `rest`: what came behind the handshake. */
export interface WebSocketEnd {
  readonly socket: Duplex;
  readonly rest: Buffer;
}

/** After a close, how long the other side may take to read it, in ms. */
const LINGER_MS = 2_000;
/** Status codes of a close (RFC 6455, 7.4.1). */
const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;
const NOT_CONSISTENT = 1007;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;

export function relayWebSocket(parts: WebSocketParts): void {
  new WebSocketRelay(parts).begin();
}

class WebSocketRelay implements MessageSink, ReplySink, Timed {
  deadline = 0;
  private readonly parts: WebSocketParts;
  private readonly agent: Duplex;
  private readonly upstream: Duplex;
  private readonly messages: AgentMessages;
  private readonly replies: Replies;
  private readonly usage: UsageFrames | null;
  private unwatch: () => void = () => {};
  private hasAgentClosed = false;
  private hasUpstreamClosed = false;
  private hasAgentEnded = false;
  private isRecorded = false;
  /** Nothing more leaves for the upstream. */
  private isBlocked = false;
  /** What the agent will be told, as soon as it is not in the middle of a frame. */
  private farewell: Buffer | null = null;
  private isOver = false;
  /** What leaves for the upstream but pings and pongs, once a message had to wait. */
  private line: Line<OutgoingFrame> | null = null;
  /** Of the next frame. */
  private held: Held | null = null;
  private isUpstreamSlow = false;
  /** Payload that has left. */
  private bytesOut = 0;

  constructor(parts: WebSocketParts) {
    const { admitted, deflation } = parts;
    const { pipeline, held, limits } = parts.services;
    this.parts = parts;
    this.agent = parts.agent.socket;
    this.upstream = parts.upstream.socket;
    const { holdBytes, decodedBytes } = limits;
    const deflate = deflation?.agent ?? null;
    this.messages = new AgentMessages({ pipeline, admitted, holdBytes, decodedBytes, held, deflate }, this);
    this.replies = createReplies(this, parts.guard, deflation?.upstream ?? null);
    this.usage = parts.spending === null ? null : new UsageFrames(parts.spending, deflation?.upstream ?? null);
  }

  begin(): void {
    const { agent, upstream, parts } = this;
    parts.services.deadlines.add(this);
    this.touch();
    const { endings } = parts.services;
    this.unwatch = endings.watch(parts.admitted.route, (refusal) => this.guarded(() => this.onRefused(refusal)));
    agent.on('data', (chunk: Buffer) => this.guarded(() => this.fromAgent(chunk)));
    upstream.on('data', (chunk: Buffer) => this.guarded(() => this.fromUpstream(chunk)));
    agent.on('drain', () => upstream.resume());
    upstream.on('drain', () => {
      this.isUpstreamSlow = false;
      this.resumeAgent();
    });
    agent.on('end', () => this.guarded(() => this.onAgentEnd()));
    upstream.on('end', () => this.guarded(() => this.onUpstreamEnd()));
    // `close` follows.
    agent.on('error', () => {});
    upstream.on('error', () => {});
    agent.on('close', () => this.guarded(() => this.onGone('client')));
    upstream.on('close', () => this.guarded(() => this.onGone('upstream')));
    this.guarded(() => {
      if (parts.agent.rest.length > 0) this.fromAgent(parts.agent.rest);
      if (parts.upstream.rest.length > 0) this.fromUpstream(parts.upstream.rest);
    });
    agent.resume();
    upstream.resume();
  }

  // ---------------------------------------------------------------- agent -> upstream

  private fromAgent(chunk: Buffer): void {
    if (this.isBlocked) return;
    this.touch();
    const { allowance, spending } = this.parts;
    const refusal = allowance.takeTraffic(chunk.length) ?? spending?.refusal() ?? null;
    if (refusal !== null) {
      this.onRefused(refusal);
      return;
    }
    spending?.asked(chunk.length);
    this.upstream.cork();
    const problem = this.messages.feed(chunk);
    this.upstream.uncork();
    if (problem === null || this.isBlocked) return;
    const { rule, reason } = problem;
    this.block({ verdict: 'block', stage: 'protocol', rule, reason }, PROTOCOL_ERROR);
  }

  onOutgoing(frame: OutgoingFrame): void {
    const { held } = this;
    this.held = null;
    if (held === null && this.line === null) this.write(frame);
    else this.standInLine(frame, held);
  }

  onControl(frame: OutgoingFrame): void {
    this.write(frame);
  }

  onHeld(held: Held): void {
    this.held = joinHeld(this.held, held);
  }

  private write(frame: OutgoingFrame): void {
    if (this.isBlocked || !this.upstream.writable) return;
    this.bytesOut += frame.payloadBytes;
    if (this.upstream.write(frame.bytes)) return;
    this.isUpstreamSlow = true;
    this.agent.pause();
  }

  private standInLine(frame: OutgoingFrame, held: Held | null): void {
    if (this.isBlocked) return;
    this.line ??= new Line<OutgoingFrame>({
      ask: (asked) => this.ask(asked),
      leave: (one) => this.write(one),
      onRefused: (refusal) => this.guarded(() => this.onRefused(refusal)),
      onClear: () => this.resumeAgent(),
      onFailure: (error) => this.fail(error),
    });
    this.line.push(frame, frame.bytes.length, held);
    if (this.line.isFull) this.agent.pause();
  }

  private async ask(held: Held): Promise<Refusal | null> {
    this.touch();
    const refusal = await this.parts.asking.ask(held);
    // It is the person's time that passed, not the agent's.
    this.touch();
    return refusal;
  }

  private resumeAgent(): void {
    if (!this.isUpstreamSlow && this.line?.isFull !== true) this.agent.resume();
  }

  onAgentClose(): void {
    this.hasAgentClosed = true;
    if (this.hasUpstreamClosed) this.record(null);
  }

  onRefused(refusal: Refusal): void {
    const { findings } = this.messages;
    findings.push(...refusal.findings.filter((finding) => !findings.includes(finding)));
    const { stage, rule, reason, isHeld } = refusal;
    this.block({ verdict: isHeld === true ? 'hold' : 'block', stage, rule, reason }, CODES[rule] ?? POLICY_VIOLATION);
  }

  // ---------------------------------------------------------------- upstream -> agent

  private fromUpstream(chunk: Buffer): void {
    if (this.isOver) return;
    this.touch();
    this.usage?.feed(chunk);
    this.agent.cork();
    const problem = this.replies.feed(chunk);
    this.agent.uncork();
    if (this.farewell !== null) this.sayFarewell();
    else if (problem !== null) this.blockUpstream(problem);
  }

  private blockUpstream({ rule, reason }: Malformed): void {
    const code = rule === 'undecodable' ? NOT_CONSISTENT : PROTOCOL_ERROR;
    this.block({ verdict: 'allow', stage: 'upstream', rule, reason }, code);
  }

  onReply(bytes: Buffer): void {
    if (!this.isOver && this.agent.writable && !this.agent.write(bytes)) this.upstream.pause();
  }

  onUpstreamClose(): void {
    this.hasUpstreamClosed = true;
    if (this.hasAgentClosed) this.record(null);
  }

  // ---------------------------------------------------------------- ends

  /** Nothing more leaves; the agent learns why, the upstream that it is over. */
  private block(outcome: Outcome, code: number): void {
    this.isBlocked = true;
    if (!this.record(outcome)) return;
    this.farewell = writeClose(code, `bottle: ${outcome.reason}`, null);
    this.linger();
    this.sayFarewell();
  }

  private sayFarewell(): void {
    if (this.farewell === null || this.replies.isInsideFrame) return;
    const { agent, upstream, farewell } = this;
    this.farewell = null;
    this.close();
    agent.end(farewell);
    agent.resume();
    // What was judged before still arrives.
    upstream.end(writeClose(GOING_AWAY, '', new MaskKeys()));
    upstream.resume();
  }

  private onAgentEnd(): void {
    if (this.isOver) return;
    if (this.parts.asking.isWaiting) {
      this.onGone('client');
      return;
    }
    this.upstream.end();
    // It has said all: a stream of HTTP/2 would wait for the other side as long as that likes.
    this.hasAgentEnded = true;
    if (!this.isRecorded) this.linger();
  }

  private onUpstreamEnd(): void {
    if (this.isOver) return;
    if (this.parts.asking.isWaiting) {
      this.onGone('upstream');
      return;
    }
    if (!this.record(null)) return;
    this.close();
    this.finish(this.agent);
  }

  private onGone(who: 'client' | 'upstream'): void {
    if (!this.record(this.parts.asking.left(who))) return;
    this.close();
    const { agent, upstream } = this;
    if (!agent.destroyed) this.finish(agent);
    if (!upstream.destroyed) this.finish(upstream);
    if (agent.destroyed && upstream.destroyed) this.parts.services.deadlines.delete(this);
  }

  /** What was passed on before still arrives. */
  private finish(socket: Duplex): void {
    if (socket.writableEnded) return;
    socket.end();
    socket.resume();
    this.linger();
  }

  onDeadline(): void {
    this.guarded(() => {
      if (this.hasAgentEnded) this.record(null);
      if (this.isRecorded) this.reset();
      else {
        const waiting = this.parts.asking.timedOut();
        if (waiting !== null) {
          this.onRefused(waiting);
          return;
        }
        const reason = 'nothing moved for longer than the idle limit';
        this.block({ verdict: 'allow', stage: 'upstream', rule: 'timeout', reason }, GOING_AWAY);
      }
    });
  }

  private touch(): void {
    if (!this.isRecorded && !this.hasAgentEnded)
      this.deadline = this.parts.services.deadlines.now + this.parts.services.limits.idleTimeoutMs;
  }

  private linger(): void {
    this.deadline = this.parts.services.deadlines.now + LINGER_MS;
  }

  private record(outcome: Outcome | null): boolean {
    if (this.isRecorded) return true;
    this.isRecorded = true;
    this.unwatch();
    const end = outcome ?? this.parts.asking.left('upstream');
    this.line?.close();
    this.parts.asking.leave();
    const { bytesOut } = this;
    const { findings, isRedacted, injected } = this.messages;
    if (this.parts.onOver(end, { bytesOut, bytesIn: this.replies.bytesIn, findings, isRedacted, injected }))
      return true;
    this.reset();
    return false;
  }

  /** Nothing more is passed on, in either direction. */
  private close(): void {
    this.isOver = true;
    this.isBlocked = true;
    this.messages.close();
    this.replies.close();
    this.usage?.close();
  }

  private reset(): void {
    this.close();
    this.agent.destroy();
    this.upstream.destroy();
    this.parts.services.deadlines.delete(this);
  }

  /** A bug here costs this connection and nothing else. */
  private guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.parts.services.reportBug(error);
    this.record({
      verdict: 'block',
      stage: 'protocol',
      rule: 'internal',
      reason: 'the proxy failed on this connection',
    });
    this.reset();
  }
}

const CODES: Readonly<Record<string, number>> = { undecodable: NOT_CONSISTENT, over_budget: TOO_BIG };
