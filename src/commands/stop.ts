// `bottle stop`: ends a running session; its agent gets SIGTERM and ten seconds.
import type { Command } from 'commander';
import { printNote } from '../report/output.ts';

export function registerStop(program: Command): void {
  program
    .command('stop')
    .description('end a running session, and leave nothing of it on the engine')
    .argument('<session>', 'name or id')
    .option('--host <url>', 'the engine')
    .addHelpText('after', '\nExample:\n  bottle stop web-shop')
    .action(async (query: string, flags: { readonly host?: string }) => {
      const { connectEngine } = await import('../engine/connect.ts');
      const { findLiveSession } = await import('../session/find-live.ts');
      const { stopSession } = await import('../session/stop-session.ts');
      const { docker } = await connectEngine({ host: flags.host });
      const session = await findLiveSession(docker, query);
      await stopSession(docker, session);
      printNote(`bottle: stopped ${session.id}`);
    });
}
