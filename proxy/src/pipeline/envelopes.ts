// Bodies that are a row of messages, each with a flag and a length before it: gRPC, gRPC-Web, Connect streams. Judged message by message, so
// that calls which go on both ways are never held. Pure.
//
// Source: gRPC over HTTP2 (grpc/grpc, doc/PROTOCOL-HTTP2.md): one byte of flags, four of length (big endian), the message. Bit 0 says that
// the message is compressed as grpc-encoding names. Connect has the same frame with connect-content-encoding.
import type { OnMatch, Route } from '../contract.ts';
import type { BodyMeta, Unjudged } from '../dlp/types.ts';
import type { BodyJudgement, BodyStream, Held, HoldableJudgement, Refusal, StreamJudgement } from './types.ts';
import { heldOf, joinHeld, passedOf } from './verdict.ts';

/** How the messages of a body are encoded. */
export interface Envelopes {
  /** Of compressed messages; '' where the head names none. */
  readonly encoding: string;
}

const TYPE = /^application\/(?:grpc(?:-web)?(?:\+[a-z0-9.-]+)?|connect\+[a-z0-9.-]+)\s*(?:;|$)/i;
const PREFIX_BYTES = 5;
const COMPRESSED = 1;
const NOTHING = Buffer.alloc(0);

/** null when the body is no row of messages. (gRPC-Web in text is base64, and read as that.) */
export function envelopesOf(fieldOf: (lowerName: string) => string): Envelopes | null {
  const type = fieldOf('content-type');
  if (!TYPE.test(type)) return null;
  const encoding = fieldOf(/^application\/connect/i.test(type) ? 'connect-content-encoding' : 'grpc-encoding');
  return { encoding: encoding.toLowerCase() };
}

export interface MessageJudges {
  /** A whole message. */
  judge(payload: Buffer, meta: BodyMeta): HoldableJudgement;
  /** One that is too large to hold. */
  stream(): BodyStream;
  /** One that cannot be read. `pass`: the route lets it through as it is. */
  unread(unjudged: Unjudged): BodyJudgement;
}

/** The same route where nothing can be replaced: a message of fields with lengths would be another one. */
export function withoutRewriting(route: Route): Route {
  const block = (onMatch: OnMatch): OnMatch => (onMatch === 'redact' ? 'block' : onMatch);
  const { onMatch, actions, except } = route.dlp;
  const own =
    actions === undefined ? {} : Object.fromEntries(Object.entries(actions).map(([id, one]) => [id, block(one)]));
  return { ...route, dlp: { onMatch: block(onMatch), except, actions: own } };
}

const UNREAD: BodyStream = {
  push: (chunk) => ({ do: 'pass', release: chunk }),
  settle: () => ({ do: 'pass', release: NOTHING }),
  end: () => ({ do: 'pass', release: NOTHING }),
  findings: [],
  redacted: false,
  mayChangeLength: false,
};

export class EnvelopeStream implements BodyStream {
  readonly mayChangeLength = false;
  readonly redacted = false;
  readonly findings: BodyStream['findings'][number][] = [];
  private readonly envelopes: Envelopes;
  private readonly judges: MessageJudges;
  private readonly holdBytes: number;
  private waiting: Buffer = NOTHING;
  /** A message that is passed on as it comes, and how much of it is still to come. */
  private large: { readonly judge: BodyStream; left: number } | null = null;

  constructor(envelopes: Envelopes, judges: MessageJudges, holdBytes: number) {
    this.envelopes = envelopes;
    this.judges = judges;
    this.holdBytes = holdBytes;
  }

  /** A message that is complete has left already. */
  settle(): StreamJudgement {
    return { do: 'pass', release: NOTHING };
  }

  push(chunk: Buffer): StreamJudgement {
    let input = this.waiting.length === 0 ? chunk : Buffer.concat([this.waiting, chunk]);
    this.waiting = NOTHING;
    const release: Buffer[] = [];
    let held: Held | null = null;
    while (input.length > 0) {
      const step = this.large === null ? this.takeMessage(input) : this.takeLarge(input);
      if (step === null) break;
      if (step.do === 'refuse') return step;
      release.push(step.release);
      if (step.do === 'hold') held = joinHeld(held, step.held);
      input = input.subarray(step.taken);
    }
    this.waiting = input;
    return passed(release.length === 1 ? release[0]! : Buffer.concat(release), held);
  }

  /** What is left is no whole message: judged as what it is, for the upstream to complain about. */
  end(): StreamJudgement {
    if (this.large !== null) return this.endLarge(this.large.judge);
    const { waiting } = this;
    this.waiting = NOTHING;
    if (waiting.length === 0) return { do: 'pass', release: NOTHING };
    return this.decided(this.judges.judge(waiting, PLAIN), waiting);
  }

  private takeMessage(input: Buffer): Step | null {
    if (input.length < PREFIX_BYTES) return null;
    const isCompressed = (input[0]! & COMPRESSED) !== 0;
    const size = input.readUInt32BE(1);
    const end = PREFIX_BYTES + size;
    if (size > this.holdBytes) {
      // What is compressed is decoded as a whole, or not at all.
      const detail = `a compressed message of ${size} bytes`;
      const unread = isCompressed ? this.judges.unread({ kind: 'over_budget', detail }) : null;
      if (unread?.do === 'refuse') return unread;
      this.findings.push(...(unread?.findings ?? []));
      this.large = { judge: isCompressed ? UNREAD : this.judges.stream(), left: size };
      return { do: 'pass', release: input.subarray(0, PREFIX_BYTES), taken: PREFIX_BYTES };
    }
    if (input.length < end) return null;
    // A compressed message without a named encoding cannot be read, whatever it turns out to be.
    const contentEncoding = !isCompressed ? '' : this.envelopes.encoding === '' ? 'unnamed' : this.envelopes.encoding;
    const isIdentity = isCompressed && contentEncoding === 'identity';
    const judged = this.judges.judge(input.subarray(PREFIX_BYTES, end), {
      contentType: '',
      contentEncoding: isIdentity ? '' : contentEncoding,
    });
    const step = this.decided(judged, input.subarray(0, end));
    return step.do === 'refuse' ? step : { ...step, taken: end };
  }

  private takeLarge(input: Buffer): Step {
    const large = this.large!;
    const piece = input.length <= large.left ? input : input.subarray(0, large.left);
    large.left -= piece.length;
    const step = large.judge.push(piece);
    if (step.do === 'refuse') return step;
    if (large.left > 0) return { ...step, taken: piece.length };
    this.large = null;
    const last = this.endLarge(large.judge);
    if (last.do === 'refuse') return last;
    const held = joinHeld(heldOf(step), heldOf(last));
    return { ...passed(Buffer.concat([step.release, last.release]), held), taken: piece.length };
  }

  private endLarge(judge: BodyStream): StreamJudgement {
    const last = judge.end();
    if (last.do !== 'refuse') this.findings.push(...judge.findings);
    return last;
  }

  private decided(judged: HoldableJudgement, original: Buffer): StreamJudgement {
    if (judged.do === 'refuse') return judged;
    this.findings.push(...passedOf(judged).findings);
    return passed(original, heldOf(judged));
  }
}

const PLAIN: BodyMeta = { contentType: '', contentEncoding: '' };

type Released = Exclude<StreamJudgement, { do: 'refuse' }>;
type Step = (Released & { readonly taken: number }) | { readonly do: 'refuse'; readonly refusal: Refusal };

/** Several messages of one piece are one question, and leave together. */
const passed = (release: Buffer, held: Held | null): Released =>
  held === null ? { do: 'pass', release } : { do: 'hold', held, release };
