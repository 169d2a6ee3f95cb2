// What a search of a push found, and how it is told: rule, file, commit and what to do. Never the secret.
import { paint } from '../report/output.ts';
import { printable } from '../report/printable.ts';

export interface PushFinding {
  readonly rule: string;
  /** Path in the commit, or what it is that has none: `message of the commit`. */
  readonly file: string;
  readonly line: number;
  /** Full id; null for what no commit holds. */
  readonly commit: string | null;
  /** Line for .gitleaksignore; null where the engine has no such thing. */
  readonly ignoreAs: string | null;
}

const MOST_SHOWN = 50;

/** Lines for a person whose push was refused. */
export function findingLines(findings: readonly PushFinding[]): readonly string[] {
  const shown = findings.slice(0, MOST_SHOWN);
  const lines = shown.map(({ rule, file, line, commit }) => {
    const place = `${printable(file)}:${line}`;
    return `  ${paint('red', printable(rule), process.stderr)}  ${place}${commit === null ? '' : `  commit ${commit.slice(0, 12)}`}`;
  });
  if (shown.length < findings.length) lines.push(`  … and ${findings.length - shown.length} more`);
  return lines;
}

/** How to get rid of them. */
export function fixLines(findings: readonly PushFinding[]): readonly string[] {
  const oldest = findings.findLast(({ commit }) => commit !== null)?.commit;
  const ignore = findings.find(({ ignoreAs }) => ignoreAs !== null)?.ignoreAs;
  return [
    'fix: a secret that was committed counts as known to others: make a new one where it was issued, and revoke the old one',
    oldest === undefined || oldest === null
      ? '     then take it out of what you push'
      : `     then take it out: git commit --amend (last commit), or git rebase -i ${oldest.slice(0, 12)}^ (older ones)`,
    ...(ignore === undefined || ignore === null
      ? []
      : [`     no secret? add this line to .gitleaksignore:  ${printable(ignore)}`]),
  ];
}
