// `bottle why`: what the proxy would decide about a request, from the same function, without sending anything.
import type { Command } from 'commander';
import type { WhyOptions } from '../proxy-process/explain-request.ts';

export function registerWhy(program: Command): void {
  program
    .command('why')
    .description('say what would happen to a request, and why; sends nothing and needs no secret')
    .argument('<spec>', 'the spec')
    .argument('<method>', 'like GET')
    .argument('<url>', 'absolute, like https://api.github.com/user')
    .option('-H, --header <field>', 'a header field, "name: value"; may be repeated', collect, [])
    .option('-d, --body <text>', 'the body; @FILE reads a file, - reads stdin')
    .option('--json', 'the decision as JSON')
    .addHelpText(
      'after',
      `
Exit code 0: it would pass; 1: it would be refused; 2: the input is wrong.

Examples:
  bottle why web-shop.yaml GET https://api.github.com/repos/acme/web-shop
  bottle why web-shop.yaml POST https://api.example/notes --header 'content-type: text/plain' --body @note.txt`,
    )
    .action(async (spec: string, method: string, url: string, options: WhyOptions) => {
      const { explainRequest } = await import('../proxy-process/explain-request.ts');
      await explainRequest(spec, method, url, options);
    });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
