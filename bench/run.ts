// `npm run bench`: our proxy beside floors and peers in one run, round by round, as ratios.
//
//   --full          peers too, full sizes, up to three rounds as long as BUDGET_MS allows; without it: about a minute
//   --peers         installs the peers first (Debian, root); scripts/bench.sh does it
//   --rounds N, --only TEXT (workloads whose name holds it; several with commas), --json
//   --write         the full run's table and plot to docs/bench/
//
// A contestant that fails at something says so in the report, and the others go on; only our own failure fails the run.
// CPU per operation is the figure to trust; wall figures depend on the machine's other work.
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BOTTLE, CONTESTANTS, startOrigin } from './contestants.ts';
import { type CoresFigures, measureCores } from './cores.ts';
import { Field } from './field.ts';
import { type Machine, pinSelf, prepareMachine } from './machine.ts';
import type { Row, Size } from './measure.ts';
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
/** No further round begins when it would end after this. */
const BUDGET_MS = 13 * 60_000;
const isFull = options.full || options.write;
const rounds = Number(options.rounds ?? (isFull ? 3 : 1));
const size: Size = isFull
  ? { seconds: 1.2, scale: 1, leastShare: 1 }
  : { seconds: 0.4, scale: 1 / 8, leastShare: 1 / 8 };
const wanted = options.only.split(',');
const begun = performance.now();
const loadBefore = loadavg()[0] ?? 0;

const machine = prepareMachine();
let report: Report;
try {
  report = await run(machine);
  if (options.write) write(report);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderTable(report));
} finally {
  machine.remove();
}
process.exit(report.failures.some(({ contestant }) => contestant === BOTTLE) ? 1 : 0);

async function run(machine: Machine): Promise<Report> {
  const origin = await startOrigin(machine);
  pinSelf(machine.loadCore);
  const contestants = CONTESTANTS.filter((one) => one.isHere() && (isFull || !one.isPeer));
  const workloads = WORKLOADS.filter(({ name }) => wanted.some((text) => name.includes(text)));
  const field = new Field(machine, origin.port);
  try {
    tell('starts');
    const starts = await field.open(contestants, isFull ? 3 : 2);
    const rows: Row[] = [];
    let done = 0;
    for (let roundMs = 0; done < rounds && performance.now() - begun + roundMs < BUDGET_MS; done += 1) {
      const from = performance.now();
      for (const workload of workloads) {
        // Whoever was first is last next time.
        for (const contestant of done % 2 === 1 ? [...contestants].reverse() : contestants) {
          tell(`round ${done + 1} of ${rounds}: ${workload.name}, ${contestant.name}`);
          const row = await field.measure(workload, contestant, size);
          if (row !== null) rows.push(row);
        }
      }
      roundMs = performance.now() - from;
    }
    await field.close();
    const cores = wanted.includes('') || wanted.includes('cores') ? await coresOf(origin.port, field) : null;
    const { failures } = field;
    const load = [loadBefore, loadavg()[0] ?? 0] as const;
    const measured = { rows, starts, failures, cores, load, rounds: done };
    return summarise({ ...measured, contestants, workloads, machineCores: machine.cores });
  } finally {
    tell('');
    await field.close();
    await origin.stop();
  }
}

async function coresOf(originPort: number, field: Field): Promise<CoresFigures | null> {
  tell('more cores');
  try {
    return await measureCores(machine, originPort, size.seconds);
  } catch (error) {
    field.failures.push({ contestant: BOTTLE, workload: 'more cores', why: String(error) });
    return null;
  }
}

function tell(what: string): void {
  process.stderr.write(`\r${what}\x1b[K`);
}

function write(report: Report): void {
  const folder = join(import.meta.dirname, '../docs/bench');
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(folder, 'results.md'), renderTable(report));
  writeFileSync(join(folder, 'results.svg'), renderPlot(report));
}
