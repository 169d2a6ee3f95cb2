// `bottle reap`: removes what sessions left whose bottle was killed.
import type { Command } from 'commander';
import { printLine, printWarning } from '../report/output.ts';

interface ReapFlags {
  readonly json?: true;
  readonly host?: string;
}

export function registerReap(program: Command): void {
  program
    .command('reap')
    .description('remove what killed sessions left on the engine; never touches one that runs')
    .option('--json', 'as JSON')
    .option('--host <url>', 'the engine')
    .addHelpText('after', '\nExample:\n  bottle reap')
    .action(async (flags: ReapFlags) => {
      const { connectEngine } = await import('../engine/connect.ts');
      const { reapSessions } = await import('../session/reap-sessions.ts');
      const { stateDir } = await import('../state/paths.ts');
      const { docker } = await connectEngine({ host: flags.host });
      const reaped = await reapSessions(docker, stateDir());
      if (flags.json) {
        printLine(JSON.stringify(reaped, null, 2));
        return;
      }
      for (const { kind, name } of reaped.objects) printLine(`removed ${kind} ${name}`);
      if (reaped.sessions.length === 0) printLine('nothing was left');
      else printLine(`cleared up after ${reaped.sessions.join(', ')}`);
      if (reaped.unknown.length > 0) {
        printWarning(`left alone, since their process cannot be seen from here: ${reaped.unknown.join(', ')}`);
      }
    });
}
