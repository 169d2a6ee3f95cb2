// The one error type for expected failures, and the exit codes of the program.

export const EXIT = {
  fine: 0,
  /** The answer is no: a check found something. */
  no: 1,
  /** The input is wrong. */
  input: 2,
  /** We or the engine failed; `start` and `exec` otherwise pass the agent's own code. */
  failed: 125,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Failure {
  /** What happened, without a full stop. */
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  /** Default 125. */
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

/** An expected failure. Anything else that is thrown is a bug and keeps its stack. */
export class BottleError extends Error {
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  readonly exitCode: ExitCode;

  constructor(failure: Failure) {
    super(`${failure.what}: ${failure.why}; ${failure.fix}`, { cause: failure.cause });
    this.name = 'BottleError';
    this.what = failure.what;
    this.why = failure.why;
    this.fix = failure.fix;
    this.exitCode = failure.exitCode ?? EXIT.failed;
  }
}
