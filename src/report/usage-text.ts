// Commander's complaints in our form: one line, `bottle: what; fix`.
import { printable } from './printable.ts';

/** `help`: the command that prints more. From `error: unknown command 'strat'\n(Did you mean start?)` to `bottle: unknown command "strat"; did you mean "start"?`. */
export function usageText(text: string, help = 'bottle --help'): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const what = printable(first.replace(/^error: /, '').replace(/\.$/, '')).replace(/'([^']*)'/g, '"$1"');
  const suggestion = /\(Did you mean (one of )?(.+?)\?\)/.exec(rest.join(' '));
  if (suggestion === null) return `bottle: ${what}; see "${help}"`;
  const words = (suggestion[2] ?? '').split(', ').map((word) => `"${word}"`);
  return `bottle: ${what}; did you mean ${words.join(' or ')}?`;
}
