import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { SharedCount } from '../../../src/cores/shared-count.ts';
import { SharedLock } from '../../../src/cores/shared-lock.ts';

const LOCK = new URL('../../../src/cores/shared-lock.ts', import.meta.url).href;

it('a step under the lock is never interleaved with that of another thread', async () => {
  const memory = new SharedArrayBuffer(8);
  const program = `
    const { workerData: { memory } } = require('node:worker_threads');
    import(${JSON.stringify(LOCK)}).then(({ SharedLock }) => {
      const words = new Int32Array(memory);
      const lock = new SharedLock(words.subarray(0, 1));
      // Reading and writing apart: without the lock, counts get lost.
      for (let i = 0; i < 20000; i++) lock.run(() => { const was = words[1]; for (let j = 0; j < 20; j++); words[1] = was + 1; });
    });`;
  const workers = Array.from({ length: 3 }, () => new Worker(program, { eval: true, workerData: { memory } }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
  expect(new Int32Array(memory)[1]).toBe(60_000);
});

it('a step that throws gives the lock back', () => {
  const lock = new SharedLock(new Int32Array(new SharedArrayBuffer(4)));
  expect(() =>
    lock.run(() => {
      throw new RangeError('no');
    }),
  ).toThrow(RangeError);
  expect(lock.run(() => 'next')).toBe('next');
});

it('counts on the same memory are one count', () => {
  const one = new SharedCount();
  const other = new SharedCount(one.memory);
  expect(one.add(3)).toBe(3);
  expect(other.add(-1)).toBe(2);
  expect(one.value).toBe(2);
});
