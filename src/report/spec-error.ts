// A spec with problems: all of them at once, each with its place.
import { BottleError, EXIT } from './bottle-error.ts';
import { formatProblem, type Problem } from './problem.ts';

/** Printed as one line a problem, without the `bottle:` in front: `file:line:col: what; why; fix`. */
export class SpecError extends BottleError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super({
      what: `the spec has ${count}`,
      why: problems.map(formatProblem).join('\n'),
      fix: 'mend the file',
      exitCode: EXIT.input,
    });
    this.name = 'SpecError';
    this.problems = problems;
  }
}
