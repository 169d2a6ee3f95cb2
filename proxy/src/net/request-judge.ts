// Judges what a request carries after its head: whole when it may be held, piece by piece when it is too large for that.
import type { Finding } from '../contract.ts';
import type { Admitted, BodyStream, Held, Pipeline, Refusal } from '../pipeline/types.ts';
import { heldOf, joinHeld, passedOf } from '../pipeline/verdict.ts';
import type { AgentRequest, AgentStream } from './agent.ts';
import type { RequestSize } from './quotas.ts';
import type { RequestBody } from './request-body.ts';

/** What follows the head to the upstream. */
export type Outgoing =
  | { readonly kind: 'none' }
  /** Judged whole. `trailers` are field lines. */
  | {
      readonly kind: 'whole';
      readonly bytes: Buffer;
      readonly trailers: Buffer;
      readonly findings: readonly Finding[];
      readonly isRedacted: boolean;
      /** A credential went into it. */
      readonly isInjected?: true;
    }
  /** Judged as it goes; `begun` is what has been judged already. */
  | { readonly kind: 'stream'; readonly body: RequestBody; readonly judge: BodyStream; readonly begun: Buffer[] };

export type BodyDecision =
  /** `held`: not before a person said so; null = at once. */
  | { readonly do: 'send'; readonly outgoing: Outgoing; readonly held: Held | null }
  /** `shown`: what was read of the body, for the answer. */
  | { readonly do: 'refuse'; readonly refusal: Refusal; readonly shown: Buffer | null };

export const NO_BODY: Outgoing = { kind: 'none' };
const EMPTY = Buffer.alloc(0);
/** How long a call's head waits for its first message, so that both are judged before either leaves. In ms. */
const FIRST_MESSAGE_MS = 200;
/** Where bodies are not held (`hold_request: false`): how long nothing comes before what was judged leaves. In ms. */
export const PAUSE_MS = 200;

/** Client and upstream may speak at the same time: the body has no length, and its route does not hold it. */
export function isDuplex({ route }: Admitted, { body }: Pick<AgentRequest, 'body'>): boolean {
  return route.holdRequest === false && body === 'chunked';
}

export function hasBody(request: AgentRequest): boolean {
  return request.body === 'chunked' || (request.body === 'length' && request.contentLength > 0);
}

/** As it would be written in HTTP/1.1, about. */
export function sizeOf(request: AgentRequest): RequestSize {
  let head = request.method.length + request.target.length + request.host.length;
  for (const text of request.rawHeaders) head += text.length + 2;
  return { head, body: request.contentLength };
}

/** Policy has admitted the head, so the body may come; the upstream never sees the expectation. */
export function invite(request: AgentRequest, agent: AgentStream): void {
  if (request.expectContinue) agent.sendContinue();
}

/** Reads and judges the body, or as much of it as may be held. */
export async function judgeBody(
  pipeline: Pipeline,
  admitted: Admitted,
  request: AgentRequest,
  body: RequestBody,
): Promise<BodyDecision> {
  const envelopes = pipeline.streamEnvelopes(admitted);
  if (envelopes !== null) {
    // The client may wait for an answer to its first message before it sends the second, or even before the first.
    await body.begin(FIRST_MESSAGE_MS);
    if (body.refusal !== null) return { do: 'refuse', refusal: body.refusal, shown: null };
    return judgeBegun(body, envelopes);
  }
  const size = await (isDuplex(admitted, request) ? body.holdUntilQuiet(PAUSE_MS) : body.hold());
  if (body.refusal !== null) return { do: 'refuse', refusal: body.refusal, shown: null };
  if (size === 'large') return judgeBegun(body, pipeline.streamBody(admitted));

  const { bytes, rawTrailers } = body.whole();
  const judged = pipeline.judgeBody(admitted, bytes);
  if (judged.do === 'refuse') return { do: 'refuse', refusal: judged.refusal, shown: bytes };
  const held = heldOf(judged);
  const { body: sent, findings, redacted } = passedOf(judged);
  if (rawTrailers.length === 0) {
    const outgoing = { kind: 'whole', bytes: sent, trailers: EMPTY, findings, isRedacted: redacted } as const;
    return { do: 'send', outgoing, held };
  }
  const trailing = pipeline.judgeTrailers(admitted, rawTrailers);
  if (trailing.do === 'refuse') return { do: 'refuse', refusal: trailing.refusal, shown: bytes };
  const passed = passedOf(trailing);
  return {
    do: 'send',
    held: joinHeld(held, heldOf(trailing)),
    outgoing: {
      kind: 'whole',
      bytes: sent,
      trailers: passed.body,
      findings: [...findings, ...passed.findings],
      isRedacted: redacted || passed.redacted,
    },
  };
}

/** A large body: what was held is judged before anything leaves. */
function judgeBegun(body: RequestBody, judge: BodyStream): BodyDecision {
  const begun: Buffer[] = [];
  let held: Held | null = null;
  for (const piece of body.takeHeld()) {
    const step = judge.push(piece);
    if (step.do === 'refuse') return { do: 'refuse', refusal: step.refusal, shown: null };
    if (step.release.length > 0) begun.push(step.release);
    held = joinHeld(held, heldOf(step));
  }
  return { do: 'send', outgoing: { kind: 'stream', body, judge, begun }, held };
}
