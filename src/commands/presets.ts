// `bottle presets`: the names that `egress.use` takes, and what each becomes.
import type { Command } from 'commander';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printLine } from '../report/output.ts';
import { safeJson } from '../report/printable.ts';

export function registerPresets(program: Command): void {
  program
    .command('presets')
    .description('list the presets for egress.use, or print what one of them becomes')
    .argument('[name]', 'a preset')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  bottle presets
  bottle presets github-read         the entries, as you could write them in a spec`,
    )
    .action(async (name: string | undefined, options: { readonly json?: true }) => {
      if (name === undefined) await list(options.json === true);
      else await expand(name, options.json === true);
    });
}

async function list(asJson: boolean): Promise<void> {
  const { PRESETS } = await import('../spec/presets/index.ts');
  if (asJson) {
    const rows = PRESETS.map(({ name, about, secrets, needsSecret }) => ({ name, about, secrets, needsSecret }));
    printLine(safeJson(rows, 2));
    return;
  }
  const width = Math.max(...PRESETS.map(({ name }) => name.length));
  for (const { name, about, secrets, needsSecret } of PRESETS) {
    const wants = secrets.length === 0 ? '' : ` (${needsSecret ? 'needs' : 'takes'} ${secrets.join(' or ')})`;
    printLine(`${name.padEnd(width)}  ${about}${wants}`);
  }
}

async function expand(name: string, asJson: boolean): Promise<void> {
  const [{ PRESETS, presetNames }, { expandPreset }, { machineSurroundings }, { suggestion }, { stringify }] =
    await Promise.all([
      import('../spec/presets/index.ts'),
      import('../spec/presets/expand.ts'),
      import('../spec/load.ts'),
      import('../spec/words.ts'),
      import('yaml'),
    ]);
  const preset = PRESETS.find((one) => one.name === name);
  if (preset === undefined) {
    throw new BottleError({
      what: `no preset is called "${name}"`,
      why: '',
      fix: suggestion(name, presetNames(), 'the presets are'),
      exitCode: EXIT.input,
    });
  }
  const expanded = expandPreset(name, preset.secrets.slice(0, 1), machineSurroundings().registries);
  if (expanded.words !== null) throw new BottleError({ ...expanded.words, exitCode: EXIT.input });
  const [secret] = preset.secrets;
  const spec = {
    ...(secret === undefined ? {} : { secrets: { [secret]: { env: secret } } }),
    ...(Object.keys(expanded.env).length === 0 ? {} : { agent: { env: expanded.env } }),
    egress: { allow: expanded.entries },
  };
  if (asJson) return printLine(safeJson(spec, 2));
  printLine(`# ${preset.about}\n${stringify(spec, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd()}`);
}
