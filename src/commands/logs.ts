// `bottle logs`: what passed and what was refused, grouped by what there is to fix.
import type { Command } from 'commander';
import type { LogsOptions } from '../review/show-logs.ts';

export function registerLogs(program: Command): void {
  program
    .command('logs')
    .description('show what a session asked for: grouped, with the line that would allow what was refused')
    .argument('[session]', 'name or id; without it the latest session')
    .option('-b, --blocked', 'only what was refused')
    .option('-f, --follow', 'go on as records come, one line each, until the session ends')
    .option('--json', 'the records themselves, one JSON line each')
    .option('--since <time>', 'only from then on: 10m, 2h, 1d, 14:30, 2031-05-01, or a full timestamp')
    .option('--id <id>', 'only the record with the id that a refusal told; without a session it is looked for in all')
    .option('--log <file>', 'read this audit log instead of a session')
    .option('--verify', 'only check that the log is whole and unchanged; exit 1 when it is not')
    .addHelpText(
      'after',
      `
Works while the session runs and after its containers are gone.

Examples:
  bottle logs --blocked            what the latest session was refused, and why
  bottle logs web-shop --follow --blocked
  bottle logs --id mb5fcrp4khsj    what the agent was told "(mb5fcrp4khsj)" about
  bottle logs --since 10m --json | jq 'select(.verdict == "block").host'
  bottle logs --log audit.jsonl --verify`,
    )
    .action(async (session: string | undefined, options: LogsOptions) => {
      const { showLogs } = await import('../review/show-logs.ts');
      await showLogs(session, options);
    });
}
