// A problem found in a file that a person wrote: where it is, what is wrong, why it matters, how to mend it.

export interface Problem {
  readonly file: string;
  /** 1-based */
  readonly line: number;
  /** 1-based */
  readonly col: number;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** One line a problem: `file:line:col: what; why; fix`. */
export function formatProblem(problem: Problem): string {
  const parts = [problem.what, problem.why, problem.fix].filter((part) => part !== '');
  return `${problem.file}:${problem.line}:${problem.col}: ${parts.join('; ')}`;
}
