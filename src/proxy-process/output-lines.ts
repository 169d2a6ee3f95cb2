// The output of a child: its first line of stdout, and the end of stderr for when it fails.
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Enough for a stack; what a failing program says last is what matters. */
const TAIL_CHARACTERS = 4000;

export interface ChildOutput {
  /** The first line of stdout; null when it ended without one. What follows goes to `onLater`. */
  firstLine(onLater?: (line: string) => void): Promise<string | null>;
  /** The end of what stderr said so far. */
  stderrTail(): string;
  /** Resolves once the process is gone and its streams are read. */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export function readOutput(
  child: ChildProcessWithoutNullStreams,
  onStderr: (text: string) => void = () => {},
): ChildOutput {
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARACTERS);
    onStderr(text);
  });
  const closed = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  // Awaited by some callers only; whoever awaits it still gets the error.
  closed.catch(() => {});
  return {
    firstLine: (onLater = () => {}) => firstLineOf(child.stdout, onLater),
    stderrTail: () => tail,
    closed,
  };
}

/** Reads on to the end: a stream that nobody reads would stop the child, and keep it from being seen as closed. */
function firstLineOf(stdout: Readable, onLater: (line: string) => void): Promise<string | null> {
  const lines = createInterface({ input: stdout, crlfDelay: Number.POSITIVE_INFINITY });
  return new Promise((resolve) => {
    lines.once('line', (first) => {
      lines.on('line', onLater);
      resolve(first);
    });
    lines.once('close', () => resolve(null));
  });
}
