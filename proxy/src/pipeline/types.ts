// The boundary between the pipeline (pure decisions) and net/ (sockets): what net asks, what it is told.

import type { AuditRecord, ErrorShape, Finding, Route, Stage, Verdict, Via } from '../contract.ts';
import type { Match, Unjudged } from '../dlp/types.ts';
import type { Confirm } from './confirm.ts';
import type { HeldCookie } from './held-cookies.ts';
import type { SwappedMessage } from './opening-messages.ts';
import type { CookiePlace } from './set-cookie.ts';
import type { NotSigned } from './sign/agent-signature.ts';
import type { ChunkSigner } from './sign/chunk-signer.ts';
import type { Moment, SignableBody } from './sign/signing.ts';

/** A request as it arrived, head only. Header names and values are latin1 strings: byte-exact. */
export interface RequestView {
  readonly via: Via;
  readonly scheme: 'https' | 'http';
  /** Lower case, without port, trailing dot or brackets; already checked to agree with SNI / CONNECT / absolute URI. */
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** Origin-form: path and query as received. */
  readonly target: string;
  /** name, value, name, value, …: as received. */
  readonly rawHeaders: readonly string[];
}

export interface Refusal {
  readonly stage: Stage;
  readonly rule: string;
  /** One clause, no full stop: `evil.example is not in the allow list`. Never the matched text. */
  readonly reason: string;
  /** One clause: `add "evil.example" to egress.allow`. */
  readonly fix: string;
  /** The route whose clients must understand the answer. */
  readonly errorShape: ErrorShape;
  readonly findings: readonly Finding[];
  /** A person was asked, or should have been: the record says `hold`. */
  readonly isHeld?: true;
}

/** A person may let it pass all the same. `refusal` is what happens when nobody does, and says why. */
export interface Held {
  readonly refusal: Refusal;
  /** What is let through, on its host: `always` remembers these, and only when all of them are remembered nobody is asked. */
  readonly keys: readonly string[];
  /** The spec asks for a person. session: `key` is remembered with every approval; each: nothing that is remembered is an answer. */
  readonly confirm?: Confirm;
}

/** A whole answer of ours; content-length is in it, connection fields are added by net. */
export interface RawAnswer {
  readonly status: number;
  /** Reason phrase of the status line: all that many programs show of an answer. */
  readonly reason: string;
  /** name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** A request whose head passed policy and DLP, before its body is judged. */
export interface Admitted {
  readonly route: Route;
  /** `route.id`, or the more exact rule. */
  readonly rule: string;
  /** The target that will be sent (normalised, redacted, placeholder swaps not yet made). */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** Findings so far; grows no more: body judges carry their own. */
  readonly findings: readonly Finding[];
  /** On a route that holds cookies: those that were opened, not in `rawHeaders`, and where to. */
  readonly cookies?: { readonly place: CookiePlace; readonly opened: readonly HeldCookie[] };
  /** 'redact' when something of the head was rewritten. */
  readonly verdict: Extract<Verdict, 'allow' | 'redact'>;
}

export type HeadJudgement =
  | { readonly do: 'admit'; readonly admitted: Admitted }
  /** `admitted` may leave once a person said so. */
  | { readonly do: 'hold'; readonly held: Held; readonly admitted: Admitted }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

export type BodyJudgement =
  | { readonly do: 'pass'; readonly body: Buffer; readonly findings: readonly Finding[]; readonly redacted: boolean }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

/** Of what can wait: `passed` may leave once a person said so. */
export type HoldableJudgement =
  | BodyJudgement
  | { readonly do: 'hold'; readonly held: Held; readonly passed: Extract<BodyJudgement, { do: 'pass' }> };

export type StreamJudgement =
  | { readonly do: 'pass'; readonly release: Buffer }
  /** `release`, and all that comes behind it, may leave once a person said so. */
  | { readonly do: 'hold'; readonly held: Held; readonly release: Buffer }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

/** Judges a body, or one direction of WebSocket payload, that is too large to hold. */
export interface BodyStream {
  push(chunk: Buffer): StreamJudgement;
  /** Nothing more may come for a while: what can be judged may leave. */
  settle(): StreamJudgement;
  end(): StreamJudgement;
  readonly findings: readonly Finding[];
  readonly redacted: boolean;
  /** Lengths may change: send chunked instead of content-length. */
  readonly mayChangeLength: boolean;
}

/** What a signature covers besides the head that was judged. */
export interface Sending extends Moment {
  readonly method: string;
  /** The Host field as the upstream will see it. */
  readonly host: string;
  readonly body: SignableBody;
}

/** What goes to the upstream: the only place where a real credential exists in a message. */
export interface Injected {
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** The body, where a credential went into it; null = as it is. */
  readonly body: Buffer | null;
  /** The body goes through it; null = as it is. */
  readonly chunks: ChunkSigner | null;
  /** Names of the secrets used. */
  readonly injected: readonly string[];
  /** What was made of them for this request alone (a signature), latin1: as little to come back as they. */
  readonly made: readonly string[];
  /** Human form: `header authorization (bearer)`. */
  readonly injectedInto: readonly string[];
}

export type Injection =
  | { readonly do: 'send'; readonly injected: Injected }
  | { readonly do: 'refuse'; readonly refusal: Refusal };

/** Removes injected values from what comes back. Replacements have the same length, so framing stays as it is. */
export interface ResponseGuard {
  /** Response header fields, scrubbed. */
  headers(rawHeaders: readonly string[]): readonly string[];
  /** Identity-coded bytes: what may be released now; holds back at most the longest secret - 1 bytes. */
  push(chunk: Buffer): Buffer;
  /**
   * What is held back, at the end of a body or a message, without the beginning of a value that is too long for chance. Of a value that the next
   * message completes, what is left to come is scrubbed.
   */
  end(): Buffer;
  /** How far what is looked for may reach, in bytes. */
  readonly reachBytes: number;
  /** True once something was scrubbed. */
  readonly scrubbed: boolean;
  /** What was scrubbed: which secret, where and in which form, each once. */
  readonly findings: readonly Finding[];
}

export interface NameJudgement {
  readonly verdict: Extract<Verdict, 'allow' | 'block'>;
  readonly stage: Stage;
  readonly rule: string;
  readonly reason: string;
  readonly findings: readonly Finding[];
}

/** A captured connection, before its first byte. */
export type CapturedJudgement =
  /** What it says first tells what it is. */
  | { readonly do: 'sniff' }
  | { readonly do: 'tunnel'; readonly route: Route; readonly host: string }
  | { readonly do: 'refuse'; readonly reason: string; readonly fix: string };

export interface NamedValue {
  /** Name of the secret. */
  readonly secret: string;
  /** ASCII. */
  readonly value: string;
}

export interface Pipeline {
  /** Compiles now what the first request would wait for. */
  warm(): void;
  /** Protocol sanity of the view, policy, DLP on the head, placeholder binding. */
  judgeHead(view: RequestView): HeadJudgement;
  /** A whole request body (after transfer decoding). */
  judgeBody(admitted: Admitted, body: Buffer): HoldableJudgement;
  /** The same, streaming. */
  streamBody(admitted: Admitted): BodyStream;
  /** A body that is a row of messages (gRPC and the like), each judged as soon as it is there; null for any other body. */
  streamEnvelopes(admitted: Admitted): BodyStream | null;
  /** A whole WebSocket message from the agent, text or binary, uncompressed. */
  judgeMessage(admitted: Admitted, payload: Buffer): HoldableJudgement;
  /** Values of placeholders may go into the first messages of its WebSockets. */
  mayOpen(admitted: Admitted): boolean;
  /** A whole first text message, where the placeholder is legal; when it passes, `openMessage` has the last word. */
  judgeOpeningMessage(admitted: Admitted, payload: Buffer): HoldableJudgement;
  /** The value in the place of the placeholder; null = there was none. `judged`: as it passed. */
  openMessage(admitted: Admitted, judged: Buffer): SwappedMessage | null;
  /** What stands in a control frame. */
  judgeControl(admitted: Admitted, payload: Buffer): BodyJudgement;
  /** A WebSocket message too large to hold. */
  streamMessage(admitted: Admitted): BodyStream;
  /** A compressed WebSocket message that cannot be read. `pass`: the route lets it through as it is. */
  judgeUnread(admitted: Admitted, unjudged: Unjudged, payload: Buffer): BodyJudgement;
  /** Trailer fields of a chunked request. On `pass`, `body` holds the fields to send, serialised as `Name: value\r\n` each. */
  judgeTrailers(admitted: Admitted, rawTrailers: readonly string[]): HoldableJudgement;
  /** `sending`: null = nothing is sent, only told. */
  inject(admitted: Admitted, sending: Sending | null): Injection;
  /** A body that is not what its signature is made for. */
  refuseSignature(admitted: Admitted, error: NotSigned): Refusal;
  /** null when nothing was injected, and no answer has brought a token for this route. */
  guardResponse(admitted: Admitted, injected: Injected): ResponseGuard | null;
  /** The same guard, which looks for these values as well. */
  guardTokens(guard: ResponseGuard | null, tokens: readonly NamedValue[]): ResponseGuard;
  /** A name asked of our DNS. */
  judgeName(name: string, type: string): NameJudgement;
  /** Is any route, with any rule, there for this host and port? Lets net pre-mint leaves and refuse raw tunnels early. */
  knowsHost(host: string, port: number): boolean;
  /** The route of a tunnel that is not inspected (schemes `tls` and `tcp`), where the first route for this place is one; deny wins. */
  judgeTunnel(host: string, port: number): Route | null;
  /** A tunnel in which no refusal could be told, since what is spoken on its port is neither TLS nor HTTP; null = it may be opened. */
  judgeOpening(host: string, port: number): Refusal | null;
  /** `address`: where it was going to; null = to us. */
  judgeCaptured(address: string | null, port: number): CapturedJudgement;
  /** Path for a record: no query values, no matched text. */
  recordPath(view: RequestView): string;
  /** Host, DNS name or method for a record: an agent chooses these, so matched text in them is replaced. */
  recordText(text: string): string;
}

/** Everything of a record but what the sink adds. */
export type RecordDraft = Omit<AuditRecord, 'v' | 'prev'>;

export type { Match };
