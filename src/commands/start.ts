// `bottle start`: one session of a spec, from nothing to nothing.
import { type Command, InvalidArgumentError } from 'commander';

interface StartFlags {
  readonly yes?: true;
  readonly dryRun?: true;
  readonly timings?: true;
  readonly host?: string;
  readonly name?: string;
}

export function registerStart(program: Command): void {
  program
    .command('start')
    .description('run the agent of a spec, contained, until it ends')
    .argument('<spec>', 'the spec')
    .argument('[command...]', 'program and arguments instead of agent.command, behind --')
    .option('-y, --yes', 'ask nothing; without a terminal nothing is asked anyway')
    .option('--dry-run', 'print the plan and do nothing, as "bottle plan" does')
    .option('--timings', 'a table of the phases on stderr, at the end')
    .option(
      '--host <url>',
      'the engine, like unix:///var/run/docker.sock; else DOCKER_HOST, the Docker context, the default socket',
    )
    .option('--name <name>', 'another name than the spec gives', parseName)
    .addHelpText(
      'after',
      `
The exit code is the agent's own; 125 when bottle or the engine failed.

Examples:
  bottle start web-shop.yaml
  bottle start web-shop.yaml -- npm test
  bottle start web-shop.yaml --name review -- bash`,
    )
    .action(async (spec: string, command: string[], flags: StartFlags) => {
      const { loadSpec } = await import('../spec/load.ts');
      const loaded = loadSpec(spec);
      const options = {
        bottle: flags.name === undefined ? loaded : { ...loaded, name: flags.name },
        command: command.length === 0 ? null : command,
        host: flags.host,
      };
      if (flags.dryRun) {
        const { printPlan } = await import('./plan.ts');
        await printPlan(options, false);
        return;
      }
      const { startSession } = await import('../session/start-session.ts');
      const { formatTimings, Timings } = await import('../session/timings.ts');
      const timings = new Timings();
      try {
        const { exitCode } = await startSession(options, process, timings);
        process.exitCode = exitCode;
      } finally {
        if (flags.timings) process.stderr.write(`${formatTimings(timings.phases())}\n`);
      }
    });
}

function parseName(value: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(value)) return value;
  throw new InvalidArgumentError('Lower-case letters, digits and dashes, 40 at most.');
}
