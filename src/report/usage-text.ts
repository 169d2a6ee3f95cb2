// Commander's complaints in our form: one line, `bottle: what; fix`.
import { printable } from './printable.ts';

/** From `error: unknown command 'strat'\n(Did you mean start?)` to `bottle: unknown command "strat"; did you mean "start"?`. */
export function usageText(text: string): string {
  const [first = '', ...rest] = text.trim().split('\n');
  const what = printable(first.replace(/^error: /, '').replace(/\.$/, '')).replace(/'([^']*)'/g, '"$1"');
  const suggestion = /\(Did you mean (one of )?(.+?)\?\)/.exec(rest.join(' '));
  if (suggestion === null) return `bottle: ${what}; see "bottle --help"`;
  const words = (suggestion[2] ?? '').split(', ').map((word) => `"${word}"`);
  return `bottle: ${what}; did you mean ${words.join(' or ')}?`;
}
