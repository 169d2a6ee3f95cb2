// `npm run bench -- --injection` measures what it says: every kind puts its credential where it belongs, and one that does not is found out. No figure is judged.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configOf, launchBottle, routeTo } from '../../../bench/contestants.ts';
import { benchInjection } from '../../../bench/injection/field.ts';
import { kindsWith } from '../../../bench/injection/kinds.ts';
import { startOrigin } from '../../../bench/injection/origin.ts';
import { hostOf, openCase } from '../../../bench/injection/turn.ts';
import { type Machine, ORIGIN, prepareMachine } from '../../../bench/machine.ts';
import { renderInjection } from '../../../bench/report/injection.ts';
import { endSettings } from './harness/setting.ts';
import { later } from './harness/undo.ts';

let machine: Machine;
beforeAll(() => {
  machine = prepareMachine();
  later(() => machine.remove());
});
afterAll(endSettings);

test('every kind arrives as it should, and the report names them all', async () => {
  const options = { rounds: 1, requests: 1, warmUps: 0, cores: null, only: [''], tell: () => {} };
  const report = await benchInjection(machine, options);
  const table = renderInjection(report, '2026-01-31');
  for (const { name, sizes } of kindsWith({ ...machine, name: ORIGIN })) {
    const lines = report.lines.filter(({ kind }) => kind === name);
    expect(lines.map(({ bytes }) => bytes)).toEqual(sizes);
    for (const { cpuMicros, p50Micros } of lines) expect(Math.min(cpuMicros, p50Micros), name).toBeGreaterThan(0);
    expect(table).toContain(`| ${name} `);
  }
}, 60_000);

test('a kind whose credential stays away is found out', async () => {
  const origin = await startOrigin(machine);
  later(() => origin.close());
  const kinds = kindsWith({ ...machine, name: ORIGIN }).filter(({ route }) => Object.keys(route).length > 0);
  const without = configOf(machine, origin.port, {
    hosts: kinds.map(hostOf),
    routes: kinds.map((kind) => routeTo(origin.port, { id: kind.name, host: hostOf(kind) })),
    secrets: [],
  });
  const proxy = await launchBottle(without, null);
  later(() => proxy.stop());
  for (const kind of kinds) {
    const opening = openCase({ kind, bytes: 1000, proxy, origin });
    // Keys of AWS look like what they are: DLP stops their placeholders.
    await expect(opening, kind.name).rejects.toThrow(
      /1000 bytes: (not what it is measured by|unexpected answer: HTTP.1.1 403)/,
    );
  }
}, 60_000);
