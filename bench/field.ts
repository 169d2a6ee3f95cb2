// Who is on the field: every contestant started, measured one workload at a time, started anew when it failed. One that fails costs its own figure.
import { compileProxy } from './compile.ts';
import { COMPILED, type Contestant } from './contestants.ts';
import type { Machine } from './machine.ts';
import { measure, type Row, type Size } from './measure.ts';
import type { Measured } from './process.ts';
import type { Failure, Start } from './report/summary.ts';
import type { Workload } from './workloads/workload.ts';

/** Longer than any workload takes on a busy machine, in ms. */
const STUCK_MS = 45_000;
/** From serving to rest, in ms. */
const SETTLE_MS = 300;

export class Field {
  readonly failures: Failure[] = [];
  private readonly machine: Machine;
  private readonly originPort: number;
  private readonly running = new Map<Contestant, Measured>();

  constructor(machine: Machine, originPort: number) {
    this.machine = machine;
    this.originPort = originPort;
  }

  /** Each started that many times, in turns; the last one stays. One more before, which leaves compiled code behind. */
  async open(contestants: readonly Contestant[], times: number): Promise<readonly Start[]> {
    const starts: Start[] = [];
    compileProxy(COMPILED);
    for (let turn = 0; turn <= times; turn++) {
      for (const contestant of contestants) {
        await this.stop(contestant);
        if (!(await this.start(contestant)) || turn === 0) continue;
        const { listenMs, rssBytes } = this.running.get(contestant)!;
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
        starts.push({ contestant: contestant.name, listenMs, idleBytes: rssBytes() });
      }
    }
    return starts;
  }

  /** null = nothing to tell: it does not speak this, or it failed, now or before. */
  async measure(workload: Workload, contestant: Contestant, size: Size): Promise<Row | null> {
    const measured = this.running.get(contestant);
    if (measured === undefined || this.hasFailed(contestant, workload)) return null;
    const { promise: stuck, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`nothing came of it in ${STUCK_MS / 1000} s`)), STUCK_MS);
    try {
      const { machine, originPort } = this;
      return await Promise.race([measure(workload, contestant, measured, { machine, originPort, size }), stuck]);
    } catch (error) {
      this.fail(contestant, workload.name, error);
      await this.stop(contestant);
      await this.start(contestant);
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    for (const contestant of [...this.running.keys()].reverse()) await this.stop(contestant);
  }

  private async start(contestant: Contestant): Promise<boolean> {
    try {
      this.running.set(contestant, await contestant.start(this.machine, this.originPort));
      return true;
    } catch (error) {
      this.fail(contestant, 'start', error);
      return false;
    }
  }

  private async stop(contestant: Contestant): Promise<void> {
    await this.running.get(contestant)?.stop();
    this.running.delete(contestant);
  }

  private hasFailed({ name }: Contestant, workload: Workload): boolean {
    return this.failures.some((failure) => failure.contestant === name && failure.workload === workload.name);
  }

  private fail({ name }: Contestant, workload: string, error: unknown): void {
    const why = reasonsOf(error).at(-1) ?? String(error);
    this.failures.push({ contestant: name, workload, why: why.split(/[\r\n]/)[0]! });
  }
}

/** Of the error and of what caused it. */
function reasonsOf(error: unknown): readonly string[] {
  return error instanceof Error ? [error.message, ...reasonsOf(error.cause)] : [];
}
