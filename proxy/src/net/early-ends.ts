// What ends before there is an exchange: its one record, and the answer where one can be given.
import type { Socket } from 'node:net';
import { AuditFailure } from '../audit/failure.ts';
import { newRecordId } from '../audit/record.ts';
import type { Stage, Via } from '../contract.ts';
import { renderRefusal } from '../pipeline/refusal.ts';
import type { Refusal, RequestView } from '../pipeline/types.ts';
import type { AgentStream } from './agent.ts';
import { type Authority, parseAuthority } from './authority.ts';
import { linger } from './h1/linger.ts';
import { Malformed } from './h1/malformed.ts';
import type { RequestHead } from './h1/request-head.ts';
import type { Expected } from './origins.ts';
import { draftRecord, NO_TRAFFIC, RecordStart } from './record.ts';
import { auditRefusal, protocolRefusal } from './refusals.ts';
import type { Services } from './services.ts';
import type { TunnelPlace, TunnelVoice } from './tunnel/tunnel.ts';

/** A connection whose protocol is not known yet, and where it was going to. */
export interface Destination {
  readonly via: Via;
  /** What the CONNECT named; null for a captured connection. */
  readonly authority: Authority | null;
  /** The captured connection's original address; null when it is our own. */
  readonly address: string | null;
  readonly port: number;
}

/** A request that never became one: one record, one answer, the end of the connection. */
export function refuseMalformed(
  services: Services,
  problem: Malformed,
  head: RequestHead | null,
  stream: AgentStream,
  expected: Expected,
): void {
  const start = new RecordStart(newRecordId());
  const view = viewOf(head, expected);
  const refusal = protocolRefusal(problem.rule, problem.reason);
  const answer = renderRefusal(refusal, view, start.id, null);
  const { via, port } = view;
  const host = services.pipeline.recordText(view.host);
  const method = services.pipeline.recordText(view.method);
  const path = head === null ? '' : services.pipeline.recordPath(view);
  const outcome = { verdict: 'block', stage: 'protocol', rule: problem.rule, reason: problem.reason } as const;
  const traffic = { ...NO_TRAFFIC, status: answer.status };
  const draft = draftRecord(services.session, start, { via, host, port, method, path }, outcome, traffic);
  if (!append(services, draft)) {
    stream.reset();
    return;
  }
  stream.queueResponse(answer.status, answer.reason, answer.rawHeaders, 'length');
  if (answer.body.length > 0) stream.queueBody(answer.body);
  stream.finish([]);
}

/** Something happened before there could be a request. */
export function recordOnly(
  services: Services,
  destination: Destination,
  problem: Malformed,
  stage: Stage = 'protocol',
): void {
  const { via, authority, address, port } = destination;
  const outcome = { verdict: 'block', stage, rule: problem.rule, reason: problem.reason } as const;
  const host = services.pipeline.recordText(authority?.host ?? address ?? '');
  const subject = { via, host, port, method: '', path: '' };
  append(services, draftRecord(services.session, new RecordStart(newRecordId()), subject, outcome, NO_TRAFFIC));
}

/** A tunnel in which nothing could be said: the refusal is the answer to the request for it. */
export function refuseTunnel(
  services: Services,
  socket: Socket,
  { via, host, port }: TunnelPlace,
  voice: TunnelVoice,
  refusal: Refusal,
): void {
  const start = new RecordStart(newRecordId());
  const { stage, rule, reason } = refusal;
  const subject = { via, host: services.pipeline.recordText(host), port, method: '', path: '' };
  const outcome = { verdict: 'block', stage, rule, reason } as const;
  const isWritten = append(services, draftRecord(services.session, start, subject, outcome, NO_TRAFFIC));
  socket.write(voice.refused(isWritten ? refusal : auditRefusal('plain'), start.id));
  linger(socket, services.deadlines, socket.readableEnded);
}

function append({ audit }: Services, draft: Parameters<Services['audit']['append']>[0]): boolean {
  try {
    audit.append(draft);
    return true;
  } catch (error) {
    if (error instanceof AuditFailure) return false;
    throw error;
  }
}

/** For the record and the answer only: what a malformed request seems to have wanted. */
function viewOf(head: RequestHead | null, expected: Expected): RequestView {
  const parts = /^(?:[a-z][a-z0-9+.-]*:\/\/([^/?]*))?(.*)$/is.exec(head?.target ?? '');
  const path = parts?.[2] ?? '';
  const named = head === null ? null : parseAuthority(parts?.[1] ?? head.host ?? '', expected.port);
  const authority = expected.authority ?? (named instanceof Malformed ? null : named);
  return {
    via: expected.via,
    scheme: expected.scheme,
    host: authority?.host ?? '',
    port: authority?.port ?? expected.port,
    method: head?.method ?? '',
    target: path.startsWith('/') ? path : `/${path}`,
    rawHeaders: head?.rawHeaders ?? [],
  };
}
