// The commander program: wires the verbs, and is the only place that prints errors and ends the process.
import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { registerCheck } from './commands/check.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExec, registerShell } from './commands/exec.ts';
import { registerHooks } from './commands/hooks.ts';
import { registerInit } from './commands/init.ts';
import { registerLogs } from './commands/logs.ts';
import { registerPlan } from './commands/plan.ts';
import { registerPresets } from './commands/presets.ts';
import { registerProxy } from './commands/proxy.ts';
import { registerPs } from './commands/ps.ts';
import { registerReap } from './commands/reap.ts';
import { registerScan } from './commands/scan.ts';
import { registerShow } from './commands/show.ts';
import { registerStart } from './commands/start.ts';
import { registerStop } from './commands/stop.ts';
import { registerApprove, registerDeny, registerWatch } from './commands/watch.ts';
import { registerWhy } from './commands/why.ts';
import { EXIT } from './report/bottle-error.ts';
import { failureText } from './report/failure-text.ts';
import { endQuietlyOnClosedPipe, printNote } from './report/output.ts';
import { usageText } from './report/usage-text.ts';

/** In the order of the help. */
const GROUPS: readonly (readonly [string, readonly ((program: Command) => void)[]])[] = [
  ['Specs:', [registerInit, registerCheck, registerShow, registerPlan, registerPresets]],
  ['Sessions:', [registerStart, registerPs, registerStop, registerExec, registerShell, registerReap]],
  ['Review:', [registerWatch, registerApprove, registerDeny, registerLogs, registerWhy, registerScan]],
  ['Besides:', [registerHooks, registerProxy, registerDoctor]],
];

const EXAMPLES = `
Examples:
  bottle init > web-shop.yaml            a spec to begin with
  bottle start web-shop.yaml             run its agent
  bottle logs --blocked                  what was refused, and the line that would allow it
  bottle why web-shop.yaml GET https://api.github.com/user

Exit codes: 0 fine; 1 the answer is no; 2 the input is wrong; 125 bottle or the engine failed.
"start" and "exec" pass on the agent's own.`;

function createProgram(): Command {
  const program = new Command('bottle')
    .description('Runs a coding agent in a container whose only way out is a proxy that checks, scans and injects.')
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpCommand(
      new Command('help').argument('[verb]').description('print the help of a verb').helpGroup('Besides:'),
    )
    .usage('VERB [options]')
    .addHelpText('after', EXAMPLES)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: (text) => printNote(usageText(text)) });
  for (const [title, verbs] of GROUPS) {
    program.commandsGroup(title);
    for (const register of verbs) register(program);
  }
  for (const verb of program.commands) {
    verb.configureOutput({ outputError: (text) => printNote(usageText(text, `bottle ${verb.name()} --help`)) });
  }
  return program;
}

/** Exit code of a parse that commander stopped: help and version are fine, all else is wrong input. */
function usageExitCode(error: CommanderError): number {
  return error.exitCode === 0 ? EXIT.fine : EXIT.input;
}

async function main(): Promise<void> {
  endQuietlyOnClosedPipe();
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = usageExitCode(error);
      return;
    }
    const { lines, exitCode } = failureText(error, process.env.BOTTLE_DEBUG === '1');
    for (const line of lines) printNote(line);
    // What a failed command left open must not keep the process.
    process.exit(exitCode);
  }
}

await main();
