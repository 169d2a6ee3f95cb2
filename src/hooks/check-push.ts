// What the pre-push hook does: finds out what would be pushed, has it searched, and says why it is refused.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BottleError, EXIT, type ExitCode } from '../report/bottle-error.ts';
import { printNote, printWarning } from '../report/output.ts';
import { askGit, git } from './git.ts';
import { findGitleaks, type GitleaksFiles, searchCommits, searchFiles } from './gitleaks.ts';
import { searchWithOwnEngine } from './own-engine.ts';
import { findingLines, fixLines, type PushFinding } from './push-finding.ts';
import { type PushScope, scopeOf } from './push-scope.ts';
import { type PushTexts, textsOf } from './push-texts.ts';
import { filesOf, writeBlobs } from './pushed-files.ts';
import { parsePushedRefs } from './pushed-refs.ts';

/** `remote`: the hook's first argument. */
export async function checkPush(remote: string, stdin: string): Promise<ExitCode> {
  const refs = parsePushedRefs(stdin);
  const scope = await scopeOf(refs, remote);
  if (scope.names.length === 0) return EXIT.fine; // Deletions bring nothing.
  const directory = mkdtempSync(join(tmpdir(), 'bottle-push-'));
  try {
    const findings = await search(scope, await textsOf(scope), directory);
    if (findings.length === 0) return EXIT.fine;
    printNote(
      `bottle: this push holds ${findings.length === 1 ? 'a secret' : `${findings.length} secrets`}, so nothing is pushed`,
    );
    for (const line of [...findingLines(findings), ...fixLines(findings)]) printNote(line);
    return EXIT.no;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function search(scope: PushScope, texts: PushTexts, directory: string): Promise<readonly PushFinding[]> {
  texts.write(directory);
  const gitleaks = findGitleaks(process.env);
  if (gitleaks !== null) return searchWithGitleaks(gitleaks, scope, texts, directory);
  if ((await askGit(['config', OWN_ENGINE_KEY])) !== OWN_ENGINE) throw missing();
  printWarning("gitleaks is not here; bottle's own search is used, as git config bottle.engine says");
  return searchWithOwnEngine(scope, texts, directory);
}

async function searchWithGitleaks(
  gitleaks: string,
  scope: PushScope,
  texts: PushTexts,
  directory: string,
): Promise<readonly PushFinding[]> {
  // A bare repository has no files of its own beside it.
  const top = (await askGit(['rev-parse', '--show-toplevel'])) ?? (await git(['rev-parse', '--absolute-git-dir']));
  const files = await gitleaksFiles(top);
  const inTexts = await searchFiles(gitleaks, directory, files);
  const loose = { ...scope, commits: [] };
  const looseFiles = scope.loose.length === 0 ? new Map() : await filesOf(loose);
  const found = inTexts.map((finding) => texts.placed(finding));
  if (looseFiles.size > 0) {
    const blobs = join(directory, 'blobs');
    await writeBlobs(looseFiles.keys(), blobs);
    for (const finding of await searchFiles(gitleaks, blobs, files)) {
      const id = finding.file.split('/').at(-1) ?? '';
      found.push({ ...finding, file: looseFiles.get(id)?.path ?? id, ignoreAs: null });
    }
  }
  if (scope.commits.length === 0) return found;
  return [...found, ...(await searchCommits(gitleaks, top, scope, files, await canRemerge()))];
}

async function gitleaksFiles(top: string): Promise<GitleaksFiles> {
  const config = join(top, '.gitleaks.toml');
  const baseline = await askGit(['config', 'bottle.baseline']);
  return {
    config: existsSync(config) ? config : null,
    baseline: baseline === null || isAbsolute(baseline) ? baseline : join(top, baseline),
  };
}

/** git 2.35 shows what a merge has that neither side had. */
async function canRemerge(): Promise<boolean> {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(await git(['--version'])) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 35);
}

/** Of git's configuration. */
export const OWN_ENGINE_KEY = 'bottle.engine';
export const OWN_ENGINE = 'bottle';

function missing(): BottleError {
  return new BottleError({
    what: 'gitleaks is not here, so nothing is pushed',
    why: 'the pre-push hook has it search what would leave',
    fix: [
      'install it (macOS: brew install gitleaks; Debian 13, Ubuntu 24.10 and later: apt install gitleaks; Go: go install github.com/zricethezav/gitleaks/v8@latest;',
      "in a checkout of bottle: npm run setup), or use bottle's own search: git config bottle.engine bottle",
    ].join(' '),
  });
}
