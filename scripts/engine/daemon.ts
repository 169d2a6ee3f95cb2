// An engine of our own: the distribution's dockerd on the default socket, its pid and log in our state directory.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { canInstallPackages, installPackages } from '../../src/images/apt.ts';
import { BottleError } from '../../src/report/bottle-error.ts';
import { engineDir, stateDir } from '../../src/state/paths.ts';

export const DEFAULT_SOCKET = '/var/run/docker.sock';
/** Where dockerd notes the containerd that it starts for itself. */
const CONTAINERD_PID = '/var/run/docker/containerd/containerd.pid';
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
/** Where Debian puts what only root needs; a user's PATH may lack it. */
const ROOT_PATH = '/usr/local/sbin:/usr/sbin:/sbin';

export interface DaemonFiles {
  readonly folder: string;
  readonly pid: string;
  readonly log: string;
}

export function daemonFiles(): DaemonFiles {
  const folder = engineDir(stateDir());
  return { folder, pid: join(folder, 'dockerd.pid'), log: join(folder, 'dockerd.log') };
}

/** The pid of the engine that we started, where it still runs. */
export function runningDaemon(files: DaemonFiles): number | undefined {
  return liveProcess(files.pid, 'dockerd');
}

/**
 * The process that a pid file names, where it lives and is the right one: a pid is used again after a reboot, and stays as
 * a zombie below an init that does not reap.
 */
export function liveProcess(pidFile: string, command: string): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return pid > 0 && isAlive(pid, command) ? pid : undefined;
}

function isAlive(pid: number, command: string): boolean {
  try {
    const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name === command && state !== 'Z' && state !== 'X';
  } catch {
    return false; // no such process
  }
}

/** Installs dockerd where it is missing, starts it, and returns its pid once `answers` says yes. */
export async function startDaemon(
  files: DaemonFiles,
  answers: () => Promise<boolean>,
  onProgress: (line: string) => void,
): Promise<number> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw cannotStart();
  mkdirSync(files.folder, { recursive: true, mode: 0o700 });
  const path = `${ROOT_PATH}${delimiter}${process.env.PATH ?? ''}`;
  if (!isCommand('dockerd', path)) {
    if (!canInstallPackages()) throw cannotStart();
    await installPackages(['docker.io'], onProgress);
  }
  // dockerd takes any process of that number for its own and then refuses to start, or waits in vain for containerd.
  if (runningDaemon(files) === undefined) rmSync(files.pid, { force: true });
  if (liveProcess(CONTAINERD_PID, 'containerd') === undefined) rmSync(CONTAINERD_PID, { force: true });

  onProgress(`starting dockerd, its log is ${files.log}`);
  const log = openSync(files.log, 'a', 0o600);
  const child = spawn('dockerd', ['--host', `unix://${DEFAULT_SOCKET}`, '--pidfile', files.pid], {
    cwd: '/',
    detached: true, // a session of its own: it outlives npm
    env: { ...daemonEnvironment(process.env), PATH: `${await iptablesFolder(files, path)}${path}` },
    stdio: ['ignore', log, log],
  });
  child.unref();
  const deadline = Date.now() + START_WITHIN_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    if (await answers()) return child.pid ?? 0;
    await sleep(50);
  }
  const { exitCode } = child;
  child.kill(); // one that never answered must not stand in the way of the next
  throw new BottleError({
    what: 'dockerd did not start',
    why: `${exitCode === null ? `no answer in ${START_WITHIN_MS / 1000} s` : `it ended with ${exitCode}`}: ${lastError(files.log)}`,
    fix: `read ${files.log}, mend what it says, and run npm run engine:start`,
  });
}

/** Stops the engine that we started; false where there is none. */
export async function stopDaemon(files: DaemonFiles): Promise<boolean> {
  const pid = runningDaemon(files);
  if (pid === undefined) return false;
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_WITHIN_MS;
  while (isAlive(pid, 'dockerd')) {
    if (Date.now() > deadline) {
      throw new BottleError({
        what: 'the engine does not stop',
        why: `dockerd, pid ${pid}, still runs after ${STOP_WITHIN_MS / 1000} s`,
        fix: `read ${files.log}; kill -9 ${pid} ends it hard`,
      });
    }
    await sleep(50);
  }
  rmSync(files.pid, { force: true });
  return true;
}

/** A kernel without nf_tables needs the older iptables: returns a folder that puts it first, for this dockerd alone. */
async function iptablesFolder(files: DaemonFiles, path: string): Promise<string> {
  const works = async (command: string) => {
    const result = await execa(command, ['--table', 'nat', '--list-rules'], { env: { PATH: path }, reject: false });
    return result.exitCode === 0;
  };
  if ((await works('iptables')) || !(await works('iptables-legacy'))) return '';
  const folder = join(files.folder, 'iptables');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of ['iptables', 'ip6tables']) symlinkSync(`/usr/sbin/${name}-legacy`, join(folder, name));
  return `${folder}${delimiter}`;
}

/** The engine lives longer than this shell and has no use for what else is in its environment, tokens say. */
function daemonEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => /^((https?|no)_proxy|TMPDIR|LANG|HOME)$/i.test(name)),
  );
}

function isCommand(name: string, path: string): boolean {
  return path.split(delimiter).some((folder) => existsSync(join(folder, name)));
}

function lastError(log: string): string {
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  return lines.findLast((line) => /level=(error|fatal)|failed/.test(line)) ?? lines.at(-1) ?? 'its log is empty';
}

function cannotStart(): BottleError {
  return new BottleError({
    what: 'no Docker engine answers, and none can be started here',
    why:
      process.platform === 'linux'
        ? 'starting one needs root, and installing one a Debian-like system'
        : 'an engine is started on Linux only',
    fix: 'start Docker (sudo systemctl start docker, or Docker Desktop), or set DOCKER_HOST, and run this again',
  });
}
