// Decides whether a directory may be given to an agent: not what holds the user's keys, the system, or an engine's socket. Pure.
import { dirname, join } from 'node:path';
import { BottleError, EXIT } from '../report/bottle-error.ts';

export interface WorkspaceSurroundings {
  readonly home: string;
  /** Where bottle keeps sessions and logs. */
  readonly stateDirectory: string;
  /** Sockets of engines, real paths. */
  readonly engineSockets: readonly string[];
  /** Where the engine keeps its data; undefined when it does not say. */
  readonly engineRoot: string | undefined;
}

/** System directories: neither they nor what is below them. */
const SYSTEM = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib64',
  '/proc',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
  '/var/lib',
  '/var/run',
];
/** Of these only what is below. */
const PARENTS = ['/', '/home', '/media', '/mnt', '/opt', '/root', '/srv', '/tmp', '/var', '/Users', '/Volumes'];
/** Directories of a home in which programs keep credentials. */
const KEYS = [
  '.ssh',
  '.aws',
  '.azure',
  '.config',
  '.docker',
  '.gnupg',
  '.kube',
  '.local',
  '.claude',
  '.codex',
  '.gemini',
];

/** Throws for a path (resolved, without links) that an agent must not get. */
export function checkWorkspace(path: string, surroundings: WorkspaceSurroundings): void {
  const { home, stateDirectory, engineSockets, engineRoot } = surroundings;
  const refuse = (why: string) => {
    throw new BottleError({
      what: `the workspace ${path} is refused`,
      why,
      fix: 'give the directory of one project in workspace.path',
      exitCode: EXIT.input,
    });
  };
  if (path === '/') refuse('it is the whole machine');
  if (path === home) refuse('it is a home directory, with keys and histories in it');
  if (isInside(home, path)) refuse(`it holds the home directory ${home}`);
  for (const name of KEYS) if (isInside(path, join(home, name))) refuse(`programs keep credentials in ~/${name}`);
  for (const system of SYSTEM) if (isInside(path, system)) refuse(`${system} belongs to the system`);
  if (PARENTS.includes(path)) refuse('it is a directory of the system, not of a project');
  if (isInside(stateDirectory, path) || isInside(path, stateDirectory))
    refuse(`bottle keeps its sessions and logs in ${stateDirectory}, and an agent must not write there`);
  for (const socket of engineSockets)
    if (isInside(socket, path)) refuse(`the engine's socket ${socket} is in it: whoever has that is root`);
  if (engineRoot !== undefined && (isInside(engineRoot, path) || isInside(path, engineRoot)))
    refuse(`the engine keeps its data in ${engineRoot}`);
}

/** Is `path` the directory or below it? */
function isInside(path: string, directory: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (at === directory) return true;
    if (at === dirname(at)) return false;
  }
}
