// Measures the phases of a start, for `--timings`.

export interface Phase {
  readonly name: string;
  /** Milliseconds from the start of the process. */
  readonly from: number;
  readonly ms: number;
}

export class Timings {
  readonly #phases: Phase[] = [];

  async measure<T>(name: string, work: () => Promise<T> | T): Promise<T> {
    const from = performance.now();
    try {
      return await work();
    } finally {
      this.#phases.push({ name, from, ms: performance.now() - from });
    }
  }

  /** A moment instead of a span: counted from the start of the process. */
  mark(name: string): void {
    this.#phases.push({ name, from: performance.now(), ms: 0 });
  }

  phases(): readonly Phase[] {
    return this.#phases.toSorted((a, b) => a.from - b.from);
  }
}

/** A table with a bar a phase: what ran beside what. */
export function formatTimings(phases: readonly Phase[]): string {
  const end = Math.max(1, ...phases.map((phase) => phase.from + phase.ms));
  const nameWidth = Math.max(...phases.map((phase) => phase.name.length), 5);
  const barWidth = 40;
  const rows = phases.map((phase) => {
    const left = Math.floor((phase.from / end) * barWidth);
    const length = phase.ms === 0 ? 0 : Math.max(1, Math.round((phase.ms / end) * barWidth));
    const bar =
      phase.ms === 0 ? `${' '.repeat(left)}|` : `${' '.repeat(left)}${'='.repeat(Math.min(length, barWidth - left))}`;
    const took = phase.ms === 0 ? '' : phase.ms.toFixed(0);
    return `${phase.name.padEnd(nameWidth)}  ${phase.from.toFixed(0).padStart(6)}  ${took.padStart(6)}  ${bar}`.trimEnd();
  });
  return [`${'phase'.padEnd(nameWidth)}  ${'at ms'.padStart(6)}  ${'took'.padStart(6)}`, ...rows].join('\n');
}
