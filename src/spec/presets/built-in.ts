// The presets that bottle brings along: files beside this one, part of the program as its code is.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('built-in/', import.meta.url));

export function builtInNames(): readonly string[] {
  return readdirSync(FOLDER)
    .flatMap((name) => (name.endsWith('.yaml') ? [name.slice(0, -'.yaml'.length)] : []))
    .sort();
}

/** Path of its file; null when there is none of that name. */
export function builtInFile(name: string): string | null {
  const file = `${FOLDER}${name}.yaml`;
  return /^[a-z0-9-]+$/.test(name) && existsSync(file) ? file : null;
}

export function builtInText(file: string): string {
  return readFileSync(file, 'utf8');
}
