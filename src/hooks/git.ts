// Runs git in the repository that a hook was called for.
import { execa } from 'execa';
import { BottleError } from '../report/bottle-error.ts';
import { printable } from '../report/printable.ts';

/** Replacements and grafts show another history than the one that is pushed. */
export const TRUE_HISTORY = { GIT_NO_REPLACE_OBJECTS: '1', GIT_GRAFT_FILE: '/dev/null/none' } as const;

/** stdout without the last line feed. Throws when git fails. */
export async function git(args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await execa('git', args, {
    ...{ env: { ...TRUE_HISTORY, LC_ALL: 'C' }, input, reject: false, maxBuffer: 1 << 29 },
  });
  if (exitCode === 0) return stdout;
  throw new BottleError({
    what: `git ${args[0] ?? ''} failed`,
    why: printable(lastLine(String(stderr))) || `exit code ${exitCode ?? 'none'}`,
    fix: 'run it in a repository that git status likes',
  });
}

/** null when git says no (exit code 1 and above). */
export async function askGit(args: readonly string[]): Promise<string | null> {
  const { exitCode, stdout } = await execa('git', args, { env: { ...TRUE_HISTORY, LC_ALL: 'C' }, reject: false });
  return exitCode === 0 ? stdout : null;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
