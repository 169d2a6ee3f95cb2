import { expect, it } from 'vitest';
import { soak } from '../../../bench/soak.ts';

it('connections of every fate leave their records and no descriptor behind', { timeout: 120_000 }, async () => {
  const steps = await soak({ connections: 660, seconds: 100, steps: 3 });
  const [start, ...after] = steps.map(({ descriptors }) => descriptors);
  // What stays are idle upstream connections in the pool, as many as there were clients at once.
  expect(Math.max(...after)).toBeLessThan(start! + 60);
  expect(steps.at(-1)).toMatchObject({ connections: 660 });
});
