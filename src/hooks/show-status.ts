// What `bottle hooks status` prints.
import { execa } from 'execa';
import { EXIT } from '../report/bottle-error.ts';
import { printLine } from '../report/output.ts';
import { safeJson } from '../report/printable.ts';
import { OWN_ENGINE, OWN_ENGINE_KEY } from './check-push.ts';
import { askGit } from './git.ts';
import { findGitleaks } from './gitleaks.ts';
import { hookStatus } from './install-hooks.ts';

export async function showStatus(isJson: boolean): Promise<void> {
  const { isInstalled, place } = await hookStatus();
  const gitleaks = findGitleaks(process.env);
  const version = gitleaks === null ? null : await versionOf(gitleaks);
  const hasOwnEngine = (await askGit(['config', OWN_ENGINE_KEY])) === OWN_ENGINE;
  const engine = gitleaks !== null ? 'gitleaks' : hasOwnEngine ? OWN_ENGINE : null;
  process.exitCode = isInstalled && engine !== null ? EXIT.fine : EXIT.no;
  if (isJson) {
    printLine(safeJson({ installed: isInstalled, ...place, engine, gitleaks, version }));
    return;
  }
  printLine(isInstalled ? `installed: ${place.file}` : `not installed: ${place.file}; bottle hooks install puts it in`);
  if (gitleaks !== null) printLine(`searches with gitleaks${version === null ? '' : ` ${version}`} (${gitleaks})`);
  else if (hasOwnEngine)
    printLine("searches with bottle's own search (git config bottle.engine); gitleaks is not here");
  else printLine('gitleaks is not here: every push is refused until it is');
}

/** null where a distribution's build does not know it. */
async function versionOf(gitleaks: string): Promise<string | null> {
  const { stdout } = await execa(gitleaks, ['version'], { reject: false });
  return /^v?\d[\w.-]*$/.exec(String(stdout).trim())?.[0] ?? null;
}
