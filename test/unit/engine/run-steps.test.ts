import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runSteps } from '../../../src/engine/run-steps.ts';

const steps = [
  { id: 'last', after: ['left', 'right'] },
  { id: 'left', after: ['first'] },
  { id: 'right', after: ['first'] },
  { id: 'first', after: [] },
];
const never = new AbortController().signal;

/** Performs steps and notes when each begins and ends. */
function recorder(fail?: string) {
  const log: string[] = [];
  const perform = async (step: { id: string }) => {
    log.push(`+${step.id}`);
    await tick();
    if (step.id === fail) throw new Error(`${step.id} failed`);
    await tick();
    log.push(`-${step.id}`);
  };
  return { log, perform };
}

test('a step begins when those before it have ended, and independent ones run at the same time', async () => {
  const { log, perform } = recorder();
  await runSteps(steps, perform, never);
  expect(log.join(' ')).toBe('+first -first +left +right -left -right +last -last');
});

test('a failure is thrown after everything that had begun has ended, and nothing begins any more', async () => {
  const { log, perform } = recorder('left');
  await expect(runSteps(steps, perform, never)).rejects.toThrow('left failed');
  expect(log.join(' ')).toBe('+first -first +left +right -right');
});

test('nothing begins after an abort, and its reason is thrown', async () => {
  const { log, perform } = recorder();
  const abort = new AbortController();
  const running = runSteps(steps, perform, abort.signal);
  abort.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(log.join(' ')).not.toContain('left');
});
