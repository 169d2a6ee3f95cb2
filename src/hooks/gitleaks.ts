// Runs gitleaks, the real one, and reads its report. It never prints a secret: neither do we.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { BottleError } from '../report/bottle-error.ts';
import { printable, printableLines } from '../report/printable.ts';
import { TRUE_HISTORY } from './git.ts';
import type { PushFinding } from './push-finding.ts';
import type { PushScope } from './push-scope.ts';

/** Not one of gitleaks' own codes, so that "leaks found" cannot be mistaken for a failure. */
const LEAKS_FOUND = 77;

/** So many revisions fit into one argument. */
const REVISIONS_A_RUN = 1500;

/**
 * Everything as text, for attributes (`-diff`, `binary`, drivers) hide content from a diff, and in the form that gitleaks reads, whatever
 * the repository's or the person's configuration says. Of a merge: what neither side had (`remerge`, git 2.35; before it, against each parent).
 */
const LOG_FORM = [
  ...['--text', '--no-textconv', '--no-ext-diff', '--no-renames', '--no-relative', '--root', '--no-color'],
  ...['--src-prefix=a/', '--dst-prefix=b/', '--submodule=short', '--ignore-submodules=none', '--inter-hunk-context=0'],
  ...['--pretty=medium', '--no-abbrev-commit', '--no-decorate', '--no-notes', '--no-show-signature'],
];

export interface GitleaksFiles {
  /** The repository's own `.gitleaks.toml`; null = gitleaks' rules. */
  readonly config: string | null;
  readonly baseline: string | null;
}

/** Absolute path; null where there is none: neither on the PATH nor brought along by set-up. */
export function findGitleaks(env: NodeJS.ProcessEnv): string | null {
  const brought = join(env.XDG_DATA_HOME || join(env.HOME || homedir(), '.local/share'), 'bottle/gitleaks/gitleaks');
  const places = (env.PATH ?? '').split(delimiter).filter((directory) => directory.startsWith('/'));
  return [...places.map((directory) => join(directory, 'gitleaks')), brought].find(existsSync) ?? null;
}

/** Searches the diffs of a push's commits in the repository at `top`. */
export async function searchCommits(
  gitleaks: string,
  top: string,
  scope: PushScope,
  files: GitleaksFiles,
  canRemerge: boolean,
): Promise<readonly PushFinding[]> {
  const merges = canRemerge ? '--diff-merges=remerge' : '--diff-merges=separate';
  const there = [...scope.remotes.map((name) => `--remotes=${name}`), ...scope.known];
  const findings: PushFinding[] = [];
  for (let at = 0; at < scope.commits.length; at += REVISIONS_A_RUN) {
    const commits = scope.commits.slice(at, at + REVISIONS_A_RUN);
    const range = there.length === 0 ? commits : [...commits, '--not', ...there];
    const logOptions = [...LOG_FORM, merges, ...range].join(' ');
    findings.push(...(await run(gitleaks, ['--source', top, '--log-opts', logOptions], files)));
  }
  return findings;
}

/** Searches files that are in no commit, below `directory`. */
export async function searchFiles(
  gitleaks: string,
  directory: string,
  files: GitleaksFiles,
): Promise<readonly PushFinding[]> {
  return run(gitleaks, ['--no-git', '--source', directory], files);
}

interface Leak {
  readonly RuleID: string;
  readonly File: string;
  readonly StartLine: number;
  readonly Commit: string;
  readonly Fingerprint: string;
}

async function run(gitleaks: string, args: readonly string[], files: GitleaksFiles): Promise<readonly PushFinding[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bottle-gitleaks-'));
  try {
    const report = join(directory, 'report.json');
    const all = [
      ...['detect', '--no-banner', '--redact', '--exit-code', `${LEAKS_FOUND}`],
      ...['--report-format', 'json', '--report-path', report],
      ...(files.config === null ? [] : ['--config', files.config]),
      ...(files.baseline === null ? [] : ['--baseline-path', files.baseline]),
      ...args,
    ];
    const result = await execa(gitleaks, all, { reject: false, all: true, env: TRUE_HISTORY, stdin: 'ignore' });
    const said = printableLines(String(result.all ?? ''));
    // It reports what git or a rule could not do as a line of its log, and may go on as if all were well.
    const trouble = said.split('\n').find((line) => /^\S+ (?:ERR|FTL) /.test(line));
    if (trouble !== undefined || (result.exitCode !== 0 && result.exitCode !== LEAKS_FOUND)) {
      throw new BottleError({
        what: 'gitleaks failed, so nothing is pushed',
        why: printable(trouble ?? said.trim().split('\n').at(-1) ?? '') || `exit code ${result.exitCode ?? 'none'}`,
        fix: 'mend what it says (.gitleaks.toml, .gitleaksignore, the baseline), and push again',
      });
    }
    return parseReport(readFileSync(report, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function parseReport(text: string): readonly PushFinding[] {
  const leaks = JSON.parse(text) as readonly Leak[] | null; // gitleaks' own format, `[]` or null when there are none
  return (leaks ?? []).map(({ RuleID, File, StartLine, Commit, Fingerprint }) => ({
    ...{ rule: RuleID, file: File, line: StartLine, commit: Commit === '' ? null : Commit, ignoreAs: Fingerprint },
  }));
}
