// `bottle plan`: the steps that a start would take, with every flag; touches no engine and takes no secret.
import type { Command } from 'commander';
import { printLine } from '../report/output.ts';
import type { DryOptions } from '../session/dry-plan.ts';

export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description('print what a start would do, step by step; does nothing')
    .argument('<spec>', 'the spec')
    .argument('[command...]', 'program and arguments instead of agent.command, behind --')
    .option('--json', 'the plan as JSON')
    .addHelpText('after', '\nExample:\n  bottle plan web-shop.yaml')
    .action(async (spec: string, command: string[], flags: { readonly json?: true }) => {
      const { loadSpec } = await import('../spec/load.ts');
      await printPlan({ bottle: loadSpec(spec), command: command.length === 0 ? null : command }, flags.json === true);
    });
}

export async function printPlan(options: DryOptions, json: boolean): Promise<void> {
  const { planWithoutEngine } = await import('../session/dry-plan.ts');
  const { formatPlan } = await import('../plan/print-plan.ts');
  const plan = planWithoutEngine(options);
  printLine(json ? JSON.stringify(plan, null, 2) : formatPlan(plan).trimEnd());
}
