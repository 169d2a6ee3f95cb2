// An open WebSocket: messages of the agent are judged before they leave, frames of the upstream pass through.
import type { Socket } from 'node:net';
import type { Finding } from '../../contract.ts';
import type { Admitted, Refusal, ResponseGuard } from '../../pipeline/types.ts';
import type { Timed } from '../deadlines.ts';
import { Malformed } from '../h1/malformed.ts';
import type { Allowance } from '../quotas.ts';
import type { Outcome } from '../record.ts';
import type { Services } from '../services.ts';
import { CLOSE, type FrameHead, FrameReader, type FrameSink, writeClose } from './frames.ts';
import { AgentMessages, type MessageSink } from './messages.ts';

export interface WebSocketTraffic {
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly findings: readonly Finding[];
  readonly isRedacted: boolean;
}

export interface WebSocketParts {
  readonly services: Services;
  readonly admitted: Admitted;
  readonly guard: ResponseGuard | null;
  readonly allowance: Allowance;
  readonly agent: { readonly socket: Socket; readonly rest: Buffer };
  readonly upstream: { readonly socket: Socket; readonly rest: Buffer };
  /** Writes the connection's one record (null = allowed to its end); false = it could not be written. */
  readonly onOver: (outcome: Outcome | null, traffic: WebSocketTraffic) => boolean;
}

/** After a close, how long the other side may take to read it, in ms. */
const LINGER_MS = 2_000;

export function relayWebSocket(parts: WebSocketParts): void {
  new WebSocketRelay(parts).begin();
}

class WebSocketRelay implements MessageSink, FrameSink, Timed {
  deadline = 0;
  private readonly parts: WebSocketParts;
  private readonly agent: Socket;
  private readonly upstream: Socket;
  private readonly messages: AgentMessages;
  /** Watches the upstream's frames for its close: the record comes before it. */
  private readonly watcher = new FrameReader(this, false);
  private bytesIn = 0;
  private isRecorded = false;
  private isBlocked = false;

  constructor(parts: WebSocketParts) {
    const { services, admitted } = parts;
    this.parts = parts;
    this.agent = parts.agent.socket;
    this.upstream = parts.upstream.socket;
    this.messages = new AgentMessages(services.pipeline, admitted, services.limits.holdBytes, this);
  }

  begin(): void {
    const { agent, upstream, parts } = this;
    parts.services.deadlines.add(this);
    this.touch();
    agent.on('data', (chunk: Buffer) => this.guarded(() => this.fromAgent(chunk)));
    upstream.on('data', (chunk: Buffer) => this.guarded(() => this.fromUpstream(chunk)));
    agent.on('drain', () => upstream.resume());
    upstream.on('drain', () => agent.resume());
    agent.on('end', () => this.guarded(() => this.onAgentEnd()));
    upstream.on('end', () => this.guarded(() => this.onUpstreamEnd()));
    // `close` follows.
    agent.on('error', () => {});
    upstream.on('error', () => {});
    agent.on('close', () => this.guarded(() => this.onClosed()));
    upstream.on('close', () => this.guarded(() => this.onClosed()));
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
    const refusal = this.parts.allowance.takeTraffic(chunk.length);
    if (refusal !== null) {
      this.onRefused(refusal);
      return;
    }
    const problem = this.messages.feed(chunk);
    if (problem === null || this.isBlocked) return;
    this.block({ verdict: 'block', stage: 'protocol', rule: problem.rule, reason: problem.reason }, 1002);
  }

  onOutgoing(frame: Buffer): void {
    if (this.isBlocked || this.upstream.destroyed) return;
    if (!this.upstream.write(frame)) this.agent.pause();
  }

  onRefused(refusal: Refusal): void {
    this.messages.findings.push(...refusal.findings);
    const { stage, rule, reason } = refusal;
    this.block({ verdict: 'block', stage, rule, reason }, 1008);
  }

  /** Nothing more leaves; the agent learns why. */
  private block(outcome: Outcome, code: number): void {
    this.isBlocked = true;
    this.upstream.destroy();
    if (!this.record(outcome)) return;
    this.agent.write(writeClose(code, `bottle: ${outcome.reason}`, false));
    this.agent.end();
    this.agent.resume();
    this.deadline = this.parts.services.deadlines.now + LINGER_MS;
  }

  // ---------------------------------------------------------------- upstream -> agent

  private fromUpstream(chunk: Buffer): void {
    if (this.isBlocked) return;
    this.touch();
    const { guard } = this.parts;
    let clean = guard === null ? chunk : guard.push(chunk);
    const problem = this.watcher.feed(chunk);
    // What the guard still holds back is the end of a message that somebody waits for.
    if (guard !== null && this.watcher.isBetweenFrames) clean = Buffer.concat([clean, guard.end()]);
    if (problem instanceof Malformed) {
      this.block({ verdict: 'allow', stage: 'upstream', rule: problem.rule, reason: problem.reason }, 1002);
      return;
    }
    if (clean.length > 0 && !this.agent.destroyed && !this.agent.write(clean)) this.upstream.pause();
  }

  onFrame(frame: FrameHead): void {
    if (frame.opcode === CLOSE) this.record(null);
  }

  onPayload(piece: Buffer): void {
    this.bytesIn += piece.length;
  }

  onFrameEnd(): void {}

  // ---------------------------------------------------------------- ends

  private onAgentEnd(): void {
    if (this.isBlocked) this.agent.destroySoon();
    else this.upstream.end();
  }

  private onUpstreamEnd(): void {
    if (!this.record(null) || this.isBlocked) return;
    const rest = this.parts.guard?.end();
    if (rest !== undefined && rest.length > 0) this.agent.write(rest);
    this.agent.end();
    this.deadline = this.parts.services.deadlines.now + LINGER_MS;
  }

  private onClosed(): void {
    if (!this.record(null)) return;
    if (this.agent.destroyed) this.upstream.destroy();
    else if (this.upstream.destroyed) this.agent.destroySoon();
    if (this.agent.destroyed && this.upstream.destroyed) this.parts.services.deadlines.delete(this);
  }

  onDeadline(): void {
    this.guarded(() => {
      this.record(null);
      this.reset();
    });
  }

  private touch(): void {
    this.deadline = this.parts.services.deadlines.now + this.parts.services.limits.idleTimeoutMs;
  }

  private record(outcome: Outcome | null): boolean {
    if (this.isRecorded) return true;
    this.isRecorded = true;
    const { bytesOut, findings, isRedacted } = this.messages;
    if (this.parts.onOver(outcome, { bytesOut, bytesIn: this.bytesIn, findings, isRedacted })) return true;
    this.reset();
    return false;
  }

  private reset(): void {
    this.isBlocked = true;
    this.agent.destroy();
    this.upstream.destroy();
    this.parts.services.deadlines.delete(this);
  }

  /** A bug here costs this connection and nothing else. */
  private guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
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
}
