import { expect, test } from 'vitest';
import { Rounds } from '../../../src/cores/rounds.ts';

/** Rounds that end when the test says so. */
function heldRounds() {
  const ran: (readonly number[])[] = [];
  const ends: ReturnType<typeof Promise.withResolvers<void>>[] = [];
  const clock = { ms: 0, waits: [] as number[] };
  const rounds = new Rounds<number>(
    (items) => {
      ran.push(items);
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return end.promise;
    },
    {
      now: () => clock.ms,
      wait: async (ms) => {
        clock.waits.push(ms);
        clock.ms += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
    },
  );
  return { rounds, ran, ends, clock };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test('two hundred that come while the first is under way go together in the next round', async () => {
  const { rounds, ran, ends } = heldRounds();
  const done: number[] = [];
  const first = rounds.add(0).then(() => done.push(0));
  await turn();
  const rest = Array.from({ length: 200 }, (_, index) => rounds.add(index + 1).then(() => done.push(index + 1)));
  await turn();
  expect(ran).toEqual([[0]]);
  expect(done).toEqual([]);
  ends[0]!.resolve();
  await first;
  await turn();
  expect(ran.map(({ length }) => length)).toEqual([1, 200]);
  // Nobody goes on before the own round is over.
  expect(done).toEqual([0]);
  ends[1]!.resolve();
  await Promise.all(rest);
  expect(done).toHaveLength(201);
});

test('those that come in one turn of the event loop are one round', async () => {
  const { rounds, ran, ends } = heldRounds();
  const all = [rounds.add(1), rounds.add(2), rounds.add(3)];
  await turn();
  ends[0]!.resolve();
  await Promise.all(all);
  expect(ran).toEqual([[1, 2, 3]]);
});

test('settled waits for what is under way and for what waits, and for nothing else', async () => {
  const { rounds, ends } = heldRounds();
  await rounds.settled();
  const order: string[] = [];
  const one = rounds.add(1);
  await turn();
  const underWay = rounds.settled().then(() => order.push('under way'));
  const two = rounds.add(2);
  const waiting = rounds.settled().then(() => order.push('waiting'));
  ends[0]!.resolve();
  await underWay;
  await turn();
  expect(order).toEqual(['under way']);
  ends[1]!.resolve();
  await Promise.all([one, two, waiting]);
  expect(order).toEqual(['under way', 'waiting']);
});

test('a round that fails fails for those who wait for it, and the next one runs', async () => {
  const { rounds, ran, ends } = heldRounds();
  const failing = rounds.add(1);
  await turn();
  const next = rounds.add(2);
  ends[0]!.reject(new Error('no'));
  await expect(failing).rejects.toThrow('no');
  await turn();
  ends[1]!.resolve();
  await next;
  expect(ran).toEqual([[1], [2]]);
});

test('between two rounds there is as much time as the first one took, and no more than two seconds', async () => {
  const { rounds, ends, clock } = heldRounds();
  for (const [index, [tookMs, idleMs]] of (
    [
      [300, 0],
      [9_000, 100],
      [10, 5_000],
      [1, 50],
    ] as const
  ).entries()) {
    const round = rounds.add(index);
    await turn();
    clock.ms += tookMs;
    ends[index]!.resolve();
    await round;
    clock.ms += idleMs;
  }
  expect(clock.waits).toEqual([0, 300, 1_900, 0]);
});
