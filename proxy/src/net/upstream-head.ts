// What leaves of a request that was judged: credentials in their places, signed where that is asked for, and a head that fits the body.
import { randomBytes } from 'node:crypto';
import type { SignableBody } from '../pipeline/sign/signing.ts';
import type { Admitted, Injected, Pipeline, Refusal, ResponseGuard, Sending } from '../pipeline/types.ts';
import type { AgentRequest } from './agent.ts';
import { type AskedRange, widenRange } from './ranges.ts';
import type { Outgoing } from './request-judge.ts';
import { signableOf, signChunks } from './signed-body.ts';
import type { RequestBodyKind } from './upstream.ts';
import { fieldsForUpstream, hostForUpstream } from './upstream-fields.ts';

export type Placed =
  | {
      readonly do: 'send';
      readonly injected: Injected;
      readonly outgoing: Outgoing;
      /** null when nothing was injected. */
      readonly guard: ResponseGuard | null;
      /** What part the agent asked for, where another one is asked for in its place; null = the same. */
      readonly asked: AskedRange | null;
    }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

type PlacedOnce =
  | { readonly do: 'send'; readonly injected: Injected; readonly outgoing: Outgoing }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

export function placeCredentials(
  pipeline: Pipeline,
  request: AgentRequest,
  admitted: Admitted,
  outgoing: Outgoing,
): Placed {
  const placed = placeOnce(pipeline, request, admitted, outgoing);
  if (placed.do === 'refuse') return placed;
  const guard = pipeline.guardResponse(admitted, placed.injected);
  const widened =
    guard === null || request.method === 'HEAD' ? null : widenRange(admitted.rawHeaders, guard.reachBytes);
  if (widened === null) return { ...placed, guard, asked: null };
  // Once more, for a signature covers the field.
  const again = placeOnce(pipeline, request, { ...admitted, rawHeaders: widened.rawHeaders }, outgoing);
  if (again.do === 'refuse') return again;
  return { ...again, guard: pipeline.guardResponse(admitted, again.injected), asked: widened.asked };
}

function placeOnce(pipeline: Pipeline, request: AgentRequest, admitted: Admitted, outgoing: Outgoing): PlacedOnce {
  const placed = pipeline.inject(admitted, new RequestFacts(request, admitted, outgoing));
  if (placed.do === 'refuse') return placed;
  const { injected } = placed;
  const isInBody = injected.body !== null && outgoing.kind === 'whole';
  const filled: Outgoing = isInBody ? { ...outgoing, bytes: injected.body, isInjected: true } : outgoing;
  const signed = signChunks(filled, injected.chunks, (error) => pipeline.refuseSignature(admitted, error));
  return signed.do === 'refuse' ? signed : { do: 'send', injected, outgoing: signed.outgoing };
}

/** Worked out where something is signed, and nowhere else. */
class RequestFacts implements Sending {
  private readonly request: AgentRequest;
  private readonly admitted: Admitted;
  private readonly outgoing: Outgoing;

  constructor(request: AgentRequest, admitted: Admitted, outgoing: Outgoing) {
    this.request = request;
    this.admitted = admitted;
    this.outgoing = outgoing;
  }

  get method(): string {
    return this.request.method;
  }

  get host(): string {
    return hostForUpstream(this.request, this.admitted.rawHeaders);
  }

  get body(): SignableBody {
    return signableOf(this.outgoing);
  }

  get now(): Date {
    return new Date();
  }

  get nonce(): string {
    return randomBytes(16).toString('hex');
  }
}

export interface UpstreamHead {
  readonly target: string;
  readonly fields: readonly string[];
  readonly bodyKind: RequestBodyKind;
}

export const NO_HEAD: UpstreamHead = { target: '', fields: [], bodyKind: 'none' };

/** `isSearched`: the response will be. */
export function headForUpstream(
  request: AgentRequest,
  injected: Injected,
  outgoing: Outgoing,
  isSearched: boolean,
): UpstreamHead {
  const isLengthNew =
    request.body === 'length' && outgoing.kind === 'whole' && (outgoing.isRedacted || outgoing.isInjected);
  const length = isLengthNew ? outgoing.bytes.length : null;
  // A body whose length may change on the way leaves in chunks, however it came.
  const isOpen = request.body === 'chunked' || (outgoing.kind === 'stream' && outgoing.judge.mayChangeLength);
  return {
    target: injected.target,
    fields: fieldsForUpstream(request, injected.rawHeaders, { length, wantsIdentity: isSearched }),
    bodyKind: isOpen ? 'stream' : request.body === 'length' ? 'length' : 'none',
  };
}
