// `bottle init`: a commented spec to begin with.
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printNote } from '../report/output.ts';

export function registerInit(program: Command): void {
  program
    .command('init')
    .description('print a commented spec to begin with, or write it to a new file')
    .argument('[file]', 'where to write it; never overwritten')
    .addHelpText(
      'after',
      `
Keep specs outside of what an agent works on, like ~/.config/bottle/web-shop.yaml.

Examples:
  bottle init > web-shop.yaml
  bottle init ~/.config/bottle/web-shop.yaml`,
    )
    .action(async (file: string | undefined) => {
      const { starterSpec } = await import('../spec/starter.ts');
      const text = starterSpec();
      if (file === undefined) {
        process.stdout.write(text);
        return;
      }
      write(file, text);
      printNote(`bottle: wrote ${file}; now: bottle check ${file}`);
    });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const isThere = error.code === 'EEXIST';
    throw new BottleError({
      what: `cannot write ${file}`,
      why: isThere
        ? 'it is there already'
        : error.code === 'ENOENT'
          ? 'its directory does not exist'
          : String(error.code),
      fix: isThere ? 'give another name, or remove it first' : 'give a path that can be written',
      exitCode: EXIT.input,
      cause: error,
    });
  }
}
