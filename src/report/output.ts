// Writes results to stdout and talk to stderr; the pipe may close at any time.
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Colour only where a terminal reads it; NO_COLOR and TERM=dumb are honoured. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  if (process.env.NO_COLOR || process.env.TERM === 'dumb' || stream.isTTY !== true) return text;
  return styleText(style, text, { validateStream: false });
}

/** One line, or several, of results. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line of talk: progress, warnings, errors. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `bottle: warning: …` on stderr. */
export function printWarning(text: string): void {
  printNote(`bottle: ${paint('yellow', 'warning', process.stderr)}: ${text}`);
}

/** The reader closed its end. A socket, which stdout is below Node's `spawn`, says ECONNRESET when it still held unread bytes. */
export function isClosedByReader(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ECONNRESET';
}

/** A reader that has seen enough (`| head`) is no failure: the process ends as if all had been written. */
export function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isClosedByReader(error)) process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
}
