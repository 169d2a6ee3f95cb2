// `bottle doctor`: what this machine has, what is missing, and the fix.
import type { Command } from 'commander';
import { EXIT } from '../report/bottle-error.ts';

export interface DoctorOptions {
  readonly host?: string;
  readonly json?: true;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look whether this machine has what a session needs')
    .option('--host <url>', 'the engine, instead of DOCKER_HOST or the Docker context')
    .option('--json', 'the findings as JSON')
    .addHelpText(
      'after',
      `
Exit code 0: all is there; 1: something is missing, with its fix.

Example:
  bottle doctor`,
    )
    .action(async (options: DoctorOptions) => {
      const [{ examineMachine }, { paint, printLine }, { printable, safeJson }] = await Promise.all([
        import('../doctor/examine.ts'),
        import('../report/output.ts'),
        import('../report/printable.ts'),
      ]);
      const findings = await examineMachine(options.host);
      if (options.json) printLine(safeJson(findings));
      else {
        for (const { ok, subject, detail, fix } of findings) {
          printLine(`${ok ? paint('green', 'ok  ') : paint('red', 'no  ')}${subject.padEnd(12)} ${printable(detail)}`);
          if (!ok) printLine(`    ${''.padEnd(12)} ${printable(fix)}`);
        }
      }
      if (findings.some(({ ok }) => !ok)) process.exitCode = EXIT.no;
    });
}
