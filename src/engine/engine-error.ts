// Reads the engine's errors: what it said, and by which status it is told apart.
import { BottleError } from '../report/bottle-error.ts';

/** HTTP status of an engine's refusal; undefined when the error is something else. */
export function engineStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** What the engine said, without the client's words around it. */
export function engineMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const body = 'json' in error ? error.json : undefined;
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
    return body.message;
  return error.message;
}

/** An engine's refusal as an expected failure; anything that is no answer of the engine is returned as it is. */
export function engineFailure(
  what: string,
  error: unknown,
  fix = 'look at the engine\'s log, or run "bottle reap" and start again',
): unknown {
  if (error instanceof BottleError) return error;
  const lost = error instanceof Error && 'code' in error && typeof error.code === 'string';
  if (engineStatus(error) === undefined && !lost) return error;
  return new BottleError({ what, why: engineMessage(error), fix, cause: error });
}
