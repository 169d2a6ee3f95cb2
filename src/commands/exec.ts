// `bottle exec` and `bottle shell`: one more program in the agent's container, contained like the agent.
import type { Command } from 'commander';

interface ExecFlags {
  readonly host?: string;
}

export function registerExec(program: Command): void {
  program
    .command('exec')
    .description("run a program in the agent's container, with its user, environment and containment")
    .argument('<session>', 'name or id')
    .argument('<command...>', 'program and arguments, behind --')
    .option('--host <url>', 'the engine')
    .addHelpText(
      'after',
      `
The exit code is the program's own.

Example:
  bottle exec web-shop -- git status`,
    )
    .action(run);
}

export function registerShell(program: Command): void {
  program
    .command('shell')
    .description("open a shell in the agent's container")
    .argument('<session>', 'name or id')
    .option('--host <url>', 'the engine')
    .addHelpText('after', '\nExample:\n  bottle shell web-shop')
    .action((query: string, flags: ExecFlags) =>
      run(query, ['/bin/sh', '-c', 'exec "$(command -v bash || echo sh)"'], flags),
    );
}

async function run(query: string, command: readonly string[], flags: ExecFlags): Promise<void> {
  const { connectEngine } = await import('../engine/connect.ts');
  const { findLiveSession } = await import('../session/find-live.ts');
  const { execInSession } = await import('../session/exec-in-session.ts');
  const engine = await connectEngine({ host: flags.host });
  const session = await findLiveSession(engine.docker, query);
  process.exitCode = await execInSession(engine, session, command, process);
}
