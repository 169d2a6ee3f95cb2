// Installs the Debian packages of a list (tools.txt, peers.txt) that are missing here: tools.ts LIST WHO, who misses them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { canInstallPackages, installPackages } from '../../src/images/apt.ts';
import { BottleError, EXIT } from '../../src/report/bottle-error.ts';

const [list = 'tools.txt', who = 'the tests'] = process.argv.slice(2);
try {
  const wanted = readFileSync(join(import.meta.dirname, list), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const missing = await missingOf(wanted);
  if (missing.length > 0) {
    if (!canInstallPackages()) {
      throw new BottleError({
        what: `${who} miss programs`,
        why: `not installed: ${missing.join(', ')}`,
        fix: 'install them, or run this as root on a Debian-like system',
      });
    }
    await installPackages(missing, (line) => console.error(`    ${line}`));
  }
  console.log(`${wanted.length} packages`);
} catch (error) {
  if (!(error instanceof BottleError)) throw error;
  console.error(`bottle: ${error.message}`);
  process.exitCode = EXIT.failed;
}

/** As dpkg knows them; where there is no dpkg everything counts as missing. */
async function missingOf(wanted: readonly string[]): Promise<string[]> {
  const asked = await execa('dpkg-query', ['-W', '-f', '\x24{Package} \x24{db:Status-Abbrev}\n', ...wanted], {
    reject: false,
  });
  const installed = new Set(
    (asked.stdout ?? '')
      .split('\n')
      .filter((line) => / ii\s*$/.test(line))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}
