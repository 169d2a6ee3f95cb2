// Rows of all rounds -> medians. Pure.
import type { CoresFigures } from '../cores.ts';
import type { Row } from '../measure.ts';

export interface Start {
  readonly contestant: string;
  readonly listenMs: number;
  readonly idleBytes: number;
}

/** What one contestant could not do. */
export interface Failure {
  readonly contestant: string;
  /** Or what else it was asked for. */
  readonly workload: string;
  readonly why: string;
}

export interface Cell {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly p50Micros: number | null;
  readonly growthBytes: number;
  readonly heldBytes: number | null;
}

export interface Line {
  readonly workload: string;
  readonly unit: string;
  /** By contestant; absent = it does not speak this. */
  readonly cells: Readonly<Record<string, Cell>>;
}

export interface Report {
  readonly rounds: number;
  readonly machineCores: number;
  /** Load averages of the machine before and after: the bench alone makes about two. */
  readonly load: readonly [before: number, after: number];
  readonly contestants: readonly { readonly name: string; readonly does: string }[];
  readonly lines: readonly Line[];
  /** One of each contestant. */
  readonly starts: readonly Start[];
  readonly failures: readonly Failure[];
  readonly cores: CoresFigures | null;
}

export interface Measurements {
  readonly rows: readonly Row[];
  readonly starts: readonly Start[];
  readonly failures: readonly Failure[];
  readonly contestants: readonly { readonly name: string; readonly does: string }[];
  readonly workloads: readonly { readonly name: string; readonly unit: string }[];
  readonly cores: CoresFigures | null;
  readonly machineCores: number;
  readonly load: Report['load'];
  readonly rounds: number;
}

export function summarise({ rows, starts: started, contestants, workloads, ...rest }: Measurements): Report {
  const starts = contestants.flatMap(({ name }) => {
    const own = started.filter(({ contestant }) => contestant === name);
    if (own.length === 0) return [];
    const listenMs = median(own.map((start) => start.listenMs));
    return [{ contestant: name, listenMs, idleBytes: median(own.map((start) => start.idleBytes)) }];
  });
  const lines = workloads.map(({ name, unit }) => {
    const cells: Record<string, Cell> = {};
    for (const contestant of contestants) {
      const own = rows.filter((row) => row.workload === name && row.contestant === contestant.name);
      if (own.length > 0) cells[contestant.name] = medians(own);
    }
    return { workload: name, unit, cells };
  });
  return { ...rest, starts, contestants: contestants.map(({ name, does }) => ({ name, does })), lines };
}

function medians(rows: readonly Row[]): Cell {
  return {
    cpuMicros: median(rows.map((row) => row.cpuMicros)),
    perSecond: median(rows.map((row) => row.perSecond)),
    p50Micros: medianOrNull(rows.map((row) => row.p50Micros)),
    growthBytes: median(rows.map((row) => row.growthBytes)),
    heldBytes: medianOrNull(rows.map((row) => row.heldBytes)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
}
