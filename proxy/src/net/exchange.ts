// One request and its response. `run` is the order of the data path; the rest is what happens on the way back, or instead.
import type { Socket } from 'node:net';
import { AuditFailure } from '../audit/failure.ts';
import { newRecordId } from '../audit/record.ts';
import type { Finding } from '../contract.ts';
import { isGitPush } from '../pipeline/git-refusal.ts';
import { renderRefusal } from '../pipeline/refusal.ts';
import type { Admitted, BodyStream, Injected, Refusal, ResponseGuard } from '../pipeline/types.ts';
import type { AgentListener, AgentLoss, AgentRequest, AgentStream, ResponseBody } from './agent.ts';
import { DialRefused } from './dial-refused.ts';
import { CHUNK_END, chunkStart } from './h1/chunked.ts';
import { fieldValue, withoutFields } from './h1/fields.ts';
import type { Malformed } from './h1/malformed.ts';
import type { ResponseHead } from './h1/response-head.ts';
import type { ResponseHandler, UpstreamConnection } from './h1/upstream-connection.ts';
import { draftRecord, type Outcome, RecordStart } from './record.ts';
import { type BodyConsumer, RequestBody } from './request-body.ts';
import { createResponseDecoder, type DecodedSink, type ResponseDecoder } from './response-decoder.ts';
import type { Services } from './services.ts';
import { type BodyFraming, writeUpstreamHead } from './upstream-head.ts';
import { relayWebSocket } from './websocket/relay.ts';

/** What follows the head to the upstream. */
type Outgoing =
  | { readonly kind: 'none' }
  /** Judged whole. `trailers` are field lines. */
  | { readonly kind: 'whole'; readonly bytes: Buffer; readonly trailers: Buffer; readonly isRedacted: boolean }
  /** Judged as it goes. */
  | { readonly kind: 'stream'; readonly body: RequestBody; readonly judge: BodyStream; readonly begun: Buffer[] };

const NO_BODY: Outgoing = { kind: 'none' };
const EMPTY = Buffer.alloc(0);
/** Holds the names of more refs than a refusal lists. */
const PUSH_COMMANDS_BYTES = 16 * 1024;
/** RFC 9110, 9.2.2: these may be sent again when a reused connection turns out to be closed. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class Exchange implements ResponseHandler, AgentListener, BodyConsumer, DecodedSink {
  private readonly services: Services;
  private readonly request: AgentRequest;
  private readonly agent: AgentStream;
  private readonly start = new RecordStart(newRecordId());
  private admitted: Admitted | null = null;
  private findings: readonly Finding[] = [];
  private isBodyRedacted = false;
  private injected: readonly string[] = [];
  private guard: ResponseGuard | null = null;
  private decoder: ResponseDecoder | null = null;
  private outgoing: Outgoing = NO_BODY;
  private upstreamHead = '';
  private upstream: UpstreamConnection | null = null;
  private isUpstreamSlow = false;
  private isRetried = false;
  private rawTrailers: readonly string[] = [];
  private status = 0;
  private bytesOut = 0;
  private bytesIn = 0;
  private isAnswered = false;
  private isOver = false;

  constructor(services: Services, request: AgentRequest, agent: AgentStream) {
    this.services = services;
    this.request = request;
    this.agent = agent;
    this.run().catch((error: unknown) => this.onFailure(error));
  }

  // ---------------------------------------------------------------- the order

  private async run(): Promise<void> {
    const { pipeline, audit } = this.services;
    const judged = pipeline.judgeHead(this.request);
    if (judged.do === 'refuse') {
      const shown = isGitPush(this.request) && hasBody(this.request) ? await this.readForRefusal() : null;
      if (!this.isOver) this.refuse(judged.refusal, shown);
      return;
    }
    this.admitted = judged.admitted;
    this.findings = judged.admitted.findings;
    audit.assertWritable();

    this.outgoing = hasBody(this.request) ? await this.judgeBody(judged.admitted) : NO_BODY;
    if (this.isOver) return;

    const injected = pipeline.inject(judged.admitted);
    this.injected = injected.injected;
    this.guard = pipeline.guardResponse(judged.admitted, injected);
    this.upstreamHead = this.writeHead(injected);

    audit.assertWritable();
    await this.send(judged.admitted);
  }

  /** Reads and judges the body, or as much of it as may be held. Ends the exchange itself when it refuses. */
  private async judgeBody(admitted: Admitted): Promise<Outgoing> {
    const { pipeline, limits } = this.services;
    // Policy has admitted the head, so the body may come; the upstream never sees the expectation.
    if (this.request.expectContinue) this.agent.sendContinue();
    const body = new RequestBody(this.agent, limits.holdBytes);
    const size = await body.hold();
    if (this.isOver) return NO_BODY;
    if (size === 'large') return this.judgeBegun(body, pipeline.streamBody(admitted));

    const { bytes, rawTrailers } = body.whole();
    const judged = pipeline.judgeBody(admitted, bytes);
    if (judged.do === 'refuse') {
      this.refuse(judged.refusal, bytes);
      return NO_BODY;
    }
    this.addFindings(judged.findings);
    this.isBodyRedacted = judged.redacted;
    const trailers = this.judgeTrailers(admitted, rawTrailers, bytes);
    if (trailers === null) return NO_BODY;
    return { kind: 'whole', bytes: judged.body, trailers, isRedacted: judged.redacted };
  }

  /** The beginning of a refused push: git shows the reason beside each ref that it named, or not at all. */
  private async readForRefusal(): Promise<Buffer> {
    if (this.request.expectContinue) this.agent.sendContinue();
    const body = new RequestBody(this.agent, PUSH_COMMANDS_BYTES);
    await body.hold();
    return Buffer.concat(body.takeHeld());
  }

  /** A large body: what was held is judged before anything leaves. */
  private judgeBegun(body: RequestBody, judge: BodyStream): Outgoing {
    const begun: Buffer[] = [];
    for (const piece of body.takeHeld()) {
      const step = judge.push(piece);
      if (step.do === 'refuse') {
        this.refuse(step.refusal);
        return NO_BODY;
      }
      if (step.release.length > 0) begun.push(step.release);
    }
    return { kind: 'stream', body, judge, begun };
  }

  /** Field lines that may be sent on; null = refused. */
  private judgeTrailers(admitted: Admitted, rawTrailers: readonly string[], body: Buffer | null): Buffer | null {
    if (rawTrailers.length === 0) return EMPTY;
    const judged = this.services.pipeline.judgeTrailers(admitted, rawTrailers);
    if (judged.do === 'refuse') {
      this.refuse(judged.refusal, body);
      return null;
    }
    this.addFindings(judged.findings);
    this.isBodyRedacted ||= judged.redacted;
    return judged.body;
  }

  private writeHead(injected: Injected): string {
    const { request, outgoing } = this;
    let framing: BodyFraming = { kind: 'same' };
    if (request.body === 'length') {
      if (outgoing.kind === 'whole' && outgoing.isRedacted) framing = { kind: 'length', length: outgoing.bytes.length };
      else if (outgoing.kind === 'stream' && outgoing.judge.mayChangeLength) framing = { kind: 'chunked' };
    }
    const changes = { framing, wantsIdentity: this.guard !== null };
    return writeUpstreamHead(request, injected.target, injected.rawHeaders, changes);
  }

  // ---------------------------------------------------------------- towards the upstream

  private async send(admitted: Admitted): Promise<void> {
    const { pool } = this.services;
    const { host, port, method } = this.request;
    const reused = this.isRetried ? null : pool.take(admitted.route, host, port, !IDEMPOTENT.has(method));
    const upstream = reused ?? (await pool.dial(admitted.route, host, port));
    if (this.isOver) {
      pool.onReusable(upstream);
      return;
    }
    this.upstream = upstream;
    upstream.begin(method, this);
    upstream.output.queue(this.upstreamHead);
    const { outgoing } = this;
    switch (outgoing.kind) {
      case 'none':
        break;
      case 'whole':
        this.bytesOut = outgoing.bytes.length;
        this.queuePiece(outgoing.bytes);
        this.queueTrailers(outgoing.trailers);
        break;
      case 'stream':
        for (const piece of outgoing.begun) this.sendPiece(piece);
        upstream.output.flush();
        outgoing.begun.length = 0;
        outgoing.body.pump(this);
        return;
      default:
        outgoing satisfies never;
    }
    upstream.endRequest();
    upstream.output.flush();
  }

  private get isChunkedUp(): boolean {
    const { outgoing, request } = this;
    return request.body === 'chunked' || (outgoing.kind === 'stream' && outgoing.judge.mayChangeLength);
  }

  private queuePiece(piece: Buffer): void {
    const { output } = this.upstream!;
    if (piece.length === 0) return;
    if (!this.isChunkedUp) {
      output.queue(piece);
      return;
    }
    output.queue(chunkStart(piece.length));
    output.queue(piece);
    output.queue(CHUNK_END);
  }

  private queueTrailers(trailers: Buffer): void {
    if (!this.isChunkedUp) return;
    const { output } = this.upstream!;
    output.queue('0\r\n');
    if (trailers.length > 0) output.queue(trailers);
    output.queue('\r\n');
  }

  private sendPiece(piece: Buffer): void {
    this.bytesOut += piece.length;
    this.queuePiece(piece);
  }

  /** A piece of a body that is judged as it goes. */
  onPiece(piece: Buffer): void {
    if (this.isOver || this.outgoing.kind !== 'stream') return;
    const step = this.outgoing.judge.push(piece);
    if (step.do === 'refuse') {
      this.refuse(step.refusal);
      return;
    }
    const { upstream } = this;
    if (upstream === null) return;
    this.sendPiece(step.release);
    if (upstream.output.flush()) return;
    this.isUpstreamSlow = true;
    this.agent.pauseBody();
  }

  onEnd(rawTrailers: readonly string[]): void {
    if (this.isOver || this.outgoing.kind !== 'stream' || this.admitted === null) return;
    const step = this.outgoing.judge.end();
    if (step.do === 'refuse') {
      this.refuse(step.refusal);
      return;
    }
    const trailers = this.judgeTrailers(this.admitted, rawTrailers, null);
    if (trailers === null || this.upstream === null) return;
    this.sendPiece(step.release);
    this.queueTrailers(trailers);
    this.upstream.endRequest();
    this.upstream.output.flush();
  }

  onUpstreamDrain(): void {
    this.agent.touch();
    if (!this.isUpstreamSlow) return;
    this.isUpstreamSlow = false;
    this.agent.resumeBody();
  }

  // ---------------------------------------------------------------- towards the agent

  onInterim(head: ResponseHead): void {
    // Our own 100 has been sent, or was not asked for.
    if (this.isOver || this.request.isHttp10 || head.status === 100) return;
    const rawHeaders = this.guard === null ? head.rawHeaders : this.guard.headers(head.rawHeaders);
    this.agent.queueInterim(head.status, this.scrubbed(head.reason), rawHeaders);
  }

  onResponse(head: ResponseHead): void {
    if (this.isOver) return;
    let { rawHeaders } = head;
    let body: ResponseBody = head.body === 'none' || head.body === 'length' ? head.body : 'stream';
    if (this.guard !== null) {
      rawHeaders = this.guard.headers(rawHeaders);
      if (head.body !== 'none' && head.contentEncoding !== '' && head.contentEncoding !== 'identity') {
        this.decoder = createResponseDecoder(head.contentEncoding, this);
        if (this.decoder === null) {
          this.refuseUpstream(
            'undecodable',
            'the response is encoded in a way that cannot be searched for credentials',
          );
          return;
        }
        rawHeaders = withoutFields(rawHeaders, ['content-encoding']);
        body = 'stream';
      }
    }
    this.isAnswered = true;
    this.status = head.status;
    this.agent.queueResponse(head.status, this.scrubbed(head.reason), rawHeaders, body);
  }

  onBody(chunk: Buffer): void {
    if (this.isOver) return;
    this.bytesIn += chunk.length;
    if (this.decoder !== null) {
      if (!this.decoder.push(chunk)) this.upstream?.pause();
    } else this.queueScrubbed(chunk);
  }

  onBodyEnd(rawTrailers: readonly string[]): void {
    this.upstream = null;
    if (this.isOver) return;
    this.rawTrailers = rawTrailers;
    if (this.decoder === null) this.complete();
    else this.decoder.end();
  }

  onUpstreamRead(): void {
    if (this.isOver) return;
    this.agent.touch();
    if (this.agent.flush()) return;
    this.upstream?.pause();
    this.decoder?.pause();
  }

  onAgentDrain(): void {
    this.decoder?.resume();
    this.upstream?.resume();
  }

  onDecoded(chunk: Buffer): void {
    if (this.isOver) return;
    this.queueScrubbed(chunk);
    if (!this.agent.flush()) this.decoder?.pause();
  }

  onDecodedEnd(): void {
    if (!this.isOver) this.complete();
  }

  onDecoderDrain(): void {
    this.upstream?.resume();
  }

  onUndecodable(): void {
    if (!this.isOver) this.refuseUpstream('undecodable', 'the response cannot be decoded');
  }

  private queueScrubbed(chunk: Buffer): void {
    const clean = this.guard === null ? chunk : this.guard.push(chunk);
    if (clean.length > 0) this.agent.queueBody(clean);
  }

  private scrubbed(reason: string): string {
    return this.guard === null ? reason : this.guard.headers([reason])[0]!;
  }

  /** The response is complete: the record is written before its last bytes leave. */
  private complete(): void {
    if (this.guard !== null) {
      const rest = this.guard.end();
      if (rest.length > 0) this.agent.queueBody(rest);
    }
    const rawTrailers = this.guard === null ? this.rawTrailers : this.guard.headers(this.rawTrailers);
    if (!this.record(this.allowed())) {
      this.agent.reset();
      return;
    }
    this.agent.dropBody();
    this.agent.finish(rawTrailers);
  }

  onUpgraded(head: ResponseHead, socket: Socket, rest: Buffer): void {
    this.upstream = null;
    const isWelcome = this.request.isWebSocket && fieldValue(head.rawHeaders, 'sec-websocket-extensions') === null;
    if (this.isOver || !isWelcome) {
      socket.on('error', () => {}).destroy();
      if (!this.isOver) this.refuseUpstream('upgrade', 'the upstream changed the protocol in a way nobody asked for');
      return;
    }
    const rawHeaders = this.guard === null ? head.rawHeaders : this.guard.headers(head.rawHeaders);
    this.status = head.status;
    this.agent.queueResponse(head.status, this.scrubbed(head.reason), rawHeaders, 'none');
    this.agent.flush();
    const agent = this.agent.detach();
    relayWebSocket({
      services: this.services,
      admitted: this.admitted!,
      guard: this.guard,
      agent,
      upstream: { socket, rest },
      onOver: (outcome, traffic) => {
        this.bytesOut += traffic.bytesOut;
        this.bytesIn += traffic.bytesIn;
        this.addFindings(traffic.findings);
        this.isBodyRedacted ||= traffic.isRedacted;
        return this.record(outcome ?? this.allowed());
      },
    });
  }

  // ---------------------------------------------------------------- other ends

  onUpstreamLost(problem: Malformed | null): void {
    const { upstream } = this;
    this.upstream = null;
    if (this.isOver) return;
    if (problem !== null) {
      this.refuseUpstream(problem.rule, `the upstream's answer is malformed: ${problem.reason}`);
    } else if (this.isAnswered) {
      this.refuseUpstream('truncated', 'the upstream closed the connection in the middle of its answer');
    } else if (upstream !== null && upstream.uses > 1 && !upstream.hasAnswered && this.canRepeat()) {
      // The idle connection was being closed while we wrote on it.
      this.isRetried = true;
      this.send(this.admitted!).catch((error: unknown) => this.onFailure(error));
    } else this.refuseUpstream('closed', 'the upstream closed the connection before it answered');
  }

  private canRepeat(): boolean {
    return !this.isRetried && this.outgoing.kind !== 'stream' && IDEMPOTENT.has(this.request.method);
  }

  onAgentLost(loss: AgentLoss): void {
    if (this.isOver) return;
    switch (loss.kind) {
      case 'closed': {
        const reason = this.isAnswered ? 'the client closed before the response ended' : 'the client closed early';
        this.record({ ...this.allowed(), reason });
        this.agent.reset();
        break;
      }
      case 'idle':
        this.refuseUpstream('timeout', 'nothing moved for longer than the idle limit');
        break;
      case 'malformed':
        this.refuse(this.protocolRefusal(loss.rule, loss.reason));
        break;
      default:
        loss satisfies never;
    }
  }

  private protocolRefusal(rule: string, reason: string): Refusal {
    const errorShape = this.admitted?.route.errorShape ?? 'plain';
    const fix = 'send a request that HTTP libraries would send';
    return { stage: 'protocol', rule, reason, fix, errorShape, findings: this.findings };
  }

  private refuseUpstream(rule: string, reason: string): void {
    const errorShape = this.admitted?.route.errorShape ?? 'plain';
    const fix = 'try again; if it stays so, the upstream is at fault';
    this.refuse({ stage: 'upstream', rule, reason, fix, errorShape, findings: [] });
  }

  /** Answers in the upstream's place; where an answer has begun, the connection breaks instead. */
  private refuse(refusal: Refusal, requestBody: Buffer | null = null): void {
    this.addFindings(refusal.findings);
    const verdict = refusal.stage === 'upstream' ? this.allowed().verdict : 'block';
    const { stage, rule, reason } = refusal;
    if (this.isAnswered) {
      this.record({ verdict, stage, rule, reason });
      this.agent.reset();
      return;
    }
    const answer = renderRefusal(refusal, this.request, this.start.id, requestBody);
    this.status = answer.status;
    // A refusal because of the log has no record: there is nowhere to write it.
    if (stage !== 'audit' && !this.record({ verdict, stage, rule, reason })) {
      this.isOver = false;
      this.refuse(auditRefusal(this.admitted), requestBody);
      return;
    }
    this.stop();
    this.agent.dropBody();
    this.agent.queueResponse(answer.status, answer.reason, answer.rawHeaders, 'length');
    if (answer.body.length > 0) this.agent.queueBody(answer.body);
    this.agent.finish([]);
  }

  /** What `run` threw: expected failures become refusals, bugs cost this exchange. */
  onFailure(error: unknown): void {
    if (this.isOver) return;
    if (error instanceof DialRefused) {
      const { stage, rule, reason, fix } = error;
      const errorShape = this.admitted?.route.errorShape ?? 'plain';
      this.refuse({ stage, rule, reason, fix, errorShape, findings: [] });
    } else if (error instanceof AuditFailure) this.refuse(auditRefusal(this.admitted));
    else {
      this.services.reportBug(error);
      this.record({
        verdict: 'block',
        stage: 'protocol',
        rule: 'internal',
        reason: 'the proxy failed on this exchange',
      });
      this.agent.reset();
    }
  }

  /** No more of this exchange reaches the upstream. */
  private stop(): void {
    this.isOver = true;
    this.decoder?.destroy();
    this.upstream?.abandon();
    this.upstream = null;
  }

  private allowed(): Outcome {
    const { admitted } = this;
    const isRedacted = admitted?.verdict === 'redact' || this.isRedacted;
    const verdict = admitted === null ? 'block' : isRedacted ? 'redact' : 'allow';
    return { verdict, stage: 'none', rule: admitted?.rule ?? '', reason: '' };
  }

  private get isRedacted(): boolean {
    return this.isBodyRedacted || (this.outgoing.kind === 'stream' && this.outgoing.judge.redacted);
  }

  private addFindings(findings: readonly Finding[]): void {
    if (findings.length > 0 && findings !== this.findings) this.findings = [...this.findings, ...findings];
  }

  /** Ends the exchange with its one record; false = the log could not take it. */
  private record(outcome: Outcome): boolean {
    const { request, services, start } = this;
    const streamed = this.outgoing.kind === 'stream' ? this.outgoing.judge.findings : [];
    const findings = streamed.length === 0 ? this.findings : mergeFindings(this.findings, streamed);
    this.stop();
    const { via, port } = request;
    const { pipeline } = services;
    const host = pipeline.recordText(request.host);
    const method = pipeline.recordText(request.method);
    const path = pipeline.recordPath(request);
    const { status, injected, bytesOut, bytesIn } = this;
    const traffic = { status, findings, injected, bytesOut, bytesIn };
    try {
      services.audit.append(draftRecord(services.session, start, { via, host, port, method, path }, outcome, traffic));
      return true;
    } catch (error) {
      if (!(error instanceof AuditFailure)) throw error;
      return false;
    }
  }
}

function hasBody(request: AgentRequest): boolean {
  return request.body === 'chunked' || (request.body === 'length' && request.contentLength > 0);
}

/** A refusal quotes the findings of its stream: the same finding is not told twice. */
function mergeFindings(findings: readonly Finding[], streamed: readonly Finding[]): readonly Finding[] {
  return [...findings, ...streamed.filter((finding) => !findings.includes(finding))];
}

function auditRefusal(admitted: Admitted | null): Refusal {
  return {
    stage: 'audit',
    rule: 'log',
    reason: 'the audit log cannot be written, so nothing is let through',
    fix: 'free space for the log of this session or start a new one',
    errorShape: admitted?.route.errorShape ?? 'plain',
    findings: [],
  };
}
