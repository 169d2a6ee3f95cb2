// Whether the commands of a push are what its route allows: which refs, and whether they may be rewritten or deleted.
import type { PushRule } from '../../contract.ts';
import { compileGlob, type Glob } from '../glob.ts';
import type { PushCommand } from './push-request.ts';

export interface PushFlaw {
  readonly ref: string;
  /** One clause. */
  readonly why: string;
  readonly fix: string;
}

export interface PushJudge {
  /** null when all may pass, as far as commands tell. */
  judge(commands: readonly PushCommand[]): PushFlaw | null;
  /** Updates that must be proved to go forward. */
  unproved(commands: readonly PushCommand[]): readonly PushCommand[];
}

export function compilePushRule(rule: PushRule): PushJudge {
  const globs: readonly Glob[] = rule.refs.map(compileGlob);
  return {
    judge(commands) {
      for (const { ref, before, after } of commands) {
        if (!isRefName(ref)) return { ref, why: 'it is no name of a ref', fix: 'push a branch or a tag' };
        if (!globs.some((glob) => glob(ref))) {
          const why = `the entry lets only ${rule.refs.length === 0 ? 'no ref' : rule.refs.join(', ')} be pushed`;
          return { ref, why, fix: `push to a ref that it names, or add "${ref}" to its refs` };
        }
        if (after === null && !rule.delete) {
          return { ref, why: 'it would be deleted', fix: 'add `delete: true` to the entry' };
        }
        if (before !== null && after !== null && !rule.force && !ref.startsWith('refs/heads/')) {
          return { ref, why: 'a ref that is no branch would be moved', fix: 'add `force: true` to the entry' };
        }
      }
      return null;
    },
    unproved: (commands) =>
      rule.force ? [] : commands.filter(({ before, after }) => before !== null && after !== null && before !== after),
  };
}

/** git-check-ref-format(1), as far as a name could mean another one to somebody. */
function isRefName(ref: string): boolean {
  return (
    /^refs\/(?:[^/\x00-\x20\x7f~^:?*[\\]+\/)*[^/\x00-\x20\x7f~^:?*[\\]+$/.test(ref) &&
    !/\.\.|@\{|\/\.|\.lock(?:\/|$)|\.$/.test(ref)
  );
}
