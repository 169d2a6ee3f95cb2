// What was measured of each kind of injection, as figures beside those of what it is compared with, and as Markdown. Pure.
import type { Kind } from '../injection/kinds.ts';
import type { Turn } from '../injection/turn.ts';
import { median } from '../workloads/workload.ts';
import { grid } from './table.ts';

export interface Taken {
  readonly kind: Pick<Kind, 'name' | 'than'>;
  readonly bytes: number;
  readonly turns: Turn[];
}

export interface InjectionLine {
  readonly kind: string;
  readonly than: string;
  /** Of the request's body. */
  readonly bytes: number;
  readonly p50Micros: number;
  /** Of the proxy, a request. */
  readonly cpuMicros: number;
  /** Above what it is compared with. */
  readonly addedP50Micros: number;
  readonly addedCpuMicros: number;
  readonly p50Ratio: number;
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
    cpuMicros: median(turns.map(({ cpuMicros }) => cpuMicros)),
  }));
  const lines = figures.map((own) => {
    const other = figures.find(({ kind, bytes }) => kind === own.than && bytes === own.bytes);
    if (other === undefined) throw new TypeError(`${own.kind} is compared with nothing`);
    return {
      ...own,
      addedP50Micros: own.p50Micros - other.p50Micros,
      addedCpuMicros: own.cpuMicros - other.cpuMicros,
      p50Ratio: own.p50Micros / other.p50Micros,
      cpuRatio: own.cpuMicros / other.cpuMicros,
    };
  });
  return { ...circumstances, lines };
}

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
    String(Math.round(line.cpuMicros)),
    ...beside(line, line.addedCpuMicros, line.cpuRatio),
    isBase(line) ? '' : line.than,
  ]);
  const head = ['', 'body', 'p50 µs', 'added', 'ratio', 'CPU µs', 'added', 'ratio', 'beside'];
  return `# npm run bench -- --injection

${date}, ${machineCores} cores, load average ${load.map((value) => value.toFixed(1)).join(' before, ')} after. ${rounds} rounds in turns, ${requests} requests of a
kind in each (a third of it with large bodies and WebSockets), one after another: a POST of JSON that is searched, through one process of the proxy with one thread to one origin.
p50: median of all requests, as the client sees them, proxy and origin included. CPU: of the proxy alone, a request, median of the rounds. "none, again" is the noise
of this run: what differs less than it is no difference. A request with a placeholder has one field more than the one it stands beside.

${grid([head, ...rows])}
`;
}
