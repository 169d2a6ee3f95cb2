// The proxy's one error type for expected failures: what happened, why, and what to do. (src/ has its own: BottleError.)

export interface FailureText {
  /** What happened, without a full stop. */
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  readonly cause?: unknown;
}

/** An expected failure. Anything else that is thrown is a bug and keeps its stack. */
export class ProxyFailure extends Error {
  readonly what: string;
  readonly why: string;
  readonly fix: string;

  constructor(text: FailureText) {
    super(`${text.what}: ${text.why}; ${text.fix}`, { cause: text.cause });
    this.name = 'ProxyFailure';
    this.what = text.what;
    this.why = text.why;
    this.fix = text.fix;
  }
}
