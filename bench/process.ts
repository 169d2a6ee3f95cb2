// A process under measurement: its port, its CA, its CPU time and its memory.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Serving {
  readonly port: number;
  /** PEM of what its leaves are verified against. */
  readonly ca: string;
}

export interface Measured extends Serving {
  readonly pid: number;
  /** Milliseconds from spawn to serving. */
  readonly listenMs: number;
  /** User + system CPU time so far, its children's included, in µs. */
  cpuMicros(): number;
  /** Resident memory, its children's included, in bytes. */
  rssBytes(): number;
  /** Highest resident memory of the process since the last call, in bytes. */
  peakBytes(): number;
  stop(): Promise<void>;
}

export interface Launch {
  readonly name: string;
  readonly argv: readonly string[];
  /** Written to its stdin as one line of JSON; undefined = nothing. */
  readonly input?: unknown;
  readonly env?: NodeJS.ProcessEnv;
  /** Core list for taskset; null = anywhere. */
  readonly cores: string | null;
  /** What its first line on stdout that means something says. */
  readonly read?: (line: string) => Serving | null;
  /** For programs that say nothing: resolves once it serves. */
  readonly wait?: () => Promise<Serving>;
}

/** proc(5), clear_refs: resets the peak of the resident memory. */
const RESET_PEAK = '5';

export async function launch({ name, argv, input, env, cores, read, wait }: Launch): Promise<Measured> {
  const begun = performance.now();
  const [command, ...args] = cores === null ? argv : ['taskset', '-c', cores, ...argv];
  const child: ChildProcess = spawn(command as string, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2_000);
  });
  child.stdin?.on('error', () => {}); // It may not read: its exit is what counts.
  if (input !== undefined) child.stdin?.write(`${JSON.stringify(input)}\n`);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const serving = await Promise.race([
    exited.then((code) => Promise.reject(new Error(`${name} ended with ${code} before it served: ${said}`))),
    wait?.() ??
      new Promise<Serving>((resolve) => {
        lines.on('line', (line) => {
          const found = read?.(line) ?? null;
          if (found !== null) resolve(found);
        });
      }),
  ]);
  const pid = child.pid as number;
  return {
    ...serving,
    pid,
    listenMs: performance.now() - begun,
    cpuMicros: () => familyOf(pid).reduce((sum, one) => sum + total(threadMicros(one)), 0),
    rssBytes: () => familyOf(pid).reduce((sum, one) => sum + statusBytes(one, 'VmRSS'), 0),
    peakBytes: () => {
      const peak = statusBytes(pid, 'VmHWM');
      writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
      return peak;
    },
    stop: async () => {
      for (const one of familyOf(pid).reverse()) process.kill(one, 'SIGKILL');
      await exited;
    },
  };
}

/** The process and all that it started. */
function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(familyOf)];
}

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
}

/** CPU time of each of its threads, in µs; to the nanosecond, unlike the ticks of `stat`. */
export function threadMicros(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => {
    const [ran = '0'] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ');
    return Number(ran) / 1000;
  });
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
