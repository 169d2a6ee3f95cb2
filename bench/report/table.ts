// The report as Markdown that reads as well on a terminal. Pure.
import { BOTTLE } from '../contestants.ts';
import { GOALS } from './goals.ts';
import type { Cell, Report } from './summary.ts';

const MIB = 1024 * 1024;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

interface Figure {
  readonly title: string;
  readonly of: (cell: Cell) => number | null;
  readonly show: (value: number) => string;
  /** Of which contestants' ratio the last columns tell. */
  readonly isRatio: boolean;
}

const FIGURES: readonly Figure[] = [
  { title: 'CPU of the proxy, µs an operation', of: (cell) => cell.cpuMicros, show: whole, isRatio: true },
  { title: 'Operations a second', of: (cell) => cell.perSecond, show: whole, isRatio: true },
  { title: 'Latency, median, µs', of: (cell) => cell.p50Micros, show: whole, isRatio: true },
  {
    title: 'Memory: growth while it runs, MiB',
    of: (cell) => cell.growthBytes / MIB,
    show: (value) => value.toFixed(1),
    isRatio: false,
  },
  {
    title: 'Memory of one that is held, KiB',
    of: (cell) => held(cell),
    show: (value) => value.toFixed(0),
    isRatio: true,
  },
];

function held(cell: Cell): number | null {
  return cell.heldBytes === null ? null : cell.heldBytes / 1024;
}

export function renderTable(report: Report): string {
  const names = report.contestants.map(({ name }) => name);
  const parts = FIGURES.map((figure) => {
    const ratios = figure.isRatio ? names.slice(1).map((name) => `/ ${name}`) : [];
    const lines = report.lines
      .filter(({ cells }) => Object.values(cells).some((cell) => figure.of(cell) !== null))
      .map(({ workload, unit, cells }) => {
        const values = names.map((name) => {
          const cell = cells[name];
          return cell === undefined ? null : figure.of(cell);
        });
        const [own, ...others] = values;
        const divided = ratios.map((_, index) => ratio(own ?? null, others[index] ?? null));
        return [
          `${workload} (${unit})`,
          ...values.map((value) => (value === null ? '-' : figure.show(value))),
          ...divided,
        ];
      });
    return lines.length === 0 ? '' : `## ${figure.title}\n\n${grid([['', ...names, ...ratios], ...lines])}\n`;
  });
  const who = report.contestants.map(({ name, does }) => `- ${name}: ${does}\n`).join('');
  const rounds = `${report.rounds} round${report.rounds === 1 ? '' : 's'}`;
  const intro = `Medians of ${rounds} on ${report.machineCores} cores: load and origin on one, the proxy on another. "/ x" is ours divided by x's. ${loadText(report)}\n`;
  return [
    `# npm run bench\n\n${intro}\n${who}`,
    ...parts,
    renderStarts(report),
    renderCores(report),
    renderGoals(report),
    renderFailures(report),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Above it, others took more of the machine than we did. */
const BUSY_LOAD = 4;

function loadText({ load }: Report): string {
  const text = `The machine's load average was ${load.map((value) => value.toFixed(1)).join(' before, ')} after.`;
  return Math.max(...load) < BUSY_LOAD
    ? text
    : `${text} It had much other work: times and rates are several times worse than at rest, and ratios of single rounds are rough.`;
}

function ratio(own: number | null, other: number | null): string {
  return own === null || other === null || other === 0 ? '-' : (own / other).toFixed(2);
}

function renderStarts({ starts }: Report): string {
  const lines = starts.map(({ contestant, listenMs, idleBytes }) => [
    contestant,
    listenMs.toFixed(0),
    (idleBytes / MIB).toFixed(0),
  ]);
  return `## Start and rest\n\n${grid([['', 'serving after ms', 'idle MiB'], ...lines])}\n`;
}

function renderCores({ cores }: Report): string {
  if (cores === null) return '';
  const lines = cores.map(({ workers, perSecond, cpuMicros, busiestShare, wouldBe }) => [
    String(workers),
    whole(perSecond),
    whole(cpuMicros),
    busiestShare.toFixed(2),
    wouldBe.toFixed(2),
  ]);
  const note =
    'On a machine whose cores the load takes as well, the rate tells little. "would be" is what threads on cores of their own reach: ' +
    'the CPU an operation of one thread, divided by that of the busiest of several.\n';
  const head = ['threads', 'requests a second', 'CPU µs', "busiest thread's share", 'would be x'];
  return `## More cores: ${'POST 100 KB JSON, scanned'}\n\n${note}\n${grid([head, ...lines])}\n`;
}

function renderGoals({ lines, starts }: Report): string {
  const rows = GOALS.flatMap((goal) => {
    const { figure, than, times } = goal;
    const figureOf = (name: string): number | null | undefined =>
      'workload' in goal
        ? lines.find(({ workload }) => workload === goal.workload)?.cells[name]?.[goal.figure]
        : starts.find(({ contestant }) => contestant === name)?.[goal.figure];
    const own = figureOf(BOTTLE);
    const other = figureOf(than);
    if (own === undefined || own === null || other === undefined || other === null || other === 0) return [];
    const is = own / other;
    const isMet = figure === 'perSecond' ? is >= times : is <= times;
    const sign = figure === 'perSecond' ? '>=' : '<=';
    const what = 'workload' in goal ? goal.workload : 'start and rest';
    return [[what, figure, than, `${sign} ${times}`, is.toFixed(2), isMet ? 'yes' : 'no']];
  });
  return rows.length === 0 ? '' : `## Goals\n\n${grid([['', 'figure', 'of', 'goal', 'is', 'met'], ...rows])}\n`;
}

function renderFailures({ failures }: Report): string {
  if (failures.length === 0) return '';
  const rows = failures.map(({ contestant, workload, why }) => [contestant, workload, why]);
  return `## Who could not do what\n\n${grid([['', 'at', 'why'], ...rows])}\n`;
}

export function grid(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [first = [], ...rest] = rows;
  return [line(first), rule, ...rest.map(line)].join('\n');
}
