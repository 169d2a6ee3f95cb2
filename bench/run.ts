// `npm run bench`: our proxy beside floors and peers in one run, round by round, as ratios.
//
//   --full          peers too, three rounds, full sizes: some minutes; without it: about a minute
//   --peers         installs the peers first (Debian, root); scripts/bench.sh does it
//   --rounds N, --only TEXT (workloads whose name holds it), --json
//   --write         the full run's table and plot to docs/bench/
//
// CPU per operation is the figure to trust; wall figures depend on the machine's other work.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTESTANTS, type Contestant, startOrigin } from './contestants.ts';
import { measureCores } from './cores.ts';
import { type Machine, pinSelf, prepareMachine } from './machine.ts';
import { measure, type Row } from './measure.ts';
import type { Measured } from './process.ts';
import { renderPlot } from './report/plot.ts';
import { type Report, summarise } from './report/summary.ts';
import { renderTable } from './report/table.ts';
import { WORKLOADS } from './workloads.ts';

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const isFull = options.full || options.write;
const rounds = Number(options.rounds ?? (isFull ? 3 : 1));
const size = isFull ? { seconds: 1.5, scale: 1 } : { seconds: 0.4, scale: 1 / 8 };

const machine = prepareMachine();
const running: Measured[] = [];
try {
  const report = await run(machine);
  if (options.write) write(report);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderTable(report));
} finally {
  for (const one of running.reverse()) await one.stop();
  machine.remove();
}
process.exit();

async function run(machine: Machine): Promise<Report> {
  const origin = await startOrigin(machine);
  running.push(origin);
  pinSelf(machine.loadCore);
  const here = CONTESTANTS.filter((one) => one.isHere() && (isFull || !one.isPeer));
  const workloads = WORKLOADS.filter(({ name }) => name.includes(options.only));
  const started = new Map<Contestant, Measured>();
  for (const contestant of here) {
    const measured = await contestant.start(machine, origin.port);
    started.set(contestant, measured);
    running.push(measured);
  }
  const starts = here.map((contestant) => {
    const { listenMs, rssBytes } = started.get(contestant)!;
    return { contestant: contestant.name, listenMs, idleBytes: rssBytes() };
  });

  const rows: Row[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const workload of workloads) {
      // Whoever was first is last next time.
      for (const contestant of round % 2 === 1 ? [...here].reverse() : here) {
        process.stderr.write(`\rround ${round + 1} of ${rounds}: ${workload.name}, ${contestant.name}\x1b[K`);
        const row = await measure(workload, contestant, started.get(contestant)!, {
          machine,
          originPort: origin.port,
          size,
        });
        if (row !== null) rows.push(row);
      }
    }
  }
  process.stderr.write('\r\x1b[K');
  const cores =
    options.only === '' || options.only === 'cores' ? await measureCores(machine, origin.port, size.seconds) : null;
  return summarise({ rows, starts, contestants: here, workloads, cores, machineCores: machine.cores, rounds });
}

function write(report: Report): void {
  const folder = join(import.meta.dirname, '../docs/bench');
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'results.md'), renderTable(report));
  writeFileSync(join(folder, 'results.svg'), renderPlot(report));
}
