import { expect, test } from 'vitest';
import { UndoStack } from '../../../src/engine/undo-stack.ts';

test('what was done last is undone first, each once', async () => {
  const undone: string[] = [];
  const undo = new UndoStack();
  for (const name of ['a', 'b', 'c']) undo.push(name, () => void undone.push(name));
  await Promise.all([undo.unwind(), undo.unwind()]);
  await undo.unwind();
  expect(undone).toEqual(['c', 'b', 'a']);
});

test('a failure does not keep the others from being undone, and is reported', async () => {
  const undone: string[] = [];
  const undo = new UndoStack();
  undo.push('a', () => void undone.push('a'));
  undo.push('b', () => Promise.reject(new Error('stuck')));
  undo.push('c', () => void undone.push('c'));
  const failures = await undo.unwind();
  expect(undone).toEqual(['c', 'a']);
  expect(failures.map(({ name, error }) => `${name}: ${String(error)}`)).toEqual(['b: Error: stuck']);
});

test('what is added while it unwinds is undone too', async () => {
  const undone: string[] = [];
  const undo = new UndoStack();
  undo.push('a', async () => {
    undo.push('late', () => void undone.push('late'));
    undone.push('a');
  });
  await undo.unwind();
  expect(undone).toEqual(['a', 'late']);
});
