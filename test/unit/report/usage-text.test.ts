import { expect, test } from 'vitest';
import { usageText } from '../../../src/report/usage-text.ts';

test.each([
  ["error: unknown command 'strat'\n(Did you mean start?)\n", 'bottle: unknown command "strat"; did you mean "start"?'],
  [
    "error: unknown command 'sto'\n(Did you mean one of start, stop?)\n",
    'bottle: unknown command "sto"; did you mean "start" or "stop"?',
  ],
  ["error: missing required argument 'spec'\n", 'bottle: missing required argument "spec"; see "bottle --help"'],
  [
    "error: too many arguments for 'ps'. Expected 0 arguments but got 1.",
    'bottle: too many arguments for "ps". Expected 0 arguments but got 1; see "bottle --help"',
  ],
  ["error: unknown command '\u001b[2Jx\u0007'", 'bottle: unknown command "x"; see "bottle --help"'],
])('%j becomes one line', (text, line) => {
  expect(usageText(text)).toBe(line);
});
