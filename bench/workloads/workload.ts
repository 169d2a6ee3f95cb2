// What is measured: each workload drives one contestant for a while and says how much it did and how long that took.
import type { Target } from '../client.ts';
import type { Counts } from '../programs/origin.ts';

export interface Load {
  readonly target: Target;
  /** How long to go on, in seconds; workloads of a fixed size take `scale`. */
  readonly seconds: number;
  /** Go on until so many operations are done, or it took LONGEST times as long: a busy machine would measure code that has not run hot. */
  readonly least?: number;
  /** 1 = full size, 1/8 = that of a quick run; below it (tests) the number of streams shrinks, too. */
  readonly scale: number;
  /** Resident memory of the contestant, in bytes. */
  readonly rssBytes: () => number;
}

export interface Outcome {
  readonly operations: number;
  readonly wallMs: number;
  /** Per-operation latency, median, in µs; null where throughput is the point. */
  readonly p50Micros: number | null;
  /** What the origin must have seen at least, or the contestant did not forward. */
  readonly atOrigin: Partial<Counts>;
  /** Memory of one operation's state while it is held, in bytes. */
  readonly heldBytes?: number;
}

export interface Workload {
  readonly name: string;
  /** One operation, for the table. */
  readonly unit: string;
  /** Operations that a full run does at least. */
  readonly least?: number;
  /** On a process of its own, so that nothing before it is in its memory. */
  readonly isFresh?: boolean;
  /** null = the contestant does not speak this. */
  run(load: Load): Promise<Outcome | null>;
}

const LONGEST = 5;

/** Whether to do one more operation, from now on. */
export function clockOf({ seconds, least = 0 }: Pick<Load, 'seconds' | 'least'>): (done: number) => boolean {
  const begun = performance.now();
  return (done) => {
    const passed = (performance.now() - begun) / 1000;
    return passed < seconds || (done < least && passed < seconds * LONGEST);
  };
}

export const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The head of a believable request. */
export function head({ host, port }: Pick<Target, 'host' | 'port'>, method: string, path: string, length = 0): string {
  const body = length > 0 ? `Content-Type: application/json\r\nContent-Length: ${length}\r\n` : '';
  return (
    `${method} ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n` +
    `X-Request-Id: 6f1c2d9a-5f0e-4a3a-9a54-3f1f2b9f7d11\r\n${body}\r\n`
  );
}
