// A proxy under measurement: a child process with its port, its CA, its CPU time and its memory.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Contestant {
  readonly name: string;
  readonly port: number;
  /** PEM of what its leaves are verified against. */
  readonly ca: string;
  /** Milliseconds from spawn to serving. */
  readonly listenMs: number;
  /** User + system CPU time so far, in µs. */
  cpuMicros(): number;
  /** Resident memory, in bytes. */
  rssBytes(): number;
  stop(): void;
}

/** Clock ticks of /proc/PID/stat are 1/100 s on every Linux that Node supports (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MICROS = 10_000;

/** Starts `argv` with Node on the given core, writes `input` as its first line and waits for its first line that `read` accepts. */
export async function startContestant(
  name: string,
  argv: readonly string[],
  input: unknown,
  read: (line: string) => { port: number; ca: string } | null,
  core: string | null,
): Promise<Contestant> {
  const begun = performance.now();
  const [command, ...args] =
    core === null ? [process.execPath, ...argv] : ['taskset', '-c', core, process.execPath, ...argv];
  const child: ChildProcess = spawn(command as string, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin?.write(`${JSON.stringify(input)}\n`);
  const where = await new Promise<{ port: number; ca: string }>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it served`)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const found = read(line);
      if (found) resolve(found);
    });
  });
  const { pid } = child;
  return {
    name,
    ...where,
    listenMs: performance.now() - begun,
    cpuMicros: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
    },
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024,
    stop: () => child.kill('SIGKILL'),
  };
}

/** Cores that may be pinned: with two or more the proxy gets one of its own. */
export function proxyCore(): string | null {
  const cores = Number(execFileSync('nproc', { encoding: 'utf8' }));
  return cores >= 2 ? '1' : null;
}
