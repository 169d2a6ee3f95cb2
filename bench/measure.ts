// One workload on one contestant: what it cost, and whether the origin saw all of it.
import { request } from 'node:https';
import type { Contestant } from './contestants.ts';
import { type Machine, ORIGIN } from './machine.ts';
import type { Measured } from './process.ts';
import type { Counts } from './programs/origin.ts';
import type { Load, Workload } from './workloads/workload.ts';

export interface Row {
  readonly workload: string;
  readonly contestant: string;
  readonly perSecond: number;
  /** Of the contestant alone, per operation. */
  readonly cpuMicros: number;
  readonly p50Micros: number | null;
  /** Highest resident memory during the workload, above what it was before. */
  readonly growthBytes: number;
  readonly heldBytes: number | null;
}

export interface Size extends Pick<Load, 'seconds' | 'scale'> {
  /** Share of what each workload does at least. */
  readonly leastShare: number;
}

export interface Setting {
  readonly machine: Machine;
  readonly originPort: number;
  readonly size: Size;
}

/** null = the contestant does not speak what the workload does. Throws when it did not do what it said. */
export async function measure(
  workload: Workload,
  contestant: Contestant,
  shared: Measured,
  { machine, originPort, size }: Setting,
): Promise<Row | null> {
  const measured = workload.isFresh === true ? await contestant.start(machine, originPort) : shared;
  try {
    const isTunnel = contestant.name === 'tunnel';
    const target = {
      proxyPort: measured.port,
      ca: isTunnel ? machine.cert : measured.ca,
      host: ORIGIN,
      port: originPort,
    };
    const { seconds, scale, leastShare } = size;
    const least = Math.ceil((workload.least ?? 0) * leastShare);
    const load = { target, seconds, scale, least, rssBytes: measured.rssBytes };
    // Once before it counts: what runs for the first time is not compiled yet.
    if (least > 0) await workload.run({ ...load, seconds: seconds / 4, least: Math.ceil(least / 2) });
    const seen = await countsOf(originPort, machine.cert);
    measured.peakBytes();
    const restBytes = measured.rssBytes();
    const cpuBefore = measured.cpuMicros();
    const outcome = await workload.run(load);
    if (outcome === null) return null;
    const cpuMicros = (measured.cpuMicros() - cpuBefore) / outcome.operations;
    const now = await countsOf(originPort, machine.cert);
    for (const [what, least] of Object.entries(outcome.atOrigin) as [keyof Counts, number][]) {
      const came = now[what] - seen[what];
      if (came < least)
        throw new Error(`${contestant.name}, ${workload.name}: ${came} of ${least} ${what} at the origin`);
    }
    return {
      workload: workload.name,
      contestant: contestant.name,
      perSecond: outcome.operations / (outcome.wallMs / 1000),
      cpuMicros,
      p50Micros: outcome.p50Micros,
      growthBytes: Math.max(0, measured.peakBytes() - restBytes),
      heldBytes: outcome.heldBytes ?? null,
    };
  } catch (error) {
    throw new Error(`${contestant.name} failed at ${workload.name}`, { cause: error });
  } finally {
    if (measured !== shared) await measured.stop();
  }
}

function countsOf(port: number, ca: string): Promise<Counts> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/counts', servername: ORIGIN, ca, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve(JSON.parse(text) as Counts));
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}
