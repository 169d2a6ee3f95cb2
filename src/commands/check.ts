// `bottle check`: is a spec right, and if not, everything that is wrong with it.
import type { Command } from 'commander';
import { EXIT } from '../report/bottle-error.ts';
import { printLine, printWarning } from '../report/output.ts';
import { safeJson } from '../report/printable.ts';
import { formatProblem } from '../report/problem.ts';
import { SpecError } from '../report/spec-error.ts';

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('check specs: every problem at once, each with its line and what to write instead')
    .argument('<spec...>', 'one or more specs')
    .option('--json', 'the result as JSON: [{ file, ok, problems, warnings }]')
    .addHelpText(
      'after',
      `
Exit code 0: all are fine; 2: at least one is not. Needs no engine and no secret.

Example:
  bottle check bottles/*.yaml`,
    )
    .action(async (files: string[], options: { readonly json?: true }) => {
      const { parseSpecFile } = await import('../spec/load.ts');
      const results = files.map((file) => ({ file, parsed: parseSpecFile(file) }));
      const problems = results.flatMap(({ parsed }) => (parsed.ok ? [] : parsed.problems));
      if (options.json) {
        const report = results.map(({ file, parsed }) => ({
          file,
          ok: parsed.ok,
          problems: parsed.ok ? [] : parsed.problems,
          warnings: parsed.ok ? parsed.warnings : [],
        }));
        printLine(safeJson(report, 2));
        if (problems.length > 0) process.exitCode = EXIT.input;
        return;
      }
      for (const { file, parsed } of results) {
        if (parsed.ok) for (const warning of parsed.warnings) printWarning(formatProblem(warning));
        if (parsed.ok) printLine(`${file}: fine; ${summary(parsed.bottle)}`);
      }
      if (problems.length > 0) throw new SpecError(problems);
    });
}

function summary({ egress, secrets }: import('../spec/bottle.ts').Bottle): string {
  const hosts = new Set(egress.allow.map(({ host }) => host)).size;
  const names = Object.keys(secrets);
  const reach =
    hosts === 0 ? 'nothing can be reached' : hosts === 1 ? 'one host can be reached' : `${hosts} hosts can be reached`;
  return `${reach}, ${names.length === 0 ? 'no secrets' : `secrets: ${names.join(', ')}`}`;
}
