// One thread of the proxy against several: the same load, more connections than threads.
import { startBottle } from './contestants.ts';
import { type Machine, ORIGIN } from './machine.ts';
import { threadMicros } from './process.ts';
import { POST_JSON } from './workloads/http.ts';

export type CoresFigures = readonly {
  readonly workers: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
  /** Share of the busiest thread in the CPU of all. */
  readonly busiestShare: number;
  /** Throughput with a core for each thread, as a multiple of one thread's. */
  readonly wouldBe: number;
}[];

export async function measureCores(machine: Machine, originPort: number, seconds: number): Promise<CoresFigures> {
  const all = `0-${machine.cores - 1}`;
  const figures: { workers: number; perSecond: number; cpuMicros: number; busiestShare: number }[] = [];
  for (const workers of [1, Math.min(2, machine.cores)]) {
    const bottle = await startBottle(machine, originPort, machine.proxyCore === null ? null : all, { workers });
    try {
      const target = { proxyPort: bottle.port, ca: bottle.ca, host: ORIGIN, port: originPort };
      const load = { target, seconds, scale: 1, rssBytes: bottle.rssBytes };
      // Threads join when there is work.
      await POST_JSON.run({ ...load, seconds: 3 });
      const before = threadMicros(bottle.pid);
      const outcome = await POST_JSON.run(load);
      if (outcome === null) throw new Error('bottle does not speak HTTP/1.1');
      const spent = threadMicros(bottle.pid).map((micros, index) => micros - (before[index] ?? 0));
      const sum = spent.reduce((a, b) => a + b, 0);
      figures.push({
        workers,
        perSecond: outcome.operations / (outcome.wallMs / 1000),
        cpuMicros: sum / outcome.operations,
        busiestShare: Math.max(...spent) / sum,
      });
    } finally {
      await bottle.stop();
    }
  }
  const one = (figures[0]?.cpuMicros ?? 0) * (figures[0]?.busiestShare ?? 0);
  return figures.map((figure) => ({ ...figure, wouldBe: one / (figure.cpuMicros * figure.busiestShare) }));
}
