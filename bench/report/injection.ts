// What was measured of each kind of injection, as figures beside those of what it is compared with, and as Markdown. Pure.
import type { Kind } from '../injection/kinds.ts';
import type { Turn } from '../injection/turn.ts';
import { median } from '../workloads/workload.ts';
import { grid } from './table.ts';

export interface Taken {
  readonly kind: Kind;
  readonly bytes: number;
  readonly turns: Turn[];
}

export interface InjectionLine {
  readonly kind: string;
  readonly than: string;
  /** Of the request's body. */
  readonly bytes: number;
  readonly p50Micros: number;
  /** The fastest tenth takes no longer: nobody else had the cores then. */
  readonly p10Micros: number;
  /** Of the proxy, a request. */
  readonly cpuMicros: number;
  /** Above what it is compared with. */
  readonly addedP50Micros: number;
  readonly addedP10Micros: number;
  readonly addedCpuMicros: number;
  readonly p50Ratio: number;
  readonly p10Ratio: number;
  readonly cpuRatio: number;
}

interface Circumstances {
  readonly rounds: number;
  readonly requests: number;
  /** Load averages before and after. */
  readonly load: readonly [number, number];
  readonly machineCores: number;
}

export interface InjectionReport extends Circumstances {
  readonly lines: readonly InjectionLine[];
}

export function summariseInjection(taken: readonly Taken[], circumstances: Circumstances): InjectionReport {
  const figures = taken.map(({ kind, bytes, turns }) => ({
    kind: kind.name,
    than: kind.than,
    bytes,
    p50Micros: median(turns.flatMap(({ micros }) => micros)),
    p10Micros: fastestTenth(turns.flatMap(({ micros }) => micros)),
    cpuMicros: median(turns.map(({ cpuMicros }) => cpuMicros)),
  }));
  const lines = figures.map((own) => {
    const other = figures.find(({ kind, bytes }) => kind === own.than && bytes === own.bytes);
    if (other === undefined) throw new TypeError(`${own.kind} is compared with nothing`);
    return {
      ...own,
      addedP50Micros: own.p50Micros - other.p50Micros,
      addedP10Micros: own.p10Micros - other.p10Micros,
      addedCpuMicros: own.cpuMicros - other.cpuMicros,
      p50Ratio: own.p50Micros / other.p50Micros,
      p10Ratio: own.p10Micros / other.p10Micros,
      cpuRatio: own.cpuMicros / other.cpuMicros,
    };
  });
  return { ...circumstances, lines };
}

const fastestTenth = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 10)] ?? 0;

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(Math.round(value))}`;

const isBase = ({ kind, than }: InjectionLine): boolean => kind === than;
const beside = (line: InjectionLine, added: number, ratio: number): readonly string[] =>
  isBase(line) ? ['', ''] : [signed(added), ratio.toFixed(2)];

/** `date`: of the run. */
export function renderInjection(
  { lines, rounds, requests, load, machineCores }: InjectionReport,
  date: string,
): string {
  const rows = lines.map((line) => [
    line.kind,
    `${line.bytes / 1000} KB`,
    String(Math.round(line.p50Micros)),
    ...beside(line, line.addedP50Micros, line.p50Ratio),
    String(Math.round(line.p10Micros)),
    ...beside(line, line.addedP10Micros, line.p10Ratio),
    String(Math.round(line.cpuMicros)),
    ...beside(line, line.addedCpuMicros, line.cpuRatio),
    isBase(line) ? '' : line.than,
  ]);
  const head = [
    '',
    'body',
    'p50 µs',
    'added',
    'ratio',
    'p10 µs',
    'added',
    'ratio',
    'CPU µs',
    'added',
    'ratio',
    'beside',
  ];
  return `# npm run bench -- --injection

${date}, ${machineCores} cores, load average ${load.map((value) => value.toFixed(1)).join(' before, ')} after. ${rounds} rounds of ${requests} requests of each kind, one after another:
a POST of JSON that is searched, through one process of the proxy with one thread to one origin. WebSockets, and a new token each time, have turns in a tenth of the
rounds. p50: median of all requests as the client sees them, proxy and origin included; p10: of the fastest tenth,
when nobody else had the cores. CPU: of the proxy alone, a request, median of the rounds. "none, again" is
the noise of this run: what differs less than it is no difference. What is judged before it is measured: that the origin sees the credential, in its place.

${grid([head, ...rows])}
`;
}
