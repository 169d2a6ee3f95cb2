// What a push shows besides the content of files: messages and names of commits and tags, paths, names of refs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from './git.ts';
import type { PushFinding } from './push-finding.ts';
import { type PushScope, stdinOf } from './push-scope.ts';

/** One text, and whose it is by line. */
export class PushTexts {
  readonly #lines: string[] = [];
  /** What begins at which line, in order. */
  readonly #owners: { readonly from: number; readonly name: string; readonly commit: string | null }[] = [];

  add(name: string, commit: string | null, text: string): void {
    this.#owners.push({ from: this.#lines.length + 1, name, commit });
    this.#lines.push(...text.split('\n'));
  }

  write(directory: string): void {
    writeFileSync(join(directory, 'push.txt'), `${this.#lines.join('\n')}\n`, { mode: 0o600 });
  }

  /** A finding in the file that was written, as one in what the line belongs to. */
  placed(finding: PushFinding): PushFinding {
    const owner = this.#owners.findLast(({ from }) => from <= finding.line);
    if (owner === undefined) return finding;
    const { name, commit, from } = owner;
    // Its place in our file means nothing to .gitleaksignore.
    return { ...finding, file: name, commit, line: finding.line - from + 1, ignoreAs: null };
  }
}

export async function textsOf(scope: PushScope): Promise<PushTexts> {
  const texts = new PushTexts();
  texts.add('names of refs', null, scope.names.join('\n'));
  for (const tag of scope.tags) texts.add('message of the tag', tag, await git(['cat-file', 'tag', tag]));
  if (scope.commits.length === 0) return texts;
  const revisions = await stdinOf(scope);
  const log = ['log', '-z', '--no-show-signature', '--no-notes', '--no-decorate', '--no-color', '--no-patch'];
  const people = '%an <%ae>%n%cn <%ce>%n%B';
  for (const record of (await git([...log, `--format=%H%n${people}`, '--stdin'], revisions)).split('\0')) {
    const at = record.indexOf('\n');
    if (at > 0) texts.add('message of the commit', record.slice(0, at), record.slice(at + 1));
  }
  const paths = ['log', '-z', '--format=', '--name-only', '--no-renames', '--root', '--diff-merges=first-parent'];
  const names = new Set((await git([...paths, '--stdin'], revisions)).split('\0'));
  texts.add('names of files', null, [...names].join('\n'));
  return texts;
}
