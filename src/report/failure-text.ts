// What a person sees when a command failed: one line an expected failure, the stack only where it helps.
import { BottleError, EXIT, type ExitCode } from './bottle-error.ts';
import { printable } from './printable.ts';
import { formatProblem } from './problem.ts';
import { SpecError } from './spec-error.ts';

export interface FailureText {
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}

/** Expected failures are one line; anything else is a bug of ours and says so. `debug` adds stacks and causes. */
export function failureText(error: unknown, debug: boolean): FailureText {
  if (error instanceof SpecError) {
    return {
      lines: [...error.problems.map((problem) => printable(formatProblem(problem))), ...stackOf(error, debug)],
      exitCode: error.exitCode,
    };
  }
  if (error instanceof BottleError) {
    return { lines: [`bottle: ${printable(sentence(error))}`, ...stackOf(error, debug)], exitCode: error.exitCode };
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = debug ? 'please report it with the stack below' : 'set BOTTLE_DEBUG=1 to see where, and report it';
  return {
    lines: [`bottle: unexpected failure: ${printable(message)}; ${hint}`, ...stackOf(error, debug)],
    exitCode: EXIT.failed,
  };
}

function sentence(error: BottleError): string {
  const reason = error.why === '' ? error.what : `${error.what}: ${error.why}`;
  return error.fix === '' ? reason : `${reason}; ${error.fix}`;
}

function stackOf(error: unknown, debug: boolean): string[] {
  if (!debug || !(error instanceof Error)) return [];
  const own = (error.stack ?? error.message).split('\n').map((line) => `  ${line.trimEnd()}`);
  return error.cause === undefined ? own : [...own, '  caused by:', ...stackOf(error.cause, debug)];
}
