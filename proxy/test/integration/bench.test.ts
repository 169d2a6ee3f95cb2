// The bench's own honesty: everyone forwards what they are measured by, and who does not is found out. No figure is judged.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CONTESTANTS, startOrigin } from '../../../bench/contestants.ts';
import { type Machine, prepareMachine } from '../../../bench/machine.ts';
import { measure, type Row } from '../../../bench/measure.ts';
import type { Measured } from '../../../bench/process.ts';
import { renderPlot } from '../../../bench/report/plot.ts';
import { summarise } from '../../../bench/report/summary.ts';
import { renderTable } from '../../../bench/report/table.ts';
import { WORKLOADS } from '../../../bench/workloads.ts';

const size = { seconds: 0.02, scale: 1 / 256, leastShare: 0 };
const own = CONTESTANTS.filter(({ isPeer }) => !isPeer);
const running: Measured[] = [];
let machine: Machine;
let origin: Measured;

beforeAll(async () => {
  machine = prepareMachine();
  origin = await startOrigin(machine);
  running.push(origin);
});

afterAll(async () => {
  for (const one of running.reverse()) await one.stop();
  machine.remove();
});

test('every contestant brings every workload to the origin, and the report names them all', async () => {
  const rows: Row[] = [];
  for (const contestant of own) {
    const measured = await contestant.start(machine, origin.port, null);
    running.push(measured);
    for (const workload of WORKLOADS) {
      const row = await measure(workload, contestant, measured, { machine, originPort: origin.port, size });
      if (row === null) continue;
      expect(row.cpuMicros, `${contestant.name}, ${workload.name}`).toBeGreaterThan(0);
      rows.push(row);
    }
  }
  const starts = own.map(({ name }) => ({ contestant: name, listenMs: 1, idleBytes: 1 }));
  const report = summarise({
    rows,
    starts,
    failures: [],
    contestants: own,
    workloads: WORKLOADS,
    cores: null,
    machineCores: 2,
    load: [1, 2],
    rounds: 1,
  });
  for (const { cells, workload } of report.lines) {
    for (const name of ['floor-http', 'floor-pipe', 'tunnel']) expect(Object.keys(cells), workload).toContain(name);
  }
  const table = renderTable(report);
  const plot = renderPlot(report);
  for (const { name } of WORKLOADS) {
    expect(table).toContain(name);
    expect(plot).toContain(name);
  }
}, 60_000);

test('a contestant that gets its answers elsewhere is found out by the counts at the origin', async () => {
  const elsewhere = await startOrigin(machine);
  running.push(elsewhere);
  const tunnel = own.find(({ name }) => name === 'tunnel')!;
  const impostor = await tunnel.start(machine, elsewhere.port, null);
  running.push(impostor);
  for (const workload of WORKLOADS.filter(({ isFresh }) => isFresh !== true)) {
    const measuring = measure(workload, tunnel, impostor, { machine, originPort: origin.port, size });
    const error: unknown = await measuring.catch((thrown: unknown) => thrown);
    expect(error, workload.name).toHaveProperty('message', `tunnel failed at ${workload.name}`);
    expect(error).toHaveProperty('cause.message', expect.stringMatching(/: 0 of \d+ \w+ at the origin$/));
  }
}, 60_000);
