// A spec and the bases that it extends: each file read and checked by itself, base first.

import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Problem } from '../report/problem.ts';
import { literalSecretsInText } from './literal-secrets.ts';
import { type Located, nodeAt } from './located.ts';
import { readYaml } from './read-yaml.ts';
import type { ShapeCheck } from './shape.ts';
import type { Words } from './shape-words.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

const MAX_FILES = 8;

export interface Chain {
  /** Base first; without the files that could not be read. */
  readonly layers: readonly Located[];
  /** Absolute paths of all files, the spec itself first. */
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

export function readChain(text: string, file: string, around: Surroundings, checkShape: ShapeCheck): Chain {
  const layers: Located[] = [];
  const files: string[] = [];
  const problems: Problem[] = [];
  let next: { readonly text: string; readonly file: string } | null = { text, file };
  while (next !== null) {
    const current: { readonly text: string; readonly file: string } = next;
    next = null;
    files.push(resolve(around.cwd, current.file));
    const { root, problems: found } = readLayer(current.text, current.file, checkShape);
    problems.push(...found);
    if (root === null) break;
    layers.unshift(root);
    const base = nodeAt(root, ['extends']);
    if (base?.kind !== 'scalar' || typeof base.value !== 'string') break;
    const read = readBase(base.value, current.file, files, around);
    if ('words' in read) problems.push({ ...base.at, ...read.words });
    else next = read;
  }
  return { layers, files, problems };
}

function readLayer(
  text: string,
  file: string,
  checkShape: ShapeCheck,
): { readonly root: Located | null; readonly problems: readonly Problem[] } {
  const yaml = readYaml(text, file);
  const literals = literalSecretsInText(text, file, yaml.root);
  if (yaml.root === null) return { root: null, problems: [...yaml.problems, ...literals] };
  const shape = checkShape(yaml.root);
  // What is wrong with the YAML at a place explains what the schema says about it.
  const taken = new Set(yaml.problems.map(({ line, col }) => `${line}:${col}`));
  const news = shape.problems.filter(({ line, col }) => !taken.has(`${line}:${col}`));
  return { root: shape.root, problems: [...yaml.problems, ...literals, ...news] };
}

function readBase(
  base: string,
  from: string,
  files: readonly string[],
  around: Surroundings,
): { readonly text: string; readonly file: string } | { readonly words: Words } {
  const subject = `extends ${shown(base)}`;
  if (/^[a-z][a-z0-9+.-]+:/i.test(base)) {
    return {
      words: {
        what: `${subject} is no file`,
        why: 'a base is read from this machine only',
        fix: 'download it, read it, and give its path',
      },
    };
  }
  const path = resolvePath(base, from, around);
  if (files.includes(path)) {
    return {
      words: {
        what: `${subject} leads back to a spec that is being read`,
        why: 'a spec cannot build on itself',
        fix: 'remove one of the extends',
      },
    };
  }
  if (files.length >= MAX_FILES) {
    return {
      words: {
        what: `${subject} makes the chain longer than ${MAX_FILES} files`,
        why: 'nobody could read it',
        fix: 'merge some of them',
      },
    };
  }
  try {
    // Problems name the file as the person would reach it from where they are.
    const name = isAbsolute(base) || base.startsWith('~') ? path : join(dirname(from), base);
    return { text: around.readFile(path), file: name };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error ? String(error.code) : '';
    if (code === '') throw error;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'it is a directory'
          : `it cannot be read (${code})`;
    return {
      words: { what: `${subject} cannot be read`, why: `${why}: ${path}`, fix: 'give a path relative to this file' },
    };
  }
}
