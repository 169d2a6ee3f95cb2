// What reading a spec needs to know of the machine: given in, so that reading stays pure.

import { dirname, isAbsolute, resolve } from 'node:path';
import type { Registries } from './registries.ts';

export interface Surroundings {
  /** Where bottle was started: `$PWD` in workspace.path. */
  readonly cwd: string;
  readonly home: string;
  /** Where bottle keeps its sessions; no workspace may hold it. */
  readonly stateDirectory: string;
  readonly registries: Registries;
  /** A person's own presets: paths of their files by name. */
  ownPresets(): ReadonlyMap<string, string>;
  /** Text of a base; throws what node:fs throws. */
  readFile(path: string): string;
  /** The path without links; the path itself where there is nothing. */
  realPath(path: string): string;
}

/** A path as a person writes it in a spec: absolute, `~/…`, or relative to the file that it stands in. */
export function resolvePath(path: string, specFile: string, { cwd, home }: Pick<Surroundings, 'cwd' | 'home'>): string {
  if (path === '~' || path.startsWith('~/')) return resolve(home, `.${path.slice(1)}`);
  if (isAbsolute(path)) return resolve(path);
  return resolve(cwd, dirname(specFile), path);
}

/** Is `path` the directory or below it? Both absolute. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
