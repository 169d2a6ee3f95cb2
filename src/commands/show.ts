// `bottle show`: what a spec means, with every default and every preset written out; for a session, what it was started with.
import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { printLine } from '../report/output.ts';
import { printableLines, safeJson } from '../report/printable.ts';

export function registerShow(program: Command): void {
  program
    .command('show')
    .description('print the spec in force: every default written out, presets expanded; can be read again')
    .argument('<session|spec>', 'a spec, or the name or id of a session')
    .option('--json', 'as JSON, in the same words')
    .addHelpText(
      'after',
      `
Examples:
  bottle show web-shop.yaml
  bottle show web-shop               what the latest session of that name was started with`,
    )
    .action(async (target: string, options: { readonly json?: true }) => {
      const text = isFile(target) ? await rendered(target) : await ofSession(target);
      if (!options.json) return printLine(printableLines(text.trimEnd()));
      const { parse } = await import('yaml');
      printLine(safeJson(parse(text), 2));
    });
}

function isFile(target: string): boolean {
  return target.includes('/') || /\.(?:ya?ml|json)$/i.test(target) || existsSync(target);
}

async function rendered(file: string): Promise<string> {
  const [{ loadSpec }, { renderBottle }] = await Promise.all([import('../spec/load.ts'), import('../spec/render.ts')]);
  return renderBottle(loadSpec(file));
}

async function ofSession(name: string): Promise<string> {
  const [{ findSession }, { stateDir }] = await Promise.all([
    import('../state/sessions.ts'),
    import('../state/paths.ts'),
  ]);
  const { paths } = await findSession(stateDir(), name);
  return readFileSync(paths.specFile, 'utf8');
}
