// What git tells a pre-push hook on stdin (githooks(5)): a line a ref, `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`.
import { BottleError } from '../report/bottle-error.ts';

export interface PushedRef {
  /** As given on the command line, or `(delete)`. */
  readonly localRef: string;
  /** null = the ref is deleted. */
  readonly localId: string | null;
  readonly remoteRef: string;
  /** null = the ref is new there. */
  readonly remoteId: string | null;
}

const LINE = /^(\S+) ([0-9a-f]{40}(?:[0-9a-f]{24})?) (\S+) ([0-9a-f]{40}(?:[0-9a-f]{24})?)$/;

/** Throws on a line that is not understood: what it would push is not known. */
export function parsePushedRefs(stdin: string): readonly PushedRef[] {
  return stdin
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const parts = LINE.exec(line);
      if (parts === null) {
        throw new BottleError({
          what: 'this push cannot be checked',
          why: 'git gave the hook a line that is not LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID',
          fix: 'run it by git push; report it with the output of git --version when that is what you did',
        });
      }
      const [, localRef = '', localId = '', remoteRef = '', remoteId = ''] = parts;
      return { localRef, localId: idOf(localId), remoteRef, remoteId: idOf(remoteId) };
    });
}

const idOf = (id: string): string | null => (/^0+$/.test(id) ? null : id);
