// What the one record of an exchange will say, gathered while it runs.
import { newRecordId } from '../audit/record.ts';
import { type ErrorShape, type Finding, placeholdersOf, type RecordedUsage } from '../contract.ts';
import type { Admitted, BodyStream, Held, RecordDraft, ResponseGuard } from '../pipeline/types.ts';
import type { AgentRequest } from './agent.ts';
import { draftRecord, type Outcome, RecordStart } from './record.ts';
import type { Services } from './services.ts';
import type { Question } from './waiting-room.ts';

export class ExchangeAccount {
  /** Names of the credentials that were injected. */
  injected: readonly string[] = [];
  /** Names of the tokens of the answer that stayed here. */
  kept: readonly string[] = [];
  /** Something of the body was rewritten. */
  isRedacted = false;
  /** What the agent got; 0 = nothing. */
  status = 0;
  /** Body bytes. */
  bytesOut = 0;
  bytesIn = 0;
  /** At a model API. */
  usage: RecordedUsage | null = null;
  /** Looks through the response; null = nothing does. */
  guard: ResponseGuard | null = null;
  private readonly services: Services;
  private readonly request: AgentRequest;
  private readonly start = new RecordStart(newRecordId());
  private admitted: Admitted | null = null;
  private findings: readonly Finding[] = [];
  private stream: BodyStream | null = null;
  /** A person let it through: what came first, and how much after it. */
  private approval: Outcome | null = null;
  private laterApprovals = 0;

  constructor(services: Services, request: AgentRequest) {
    this.services = services;
    this.request = request;
  }

  /** Found again in the refusal that the client sees. */
  get id(): string {
    return this.start.id;
  }

  /** The route's clients must understand our answers. */
  get errorShape(): ErrorShape {
    return this.admitted?.route.errorShape ?? 'plain';
  }

  admit(admitted: Admitted): void {
    this.admitted = admitted;
    this.findings = admitted.findings;
  }

  /** Of a WebSocket, once it is over. */
  addTraffic(traffic: {
    readonly bytesOut: number;
    readonly bytesIn: number;
    readonly findings: readonly Finding[];
    readonly isRedacted: boolean;
    readonly injected: readonly string[];
  }): void {
    this.bytesOut += traffic.bytesOut;
    this.bytesIn += traffic.bytesIn;
    this.addFindings(traffic.findings);
    this.isRedacted ||= traffic.isRedacted;
    if (traffic.injected.length > 0) this.injected = [...new Set([...this.injected, ...traffic.injected])];
  }

  /** The body is judged as it goes: its findings are complete when the record is. */
  follow(stream: BodyStream): void {
    this.stream = stream;
  }

  /** A refusal may quote what was told before: nothing is told twice. */
  addFindings(findings: readonly Finding[]): void {
    const fresh = findings.filter((finding) => !this.findings.includes(finding));
    if (fresh.length > 0) this.findings = [...this.findings, ...fresh];
  }

  /** A person let it, or a part of it, through. */
  approve(outcome: Outcome): void {
    if (this.approval === null) this.approval = outcome;
    else this.laterApprovals++;
  }

  /** The outcome when nothing stood in the way. */
  allowed(): Outcome {
    const { admitted, stream, approval, laterApprovals } = this;
    if (approval !== null) {
      return laterApprovals === 0
        ? approval
        : { ...approval, reason: `${approval.reason}, and ${laterApprovals} more` };
    }
    const isRedacted = admitted?.verdict === 'redact' || this.isRedacted || stream?.redacted === true;
    const verdict = admitted === null ? 'block' : isRedacted ? 'redact' : 'allow';
    return { verdict, stage: 'none', rule: admitted?.rule ?? '', reason: '' };
  }

  /** What a person is asked. */
  question(held: Held, admitted: Admitted): Question {
    const { host } = this.request;
    const { rule, stage, reason } = held.refusal;
    const { route } = admitted;
    const findings = [...new Set([...admitted.findings, ...held.refusal.findings])];
    return {
      record: this.id,
      ...this.subject(),
      ...{ stage, rule, reason, findings },
      credential: route.auth?.secret ?? placeholdersOf(route)[0]?.secret ?? null,
      keys: held.keys.map((key) => `${host} ${key}`),
      ...(held.confirm === undefined ? {} : { confirm: held.confirm.kind }),
      sessionKeys: held.confirm?.kind === 'session' ? [`${host} ${held.confirm.key}`] : [],
    };
  }

  private subject(): Pick<RecordDraft, 'host' | 'port' | 'method' | 'path'> {
    const { request, services } = this;
    const { pipeline } = services;
    // An agent chooses its host names and methods: they may hold what a record must not.
    return {
      host: pipeline.recordText(request.host),
      port: request.port,
      method: pipeline.recordText(request.method),
      path: pipeline.recordPath(request),
    };
  }

  draft(outcome: Outcome): RecordDraft {
    if (this.stream !== null) this.addFindings(this.stream.findings);
    if (this.guard?.scrubbed === true) this.addFindings(this.guard.findings);
    const { request, services, start } = this;
    const subject = { via: request.via, ...this.subject() };
    const { status, findings, injected, kept, bytesOut, bytesIn, usage } = this;
    const traffic = { status, findings, injected, kept, bytesOut, bytesIn, usage };
    return draftRecord(services.session, start, subject, outcome, traffic);
  }
}
