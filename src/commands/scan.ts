// `bottle scan`: the proxy's search for secrets, over files.
import type { Command } from 'commander';
import type { ScanOptions } from '../scan/run-scan.ts';

export function registerScan(program: Command): void {
  program
    .command('scan')
    .description('search files for secrets the way the proxy searches what an agent sends')
    .argument('<target...>', 'files, directories, HAR files, or - for stdin')
    .option('--spec <file>', "use this spec's dlp section: its detectors, rules and exceptions")
    .option('--known', "search for the values of the spec's secrets, too (reads them)")
    .option('--all', 'do not leave out .git and node_modules')
    .option('--json', 'one JSON line a finding')
    .option('--sarif', 'one SARIF 2.1.0 document')
    .addHelpText(
      'after',
      `
Prints FILE:LINE:COLUMN: DETECTOR and never the text itself. Needs no engine and sends nothing.
Exit code 0: nothing found; 1: something found, or a file could not be searched whole; 2: the input is wrong.

Examples:
  bottle scan .
  git diff | bottle scan -
  bottle scan --spec web-shop.yaml --known --sarif src > findings.sarif`,
    )
    .action(async (targets: string[], options: ScanOptions) => {
      const { runScan } = await import('../scan/run-scan.ts');
      await runScan(targets, options);
    });
}
