// `bottle presets`: the names that `egress.use` takes, bottle's own and yours; the file of each, to be read or copied.
import { join } from 'node:path';
import type { Command } from 'commander';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printLine } from '../report/output.ts';
import { printable, printableLines, safeJson } from '../report/printable.ts';
import type { Preset } from '../spec/presets/read-preset.ts';

export function registerPresets(program: Command): void {
  program
    .command('presets')
    .description('list the presets for egress.use, or print the file of one of them')
    .argument('[preset]', 'its name, or the path of its file')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
A preset is a file. Your own lie in ~/.config/bottle/presets, or where a spec names them: \`use: [./presets/mycorp.yaml]\`.
"bottle show SPEC" prints what the presets of a spec become.

Examples:
  bottle presets
  bottle presets github-read > ~/.config/bottle/presets/my-github.yaml`,
    )
    .action(async (reference: string | undefined, options: { readonly json?: true }) => {
      if (reference === undefined) await list(options.json === true);
      else await print(reference, options.json === true);
    });
}

async function list(asJson: boolean): Promise<void> {
  const [{ builtInNames }, { machineSurroundings }] = await Promise.all([
    import('../spec/presets/built-in.ts'),
    import('../spec/load.ts'),
  ]);
  const own = machineSurroundings().ownPresets();
  const names = [...builtInNames().filter((name) => !own.has(name)), ...own.keys()];
  const rows = await Promise.all(names.map(async (name) => rowOf((await read(name)).preset, own.get(name) ?? null)));
  if (asJson) return printLine(safeJson(rows, 2));
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, about, secrets, choices, needsSecret, parameters, file } of rows) {
    const told = Object.keys(parameters).join(', ');
    const wants = secrets.length === 0 ? '' : `; ${needsSecret ? 'needs' : 'takes'} ${choices}`;
    const parts = `${wants}${told === '' ? '' : `; parameters ${told}`}${file === null ? '' : `; ${file}`}`.slice(2);
    printLine(printable(`${name.padEnd(width)}  ${about}${parts === '' ? '' : ` (${parts})`}`));
  }
}

function rowOf(preset: Preset, file: string | null) {
  const { name, about, needsSecret, parameters, roles } = preset;
  const secrets = [...new Set([...roles].flatMap(([role, others]) => [role, ...others]))];
  const choices = preset.choices.map((names) => names.join(' and ')).join(' or ');
  return { name, about, secrets, choices, needsSecret, parameters, file };
}

async function print(reference: string, asJson: boolean): Promise<void> {
  const { preset, text } = await read(reference);
  if (!asJson) return printLine(printableLines(text.trimEnd()));
  const { plainOf } = await import('../spec/located.ts');
  printLine(safeJson(plainOf(preset.root), 2));
}

async function read(reference: string): Promise<{ readonly preset: Preset; readonly text: string }> {
  const [{ findPreset }, { makePresetCheck, readPreset }, { machineSurroundings }, { SpecError }] = await Promise.all([
    import('../spec/presets/find.ts'),
    import('../spec/presets/read-preset.ts'),
    import('../spec/load.ts'),
    import('../report/spec-error.ts'),
  ]);
  // As if a spec here named it.
  const found = findPreset(reference, join('.', 'spec.yaml'), machineSurroundings());
  if ('words' in found) throw new BottleError({ ...found.words, exitCode: EXIT.input });
  const { preset, problems } = readPreset(found, found.isBuiltIn ? null : makePresetCheck());
  if (preset === null) throw new SpecError(problems);
  return { preset, text: found.text };
}
