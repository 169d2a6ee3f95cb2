import { expect, test } from 'vitest';
import { tableLines } from '../../../src/report/table.ts';

test('columns are as wide as their content, numbers stand to the right, no line ends with a space', () => {
  const lines = tableLines(
    [{ title: 'HOST' }, { title: 'N', align: 'right' }, { title: 'NOTE' }],
    [
      ['a.example', '5', ''],
      ['b', '120', 'x'],
    ],
  );
  expect(lines).toEqual(['HOST         N  NOTE', 'a.example    5', 'b          120  x']);
});

test('cells cannot move the cursor or forge a line', () => {
  expect(tableLines([{ title: 'A' }], [['x\u001b[2A\ny']])).toEqual(['A', 'x y']);
});
