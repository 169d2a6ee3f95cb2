// One request and its response. `run` is the order of the data path; below it stands what happens on the way back, or instead.
import type { Duplex } from 'node:stream';
import { AuditFailure } from '../audit/failure.ts';
import { HELD_COOKIES } from '../contract.ts';
import { isGitPush } from '../pipeline/git/refusal.ts';
import { grpcTrailers, renderRefusal } from '../pipeline/refusal.ts';
import type { Admitted, Held, RawAnswer, Refusal } from '../pipeline/types.ts';
import { joinHeld } from '../pipeline/verdict.ts';
import type { AgentListener, AgentLoss, AgentRequest, AgentStream } from './agent.ts';
import { Asking } from './asking.ts';
import { BodySender, type SenderOwner } from './body-sender.ts';
import { cancelled, DialRefused } from './dial-refused.ts';
import { DrainedBody } from './drained-body.ts';
import { ExchangeAccount } from './exchange-account.ts';
import { ExpiredTokenWatch } from './expired-token.ts';
import { Malformed } from './h1/malformed.ts';
import type { ResponseHead } from './h1/response-head.ts';
import { LateAnswer } from './late-answer.ts';
import { type Allowance, UNBOUNDED } from './quotas.ts';
import type { Outcome } from './record.ts';
import {
  auditRefusal,
  dialRefusal,
  protocolRefusal,
  type TokenRule,
  tokenRefusal,
  upstreamRefusal,
} from './refusals.ts';
import { RequestBody } from './request-body.ts';
import { hasBody, invite, isDuplex, judgeBody, NO_BODY, type Outgoing, PAUSE_MS, sizeOf } from './request-judge.ts';
import { type Relay, type RelayOwner, ResponseRelay, type ResponseSource } from './response-relay.ts';
import type { Services } from './services.ts';
import type { AnswerEnd, Spending } from './spending.ts';
import { TokenRelay } from './token-relay.ts';
import type { ResponseHandler, UpstreamStream } from './upstream.ts';
import { headForUpstream, NO_HEAD, placeCredentials, type UpstreamHead } from './upstream-head.ts';
import { agreeOn } from './websocket/extension.ts';
import { relayWebSocket } from './websocket/relay.ts';

/** So much is read of a push before its commands are named in a refusal, in bytes. */
const PUSH_COMMANDS_BYTES = 16 * 1024;
/** git reads no answer while it sends, and waits for ever when nobody reads: the rest of a refused push is read, up to this. In bytes. */
const DRAINED_PUSH_BYTES = 1024 * 1024 * 1024;
const NOT_ASKED = new Malformed('upgrade', 'a change of the protocol that nobody asked for');
const NO_TRAILERS = Buffer.alloc(0);
/** RFC 9110, 15.5.2: the credential was not accepted. */
const UNAUTHORIZED = 401;
/** RFC 9110, 9.2.2: these may be sent again when a reused connection turns out to be closed. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class Exchange implements ResponseHandler, AgentListener, SenderOwner, RelayOwner, ResponseSource {
  private readonly services: Services;
  private readonly request: AgentRequest;
  private readonly agent: AgentStream;
  private readonly account: ExchangeAccount;
  private admitted: Admitted | null = null;
  /** By the head alone, so that the record says it whatever becomes of the body. */
  private refused: Refusal | null = null;
  private body: RequestBody | null = null;
  private outgoing: Outgoing = NO_BODY;
  private sender: BodySender | null = null;
  private head: UpstreamHead = NO_HEAD;
  private upstream: UpstreamStream | null = null;
  private isRetried = false;
  /** Ends a dial that nobody waits for. */
  private dial: AbortController | null = null;
  /** A person, once there is something to ask. */
  private asking: Asking | null = null;
  private relay: Relay | null = null;
  private allowance: Allowance = UNBOUNDED;
  /** null = nobody bounds what is spent. */
  private spending: Spending | null = null;
  private answerEnd: AnswerEnd = 'cut';
  /** Nobody has to tell us any more that the route's time is over. */
  private unwatch: () => void = () => {};
  /** An answer that waits for new credentials; null = none does. */
  private late: LateAnswer | null = null;
  private isOver = false;
  /** Of an answer of AWS that may say so. */
  private expired: ExpiredTokenWatch | null = null;
  /** The answer waits until the agent has sent everything. */
  private isDraining = false;

  constructor(services: Services, request: AgentRequest, agent: AgentStream) {
    this.services = services;
    this.request = request;
    this.agent = agent;
    this.account = new ExchangeAccount(services, request);
    this.run().catch((error: unknown) => this.onFailure(error));
  }

  // ---------------------------------------------------------------- the order

  private async run(): Promise<void> {
    const { services, request, agent, account } = this;
    const { pipeline, audit, limits } = services;

    const judged = pipeline.judgeHead(request);
    if (judged.do === 'refuse') {
      this.refused = judged.refusal;
      const shown = isGitPush(request) && hasBody(request) ? await this.readForRefusal() : null;
      if (!this.isOver) this.refuse(judged.refusal, shown);
      return;
    }
    const { admitted } = judged;
    let held = judged.do === 'hold' ? judged.held : null;
    this.admitted = admitted;
    account.admit(admitted);
    this.unwatch = services.endings.watch(admitted.route, (refusal) => this.onRefused(refusal));
    this.spending = services.quotas.spendingOf(admitted.route, request, admitted.target, pipeline.recordText);
    const spent = this.spending?.refusal() ?? null;
    if (spent !== null) {
      this.refuse(spent);
      return;
    }
    const begun = services.quotas.begin(admitted.route, () => sizeOf(request));
    if (begun.do === 'refuse') {
      this.refuse(begun.refusal);
      return;
    }
    this.allowance = begun.allowance;
    audit.assertWritable();

    if (hasBody(request)) {
      invite(request, agent);
      this.body = new RequestBody(agent, limits.holdBytes, services.held, this.allowance);
      if (isGitPush(request)) this.body.keepBeginning();
      const decision = await judgeBody(pipeline, admitted, request, this.body);
      if (this.isOver) return;
      if (decision.do === 'refuse') {
        this.refuse(decision.refusal, decision.shown);
        return;
      }
      held = joinHeld(held, decision.held);
      this.outgoing = decision.outgoing;
      if (decision.outgoing.kind === 'stream') account.follow(decision.outgoing.judge);
      if (decision.outgoing.kind === 'whole') {
        account.addFindings(decision.outgoing.findings);
        account.isRedacted = decision.outgoing.isRedacted;
      }
    }

    const { outgoing } = this;
    const unpriced = this.spending?.readRequest(outgoing.kind === 'whole' ? outgoing.bytes : null) ?? null;
    if (unpriced !== null) {
      this.refuse(unpriced);
      return;
    }
    if (held !== null && !(await this.isApproved(held, admitted))) return;

    const placed = placeCredentials(pipeline, request, admitted, this.outgoing);
    if (placed.do === 'refuse') {
      this.refuse(placed.refusal);
      return;
    }
    const { injected, guard, asked } = placed;
    this.outgoing = placed.outgoing;
    account.injected = injected.injected;
    account.guard = guard;
    const { tokens } = admitted.route;
    this.relay =
      tokens === undefined
        ? new ResponseRelay(agent, guard, account, this, asked, this.spending)
        : new TokenRelay({ services, route: admitted.route, tokens, agent, guard, account, owner: this });
    this.head = headForUpstream(request, injected, this.outgoing, guard !== null || tokens !== undefined);

    audit.assertWritable();
    await this.send(admitted);
  }

  /** Waits for a person. Nothing has left, nothing more is read; false = the exchange is over. */
  private async isApproved(held: Held, admitted: Admitted): Promise<boolean> {
    const refusal = await this.ask(held, admitted);
    if (this.isOver) return false;
    if (refusal !== null) this.refuse(refusal);
    return refusal === null;
  }

  async ask(held: Held, admitted: Admitted): Promise<Refusal | null> {
    this.asking ??= new Asking(this.services, this.account, admitted);
    this.agent.touch();
    const refusal = await this.asking.ask(held);
    // It is the person's time that passed, not the agent's.
    if (!this.isOver) this.agent.touch();
    return refusal;
  }

  /** The beginning of a refused push: git shows the reason beside each ref that it named, or not at all. */
  private async readForRefusal(): Promise<Buffer> {
    invite(this.request, this.agent);
    this.body = new RequestBody(this.agent, PUSH_COMMANDS_BYTES, this.services.held, UNBOUNDED);
    await this.body.hold();
    return Buffer.concat(this.body.takeHeld());
  }

  // ---------------------------------------------------------------- towards the upstream

  private async send(admitted: Admitted): Promise<void> {
    const { pool } = this.services;
    const { host, port, method } = this.request;
    const { isHttp2, isWebSocket } = this.request;
    const wish = { isHttp2, isWebSocket, mustBeFresh: !IDEMPOTENT.has(method) };
    const reused = this.isRetried ? null : pool.take(admitted.route, host, port, wish);
    const upstream = reused ?? (await pool.dial(admitted.route, host, port, wish, this.dialing().signal));
    this.dial = null;
    if (this.isOver) {
      upstream.giveBack();
      return;
    }
    this.upstream = upstream;
    this.account.bytesOut = 0;
    const { outgoing } = this;
    if (outgoing.kind !== 'none') {
      const { pipeline } = this.services;
      const { agent, account } = this;
      const pauseMs = isDuplex(admitted, this.request) ? PAUSE_MS : null;
      this.sender ??= new BodySender({ pipeline, admitted, outgoing, agent, account, owner: this, pauseMs });
    }
    upstream.begin(this);
    upstream.queueRequest(method, this.head.target, this.head.fields, this.head.bodyKind);
    this.spending?.onSent();
    if (this.sender === null) upstream.endRequest(NO_TRAILERS);
    else this.sender.begin(upstream);
  }

  onRefused(refusal: Refusal): void {
    if (!this.isOver) this.refuse(refusal);
  }

  onUpstreamDrain(): void {
    this.agent.touch();
    this.sender?.onUpstreamDrain();
  }

  // ---------------------------------------------------------------- towards the agent

  onInterim(head: ResponseHead): void {
    // Our own 100 has been sent, or was not asked for.
    if (!this.isOver && !this.request.isHttp10 && head.status !== 100) this.relay?.interim(head);
  }

  onResponse(head: ResponseHead): void {
    if (head.status >= 400 && this.account.injected.length > 0) this.lookForStale(head);
    if (this.late !== null) this.late.add(0, () => this.beginAnswer(head));
    else this.beginAnswer(head);
  }

  /** A service that does not take a credential any more says so in one of two ways. Held cookies have no source to be read again. */
  private lookForStale(head: ResponseHead): void {
    const names = this.account.injected.filter((name) => name !== HELD_COOKIES);
    if (head.status === UNAUTHORIZED) this.waitForRenewal(this.services.onStale(names));
    else if (this.admitted?.route.auth?.type === 'sigv4') {
      this.expired = ExpiredTokenWatch.of(head, () => this.services.onStale(names));
    }
  }

  private beginAnswer(head: ResponseHead): void {
    if (!this.isOver) this.relay?.begin(head);
  }

  private waitForRenewal(tried: Promise<void> | null): void {
    if (tried === null || this.isOver) return;
    this.late = new LateAnswer(tried, () => {
      this.late?.add(0, () => this.onUpstreamRead());
      this.late = null;
    });
  }

  onBody(chunk: Buffer): void {
    if (this.late !== null) {
      // The reader's memory is its own.
      const copy = Buffer.from(chunk);
      this.late.add(copy.length, () => this.onBody(copy));
      return;
    }
    this.expired?.push(chunk);
    if (!this.isOver) this.relay?.push(chunk);
  }

  onBodyEnd(rawTrailers: readonly string[]): void {
    this.forgetUpstream();
    if (this.late !== null) this.late.add(0, () => this.onBodyEnd(rawTrailers));
    else if (!this.isOver) this.relay?.end(rawTrailers);
  }

  onUpstreamRead(): void {
    if (this.isOver || this.late !== null) return;
    this.agent.touch();
    this.relay?.flush();
  }

  onAgentDrain(): void {
    this.relay?.onAgentDrain();
  }

  pause(): void {
    this.upstream?.pause();
  }

  resume(): void {
    this.upstream?.resume();
  }

  /** The response is complete: the record is written before its last bytes leave. */
  onRelayed(rawTrailers: readonly string[]): void {
    this.answerEnd = 'complete';
    this.settle();
    const draft = this.account.draft(this.asking?.left('upstream') ?? this.account.allowed());
    this.stop();
    this.services.records.add(draft, (isWritten) => {
      if (!isWritten) {
        this.agent.reset();
        return;
      }
      this.agent.dropBody();
      this.agent.finish(rawTrailers);
    });
  }

  onUnsearchable(reason: string): void {
    this.refuse(upstreamRefusal('undecodable', reason, this.account.errorShape));
  }

  onTokensUnread(rule: TokenRule, why: string): void {
    if (this.isOver) return;
    this.refuse(tokenRefusal(rule, why, this.admitted?.rule ?? '', this.account.errorShape));
  }

  onUpgraded(head: ResponseHead, socket: Duplex, rest: Buffer): void {
    const { relay, admitted } = this;
    this.forgetUpstream();
    // An extension that nobody offered would hide the messages.
    const deflation = this.request.isWebSocket ? agreeOn(this.head.fields, head.rawHeaders) : NOT_ASKED;
    const isClosed = this.isOver || relay === null || admitted === null;
    if (isClosed || deflation instanceof Malformed || admitted.route.tokens !== undefined) {
      socket.on('error', () => {}).destroy();
      const reason = `the upstream answered with ${(deflation instanceof Malformed ? deflation : NOT_ASKED).reason}`;
      if (!this.isOver) this.refuse(upstreamRefusal('upgrade', reason, this.account.errorShape));
      return;
    }
    this.unwatch();
    relay.begin(head);
    this.agent.flush();
    this.asking ??= new Asking(this.services, this.account, admitted);
    relayWebSocket({
      services: this.services,
      admitted,
      asking: this.asking,
      guard: relay.guard,
      allowance: this.allowance,
      spending: this.spending,
      deflation,
      agent: this.agent.detach(),
      upstream: { socket, rest },
      onOver: (outcome, traffic) => {
        this.account.addTraffic(traffic);
        return this.record(outcome ?? this.account.allowed());
      },
    });
  }

  // ---------------------------------------------------------------- other ends

  onUpstreamLost(problem: Malformed | null): void {
    const { upstream } = this;
    this.forgetUpstream();
    this.late?.release();
    if (this.isOver) return;
    const refuse = (rule: string, reason: string): void =>
      this.refuse(upstreamRefusal(rule, reason, this.account.errorShape));
    if (problem?.rule === 'client-certificate') refuse(problem.rule, problem.reason);
    else if (problem !== null) refuse(problem.rule, `the upstream's answer is malformed: ${problem.reason}`);
    else if (this.isAnswered) refuse('truncated', 'the upstream closed the connection in the middle of its answer');
    else if (upstream !== null && this.canRepeat(upstream)) {
      this.isRetried = true;
      this.send(this.admitted!).catch((error: unknown) => this.onFailure(error));
    } else {
      this.answerEnd = 'lost';
      refuse('closed', 'the upstream closed the connection before it answered');
    }
  }

  /** The idle connection was being closed while we wrote on it, or the upstream says that it did not look. */
  private canRepeat({ isReused, hasAnswered, wasRefused }: UpstreamStream): boolean {
    if (this.isRetried || this.outgoing.kind === 'stream' || hasAnswered) return false;
    return wasRefused || (isReused && IDEMPOTENT.has(this.request.method));
  }

  onAgentLost(loss: AgentLoss): void {
    if (this.isDraining) {
      this.isDraining = false;
      this.agent.reset();
    }
    if (this.isOver) return;
    if (this.refused !== null) {
      this.refuse(this.refused);
      return;
    }
    switch (loss.kind) {
      case 'closed': {
        const reason = this.isAnswered ? 'the client closed before the response ended' : 'the client closed early';
        this.record(this.asking?.left('client') ?? { ...this.account.allowed(), reason });
        this.agent.reset();
        break;
      }
      case 'idle': {
        const reason = 'nothing moved for longer than the idle limit';
        this.refuse(this.asking?.timedOut() ?? upstreamRefusal('timeout', reason, this.account.errorShape));
        break;
      }
      case 'malformed':
        this.refuse(protocolRefusal(loss.rule, loss.reason, this.account.errorShape));
        break;
      default:
        loss satisfies never;
    }
  }

  /** What `run` threw: expected failures become refusals, bugs cost this exchange. */
  onFailure(error: unknown): void {
    if (error instanceof DialRefused) {
      if (!this.isOver) this.refuse(dialRefusal(error, this.account.errorShape));
    } else if (error instanceof AuditFailure) {
      if (!this.isOver) this.refuse(auditRefusal(this.account.errorShape));
    } else {
      this.services.reportBug(error);
      if (this.isOver) return;
      const reason = 'the proxy failed on this exchange';
      this.record({ verdict: 'block', stage: 'protocol', rule: 'internal', reason });
      this.agent.reset();
    }
  }

  /** Answers in the upstream's place; where an answer has begun, the connection breaks instead. */
  private refuse(refusal: Refusal, requestBody: Buffer | null = null): void {
    this.account.addFindings(refusal.findings);
    const { stage, rule, reason } = refusal;
    const verdict = stage === 'upstream' ? this.account.allowed().verdict : refusal.isHeld === true ? 'hold' : 'block';
    if (this.isAnswered) {
      const trailers = grpcTrailers(refusal, this.request, this.account.id);
      if (this.record({ verdict, stage, rule, reason }) && trailers !== null) this.agent.finish(trailers);
      else this.agent.reset();
      return;
    }
    const shown = requestBody ?? this.body?.beginning ?? null;
    const answer = renderRefusal(refusal, this.request, this.account.id, shown);
    this.account.status = answer.status;
    // A refusal because of the log has no record: there is nowhere to write it.
    if (stage !== 'audit' && !this.record({ verdict, stage, rule, reason })) {
      this.refuse(auditRefusal(this.account.errorShape), requestBody);
      return;
    }
    this.stop();
    if (this.body !== null && !this.body.isEnded && isGitPush(this.request)) {
      this.isDraining = true;
      this.agent.readBody(new DrainedBody(DRAINED_PUSH_BYTES, (isWhole) => this.answerDrained(answer, isWhole)));
      this.agent.resumeBody();
    } else this.answer(answer);
  }

  private answerDrained(answer: RawAnswer, isWhole: boolean): void {
    if (!this.isDraining) return;
    this.isDraining = false;
    if (isWhole) this.answer(answer);
    else this.agent.reset();
  }

  private answer(answer: RawAnswer): void {
    this.agent.dropBody();
    this.agent.queueResponse(answer.status, answer.reason, answer.rawHeaders, 'length');
    if (answer.body.length > 0) this.agent.queueBody(answer.body);
    this.agent.finish([]);
  }

  private get isAnswered(): boolean {
    return this.relay?.isBegun === true;
  }

  /** No more of this exchange reaches the upstream. */
  private stop(): void {
    this.isOver = true;
    this.unwatch();
    this.asking?.leave();
    this.body?.release();
    this.relay?.stop();
    this.upstream?.abandon();
    this.dial?.abort(cancelled());
    this.forgetUpstream();
  }

  private dialing(): AbortController {
    this.dial = new AbortController();
    return this.dial;
  }

  private forgetUpstream(): void {
    this.upstream = null;
    this.sender?.stop();
  }

  private settle(): void {
    const { spending, account } = this;
    if (spending !== null) account.usage = spending.settle(this.answerEnd, account.bytesOut);
  }

  /** Ends the exchange with its one record; false = the log could not take it. */
  private record(outcome: Outcome): boolean {
    this.settle();
    const draft = this.account.draft(outcome);
    this.stop();
    try {
      this.services.audit.append(draft);
      return true;
    } catch (error) {
      if (!(error instanceof AuditFailure)) throw error;
      return false;
    }
  }
}
