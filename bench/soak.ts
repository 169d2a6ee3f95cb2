// npm run soak -- --connections N --seconds S: connections of every fate through the real proxy; after each step what the proxy holds is printed.
// npm run soak -- --gib N: one upload and one download of that size, the same way.
// Descriptors must come back to where they were, memory must level off, and every exchange must have its one record.
import { readdirSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { routeTo, testConfig } from '../proxy/test/integration/harness/config.ts';
import { startProxy, until } from '../proxy/test/integration/harness/proxy.ts';
import { INSPECTED, openHeap, withoutInspector } from './heap.ts';
import { FATES } from './soak-fates.ts';
import { transfer } from './soak-transfer.ts';
import { startSoakUpstream } from './soak-upstream.ts';

export interface SoakStep {
  readonly connections: number;
  readonly seconds: number;
  /** Open descriptors of the proxy while no client is there. */
  readonly descriptors: number;
  readonly residentMb: number;
  /** Alive after a collection. */
  readonly heapMb: number;
  readonly records: number;
}

export interface SoakOptions {
  readonly connections: number;
  /** Ends earlier when this is over. */
  readonly seconds: number;
  readonly steps: number;
  readonly onStep?: (step: SoakStep) => void;
}

const HOST = 'soak.example';
const AT_ONCE = 48;

/** Fails when a fate goes otherwise than it should, or a record is missing or one too many. */
export async function soak({
  connections,
  seconds,
  steps,
  onStep = () => {},
}: SoakOptions): Promise<readonly SoakStep[]> {
  process.env.NODE_OPTIONS = INSPECTED;
  const upstream = await startSoakUpstream(HOST);
  const proxy = await startProxy((directory) =>
    testConfig(directory, {
      routes: [routeTo(HOST)],
      roots: upstream.roots,
      map: { [`${HOST}:443`]: upstream.address },
    }),
  );
  const heap = await openHeap(proxy);
  const place = { port: proxy.port, ca: proxy.ca, host: HOST };
  const began = performance.now();
  const told: SoakStep[] = [];
  let done = 0;
  let least = 0;
  let most = 0;
  const lines = countLines(proxy.auditPath);
  const isOver = (): boolean => performance.now() - began > seconds * 1000;
  const measure = async (): Promise<void> => {
    await until(() => lines() >= least, `at least ${least} records; there are ${lines()}`);
    // Idle upstream connections stay in the pool: what counts is that they do not grow.
    const step = {
      connections: done,
      seconds: (performance.now() - began) / 1000,
      descriptors: readdirSync(`/proc/${proxy.pid}/fd`).length,
      residentMb: residentMb(proxy.pid),
      heapMb: await heap.aliveMb(),
      records: lines(),
    };
    told.push(step);
    onStep(step);
  };
  try {
    await measure();
    for (let step = 1; step <= steps && !isOver(); step++) {
      const target = Math.round((connections * step) / steps);
      const worker = async (): Promise<void> => {
        while (done < target && !isOver()) {
          const fate = FATES[done++ % FATES.length]!;
          try {
            await fate.live(place);
          } catch (error) {
            throw new Error(`${fate.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
          }
          least += fate.records ?? 0;
          most += fate.records ?? 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      await measure();
    }
    const records = lines();
    if (records > most) throw new Error(`${records} records, but ${most} exchanges at most`);
    const complaint = withoutInspector(proxy.stderr());
    if (complaint !== '') throw new Error(`the proxy complained: ${complaint.slice(0, 2000)}`);
  } finally {
    heap.close();
    await proxy.stop();
    upstream.close();
  }
  return told;
}

/** Counts on from where it was: the log gets long. */
function countLines(path: string): () => number {
  let bytes = 0;
  let count = 0;
  return () => {
    const text = readFileSync(path);
    for (let at = text.indexOf(10, bytes); at >= 0; at = text.indexOf(10, at + 1)) {
      count++;
      bytes = at + 1;
    }
    return count;
  };
}

export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 102.4) / 10;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '20000' },
      seconds: { type: 'string', default: '3600' },
      steps: { type: 'string', default: '20' },
      gib: { type: 'string' },
    },
  });
  const row = (...cells: readonly (string | number)[]): void =>
    console.log(cells.map((cell) => String(cell).padStart(13)).join(''));
  if (values.gib !== undefined) {
    row('', 'GiB', 'seconds', 'resident MB', 'heap MB');
    await transfer(Number(values.gib), (one) =>
      row(one.way, one.gib, one.seconds.toFixed(1), one.residentMb, one.heapMb),
    );
  } else {
    row('connections', 'seconds', 'descriptors', 'resident MB', 'heap MB', 'records');
    await soak({
      connections: Number(values.connections),
      seconds: Number(values.seconds),
      steps: Number(values.steps),
      onStep: (one) =>
        row(one.connections, one.seconds.toFixed(1), one.descriptors, one.residentMb, one.heapMb, one.records),
    });
  }
}
