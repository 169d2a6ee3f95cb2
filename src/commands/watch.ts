// `bottle watch`, `bottle approve`, `bottle deny`: a person decides on held requests.
import type { Command } from 'commander';
import type { WatchOptions } from '../control/watch-held.ts';

const SESSION = 'name or id; of `bottle proxy` the path that it prints as `control`';

export function registerWatch(program: Command): void {
  program
    .command('watch')
    .description('show requests that wait for a person (on_match: hold, on_deny: hold, confirm), and decide on them')
    .argument('[session]', `${SESSION}; without it the latest session`)
    .option('--json', 'events as JSON lines; asks nothing')
    .addHelpText(
      'after',
      `
On a terminal it asks about one request after the other: y lets it pass, n refuses it, a lets it pass and does not ask again for the
same secret on that host, or the same method and path, while the session lives. With "confirm: each" in the spec every
request is asked about, whatever was said before. Ends with Ctrl-C; nothing is decided by that.

Example:
  bottle watch web-shop`,
    )
    .action(async (session: string | undefined, options: WatchOptions) => {
      const { watchHeld } = await import('../control/watch-held.ts');
      await watchHeld(session, options);
    });
}

export function registerApprove(program: Command): void {
  program
    .command('approve')
    .description('let a held request pass; exit 1 when it waits no longer')
    .argument('<session>', SESSION)
    .argument('<id>', 'as `bottle watch` shows it')
    .option('--always', 'and do not ask again for the same, while the session lives')
    .addHelpText('after', '\nExample:\n  bottle approve web-shop mb5fcrp4khsj')
    .action(async (session: string, id: string, { always = false }: { readonly always?: boolean }) => {
      const { decideHeld } = await import('../control/decide-held.ts');
      await decideHeld(session, { do: 'approve', id, always });
    });
}

export function registerDeny(program: Command): void {
  program
    .command('deny')
    .description('refuse a held request; exit 1 when it waits no longer')
    .argument('<session>', SESSION)
    .argument('<id>', 'as `bottle watch` shows it')
    .addHelpText('after', '\nExample:\n  bottle deny web-shop mb5fcrp4khsj')
    .action(async (session: string, id: string) => {
      const { decideHeld } = await import('../control/decide-held.ts');
      await decideHeld(session, { do: 'deny', id });
    });
}
