import { expect, test } from 'vitest';
import { editDistance, nearest } from '../../../src/report/nearest.ts';

test.each([
  ['start', 'start', 0],
  ['strat', 'start', 1],
  ['logs', 'log', 1],
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
])('from %j to %j takes %i edits', (from, to, edits) => {
  expect(editDistance(from, to)).toBe(edits);
});

test('the nearest known word is found, whatever its case', () => {
  expect(nearest('Strat', ['stop', 'start', 'show'])).toBe('start');
});

test('a word that is like nothing gets no suggestion', () => {
  expect(nearest('frobnicate', ['stop', 'start', 'show'])).toBeUndefined();
});
