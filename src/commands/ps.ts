// `bottle ps`: the sessions that run; with --all those on disk as well.
import type { Command } from 'commander';
import { printLine } from '../report/output.ts';

interface PsFlags {
  readonly all?: true;
  readonly json?: true;
  readonly host?: string;
}

export function registerPs(program: Command): void {
  program
    .command('ps')
    .description('list the sessions that run')
    .option('-a, --all', 'those that ended too')
    .option('--json', 'as JSON')
    .option('--host <url>', 'the engine')
    .addHelpText('after', '\nExample:\n  bottle ps')
    .action(async (flags: PsFlags) => {
      const { connectEngine } = await import('../engine/connect.ts');
      const { listRows, formatRows } = await import('../session/session-rows.ts');
      const { docker } = await connectEngine({ host: flags.host });
      const rows = await listRows(docker, flags.all === true);
      printLine(flags.json ? JSON.stringify(rows, null, 2) : formatRows(rows, new Date()));
    });
}
