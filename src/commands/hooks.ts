// `bottle hooks`: the pre-push hook that has gitleaks search what leaves.
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printLine } from '../report/output.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/bottle', import.meta.url));

export function registerHooks(program: Command): void {
  const hooks = program
    .command('hooks')
    .description('a pre-push hook that has gitleaks search what you push, in the repository that you are in')
    .addHelpText(
      'after',
      `
The hook searches exactly the commits that the remote does not have: files whatever attributes say, messages, names, tags.
An earlier hook is kept and runs after it; husky, lefthook, pre-commit and core.hooksPath are heeded.
It honours .gitleaks.toml and .gitleaksignore of the repository, and a baseline: git config bottle.baseline FILE.
Without gitleaks nothing is pushed, unless you choose bottle's own search: git config bottle.engine bottle.

Examples:
  bottle hooks install
  bottle hooks install --global     for all your repositories
  bottle hooks status`,
    );
  const everywhere = ['--global', 'for all your repositories, by core.hooksPath of your configuration'] as const;
  hooks
    .command('install')
    .description('put the hook in; again to renew it')
    .option(...everywhere)
    .action(async (options: { readonly global?: true }) => {
      const { installGlobally, installHook } = await import('../hooks/install-hooks.ts');
      for (const line of await (options.global ? installGlobally : installHook)(PROGRAM)) printLine(line);
    });
  hooks
    .command('uninstall')
    .description('take it away, and put back what was there before')
    .option(...everywhere)
    .action(async (options: { readonly global?: true }) => {
      const { uninstallGlobally, uninstallHook } = await import('../hooks/install-hooks.ts');
      for (const line of await (options.global ? uninstallGlobally : uninstallHook)()) printLine(line);
    });
  hooks
    .command('status')
    .description('is it in, and what searches; exit code 1: no')
    .option('--json', 'one JSON line')
    .action(async (options: { readonly json?: true }) => {
      const { showStatus } = await import('../hooks/show-status.ts');
      await showStatus(options.json === true);
    });
  hooks
    .command('run')
    .description('what the hook calls: reads what git gives a hook on stdin')
    .argument('<hook>', 'pre-push')
    .argument('[remote]', 'name of the remote, or its URL')
    .argument('[url]')
    .action(async (hook: string, remote: string | undefined) => {
      if (hook !== 'pre-push') {
        throw new BottleError({
          what: `there is no hook ${hook}`,
          why: 'bottle has pre-push alone',
          fix: 'bottle hooks run pre-push REMOTE URL < REFS',
          exitCode: EXIT.input,
        });
      }
      const [{ checkPush }, { text }] = await Promise.all([
        import('../hooks/check-push.ts'),
        import('node:stream/consumers'),
      ]);
      process.exitCode = await checkPush(remote ?? '', await text(process.stdin));
    });
}
