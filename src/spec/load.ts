// Reads a spec from disk, with what this machine says about directories and registries. The edge of spec/.

import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { printWarning } from '../report/output.ts';
import { formatProblem } from '../report/problem.ts';
import { SpecError } from '../report/spec-error.ts';
import { configDir, stateDir } from '../state/paths.ts';
import type { Bottle } from './bottle.ts';
import { type ParsedSpec, parseSpec } from './parse.ts';
import { machineRegistries } from './registries.ts';
import type { Surroundings } from './surroundings.ts';

/** The bottle of a file, warnings printed; a SpecError with every problem, or a BottleError when there is no such file. */
export function loadSpec(file: string): Bottle {
  const parsed = parseSpecFile(file);
  if (!parsed.ok) throw new SpecError(parsed.problems);
  for (const warning of parsed.warnings) printWarning(formatProblem(warning));
  return parsed.bottle;
}

/** The same, with the problems as a value. */
export function parseSpecFile(file: string, around: Surroundings = machineSurroundings()): ParsedSpec {
  let text: string;
  try {
    text = readText(file);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new BottleError({
      what: `cannot read the spec ${file}`,
      why:
        error.code === 'ENOENT'
          ? 'there is no such file'
          : error.code === 'EISDIR'
            ? 'it is a directory'
            : String(error.code),
      fix: 'give the path of a spec, or write one with "bottle init"',
      exitCode: EXIT.input,
      cause: error,
    });
  }
  return parseSpec(text, file, around);
}

export function machineSurroundings(env: NodeJS.ProcessEnv = process.env): Surroundings {
  const home = homedir();
  return {
    cwd: process.cwd(),
    home,
    stateDirectory: stateDir(env, home),
    registries: machineRegistries(env, home),
    ownPresets: () => presetFiles(join(configDir(env, home), 'presets')),
    readFile: readText,
    realPath(path) {
      try {
        return realpathSync(path);
      } catch {
        // Nothing there yet, so there is no link either; whether it must be there is for the session to say.
        return path;
      }
    },
  };
}

function readText(path: string): string {
  const bytes = readFileSync(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw Object.assign(new Error(`${path} is not UTF-8`, { cause: error }), { code: 'it is not UTF-8 text' });
  }
}

function presetFiles(directory: string): ReadonlyMap<string, string> {
  try {
    const files = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name));
    return new Map(files.map((name) => [name.replace(/\.ya?ml$/, ''), join(directory, name)]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
}
