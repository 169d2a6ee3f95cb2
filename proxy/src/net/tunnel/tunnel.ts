// A tunnel that nobody reads (`tls: passthrough`, `scheme: tcp`): dialled like any upstream, counted, bounded, recorded once.
import type { Socket } from 'node:net';
import { AuditFailure } from '../../audit/failure.ts';
import { newRecordId } from '../../audit/record.ts';
import type { Finding, Route, Via } from '../../contract.ts';
import type { Refusal } from '../../pipeline/types.ts';
import type { Timed } from '../deadlines.ts';
import { cancelled, DialRefused } from '../dial-refused.ts';
import { Malformed } from '../h1/malformed.ts';
import { type Allowance, UNBOUNDED } from '../quotas.ts';
import { draftRecord, type Outcome, RecordStart } from '../record.ts';
import { auditRefusal, dialRefusal, protocolRefusal, upstreamRefusal } from '../refusals.ts';
import type { Services } from '../services.ts';
import type { HelloWatch } from './hello-watch.ts';

/** After a refusal: how long the agent may take to read it, in ms. */
const LINGER_MS = 2_000;

export interface TunnelPlace {
  readonly via: Via;
  readonly host: string;
  readonly port: number;
}

/** What the agent is told in the words of the protocol that it asked in. */
export interface TunnelVoice {
  /** Sent as soon as the upstream is there. */
  readonly opened: Buffer;
  refused(refusal: Refusal, id: string): Buffer;
}

export interface TunnelParts {
  readonly agent: Socket;
  readonly place: TunnelPlace;
  readonly route: Route;
  /** What the agent has said so far and the upstream has not heard. */
  readonly first: Buffer;
  readonly voice: TunnelVoice;
  /** TLS: settles the server name; null = nothing is looked at. */
  readonly watch: HelloWatch | null;
}

export class Tunnel implements Timed {
  deadline = 0;
  private readonly services: Services;
  private readonly parts: TunnelParts;
  private readonly start = new RecordStart(newRecordId());
  private upstream: Socket | null = null;
  private readonly dial = new AbortController();
  private allowance: Allowance = UNBOUNDED;
  private bytesOut = 0;
  private bytesIn = 0;
  private isUpstreamGone = false;
  private unwatch: () => void = () => {};
  private isOver = false;

  constructor(services: Services, parts: TunnelParts) {
    this.services = services;
    this.parts = parts;
    const { agent } = parts;
    agent.pause();
    agent.on('error', ignore);
    agent.on('close', () => this.onAgentClosed());
    this.open().catch((error: unknown) => this.onFailure(error));
  }

  private async open(): Promise<void> {
    const { services, parts } = this;
    const { route, place, first, agent } = parts;
    // Below a pattern the labels are the agent's own words.
    const named = services.pipeline.judgeName(place.host, '');
    if (named.verdict === 'block') {
      const { stage, rule, reason, findings } = named;
      const fix = 'use a name that carries nothing';
      this.refuse({ stage, rule, reason, fix, errorShape: 'plain', findings });
      return;
    }
    const over = services.endings.refusal(route);
    if (over !== null) {
      this.refuse(over);
      return;
    }
    this.unwatch = services.endings.watch(route, (refusal) => this.refuse(refusal));
    const begun = services.quotas.begin(route, () => ({ head: first.length, body: 0 }));
    if (begun.do === 'refuse') {
      this.refuse(begun.refusal);
      return;
    }
    this.allowance = begun.allowance;
    services.audit.assertWritable();
    const upstream = await services.dialer.dial(route, place.host, place.port, undefined, this.dial.signal);
    if (this.isOver) {
      upstream.destroy();
      return;
    }
    this.upstream = upstream;
    // Either side may end first and still listen.
    upstream.allowHalfOpen = true;
    services.deadlines.add(this);
    this.touch();
    agent.on('data', (chunk: Buffer) => this.guarded(() => this.fromAgent(chunk)));
    agent.on('end', () => upstream.end());
    agent.on('drain', () => upstream.resume());
    upstream.on('data', (chunk: Buffer) => this.guarded(() => this.fromUpstream(chunk)));
    upstream.on('end', () => agent.end());
    upstream.on('drain', () => this.resumeAgent());
    upstream.on('error', ignore);
    upstream.on('close', () => this.onUpstreamClosed());
    if (parts.voice.opened.length > 0) agent.write(parts.voice.opened);
    if (first.length > 0) this.send(first);
    // It may have ended its side during the dial: nobody tells that again.
    if (agent.readableEnded) upstream.end();
    this.resumeAgent();
    upstream.resume();
  }

  private fromAgent(chunk: Buffer): void {
    if (this.isOver || this.isUpstreamGone) return;
    this.touch();
    const refusal = this.allowance.takeTraffic(chunk.length);
    if (refusal !== null) {
      this.refuse(refusal);
      return;
    }
    const { watch } = this.parts;
    if (watch === null || watch.isSettled) this.send(chunk);
    else this.release(watch.fromAgent(chunk));
  }

  private fromUpstream(chunk: Buffer): void {
    if (this.isOver) return;
    this.touch();
    const { agent, watch } = this.parts;
    if (watch !== null && !watch.isSettled) {
      this.release(watch.fromUpstream(chunk));
      if (this.isOver) return;
      this.resumeAgent();
    }
    this.bytesIn += chunk.length;
    if (!agent.write(chunk)) this.upstream?.pause();
  }

  private release(released: Buffer | Malformed): void {
    if (released instanceof Malformed) this.refuse(protocolRefusal(released.rule, released.reason));
    else if (released.length > 0) this.send(released);
  }

  private send(chunk: Buffer): void {
    this.bytesOut += chunk.length;
    if (this.upstream?.write(chunk) === false) this.parts.agent.pause();
  }

  /** What the agent says while its server name is not settled stays in its own buffers. */
  private resumeAgent(): void {
    if (this.parts.watch?.isHolding === true || this.upstream?.writableNeedDrain === true) return;
    this.parts.agent.resume();
  }

  onDeadline(): void {
    if (this.isUpstreamGone) this.parts.agent.destroy();
    else this.refuse(upstreamRefusal('timeout', 'nothing moved for longer than the idle limit', 'plain'));
  }

  private touch(): void {
    this.deadline = this.services.deadlines.now + this.services.limits.idleTimeoutMs;
  }

  private onAgentClosed(): void {
    if (this.upstream === null) this.end({ ...this.allowed(), reason: 'the client closed early' });
    else this.end(this.allowed());
  }

  /** What it sent before may still be on its way to the agent, whose `close` ends it all. */
  private onUpstreamClosed(): void {
    if (this.isOver) return;
    const { agent } = this.parts;
    this.isUpstreamGone = true;
    this.deadline = this.services.deadlines.now + this.services.limits.headTimeoutMs;
    // An end that was none (reset) must not look like one.
    if (this.upstream?.readableEnded === true) agent.end();
    else agent.resetAndDestroy();
    agent.resume();
  }

  private allowed(): Outcome {
    const { id, scheme } = this.parts.route;
    const what = scheme === 'tls' ? 'tls: passthrough' : 'scheme: tcp';
    return { verdict: 'allow', stage: 'none', rule: id, reason: `not inspected (${what})` };
  }

  private onFailure(error: unknown): void {
    if (error instanceof DialRefused) this.refuse(dialRefusal(error, 'plain'));
    else if (error instanceof AuditFailure) this.refuse(auditRefusal('plain'));
    else {
      this.services.reportBug(error);
      this.refuse(protocolRefusal('internal', 'the proxy failed on this connection'));
    }
  }

  private guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.onFailure(error);
    }
  }

  private refuse(refusal: Refusal): void {
    if (this.isOver) return;
    const { agent, voice } = this.parts;
    const { stage, rule, reason, findings } = refusal;
    const isAnswered = this.upstream !== null;
    const verdict = stage === 'upstream' ? 'allow' : 'block';
    const isRecorded = this.end({ verdict, stage, rule, reason }, findings);
    if (isAnswered) {
      agent.destroy();
      return;
    }
    agent.end(voice.refused(isRecorded ? refusal : auditRefusal('plain'), this.start.id));
    agent.resume();
    setTimeout(() => agent.destroy(), LINGER_MS).unref();
  }

  /** The connection's one record; false = it could not be written. */
  private end(outcome: Outcome, findings: readonly Finding[] = []): boolean {
    if (this.isOver) return true;
    this.isOver = true;
    this.unwatch();
    const { services, parts, bytesOut, bytesIn } = this;
    services.deadlines.delete(this);
    this.upstream?.destroy();
    this.dial.abort(cancelled());
    // A refusal because of the log has no record: there is nowhere to write it.
    if (outcome.stage === 'audit') return false;
    const { via, port } = parts.place;
    const subject = { via, host: services.pipeline.recordText(parts.place.host), port, method: '', path: '' };
    const traffic = { status: 0, findings, injected: [], bytesOut, bytesIn };
    try {
      services.audit.append(draftRecord(services.session, this.start, subject, outcome, traffic));
      return true;
    } catch (error) {
      if (!(error instanceof AuditFailure)) throw error;
      return false;
    }
  }
}

/** The `close` that follows tells all that matters. */
function ignore(): void {}
