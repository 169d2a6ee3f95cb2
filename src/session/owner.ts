// Names the process that owns a session so exactly that a later bottle can tell whether it still lives: not by a pid alone.
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

export type Liveness = 'alive' | 'dead' | 'unknown';

/** `BOOT/PID-NAMESPACE/PID/START`: one process of one boot of one machine, wherever this process looks from. */
export function ownerOf(pid: number): string {
  return [bootId(), pidNamespace(), pid, startTime(pid) ?? '0'].join('/');
}

/** Whether the process behind an owner label lives. `unknown`: it is one of another machine or container, which we cannot see. */
export function livenessOf(owner: string): Liveness {
  const [boot, namespace, pid, start] = owner.split('/');
  if (boot === undefined || namespace === undefined || pid === undefined || start === undefined) return 'unknown';
  // The engine is of this machine, and so are those who start something on it: another boot is an earlier one.
  if (boot !== bootId()) return 'dead';
  if (namespace !== pidNamespace()) return 'unknown';
  return startTime(Number(pid)) === start ? 'alive' : 'dead';
}

function bootId(): string {
  return readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? ask('sysctl', ['-n', 'kern.bootsessionuuid']);
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0'; // no Linux: there is one namespace only
  }
}

/** In whatever unit the system counts; undefined when there is no such process. */
function startTime(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything: fields count from the last one. The 20th after it is the start time.
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (process.platform === 'linux') return undefined;
  return ask('ps', ['-o', 'lstart=', '-p', String(pid)]).replace(/\s+/g, '-') || undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not Linux, or the process has gone
  }
}

function ask(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return ''; // `ps` says by its exit code that there is no such process
  }
}
