// A preset as `egress.use` names it -> the text of its file: bottle's own, a person's own by name, or any by its path.
//
// A name is looked up in the program and in ~/.config/bottle/presets alone, never near the workspace: what an agent can write must not
// become a preset. A path is as good as the spec that names it, and hidden from the agent like the spec.

import { dirname, isAbsolute, join } from 'node:path';
import type { Words } from '../shape-words.ts';
import { resolvePath, type Surroundings } from '../surroundings.ts';
import { shown, suggestion } from '../words.ts';
import { builtInFile, builtInNames, builtInText } from './built-in.ts';

export interface PresetFile {
  /** In ids of its entries: `use.NAME.0`. */
  readonly name: string;
  readonly text: string;
  /** As problems name it. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  /** A test has judged it: nothing in it is new to us. */
  readonly isBuiltIn: boolean;
}

/** `from`: the file that `reference` stands in. */
export function findPreset(
  reference: string,
  from: string,
  around: Surroundings,
): PresetFile | { readonly words: Words } {
  if (/^[a-z][a-z0-9+.-]+:/i.test(reference)) {
    return {
      words: {
        what: `the preset ${shown(reference)} is no file`,
        why: 'presets are read from this machine only',
        fix: 'download it, read it, and give its path',
      },
    };
  }
  if (/[/~]|\.ya?ml$/.test(reference)) {
    const path = resolvePath(reference, from, around);
    // Problems name the file as the person would reach it from where they are.
    const file = isAbsolute(reference) || reference.startsWith('~') ? path : join(dirname(from), reference);
    return readOwn(reference, nameOf(reference), file, path, around);
  }
  const own = around.ownPresets();
  const ownPath = own.get(reference);
  const path = builtInFile(reference);
  if (path !== null && ownPath !== undefined) {
    return {
      words: {
        what: `two presets are called ${shown(reference)}`,
        why: `one is bottle's, one is ${ownPath}`,
        fix: `rename that file, or write its path`,
      },
    };
  }
  if (ownPath !== undefined) return readOwn(reference, nameOf(reference), ownPath, ownPath, around);
  if (path !== null) return { name: reference, text: builtInText(path), file: path, path, isBuiltIn: true };
  return {
    words: {
      what: `no preset is called ${shown(reference)}`,
      why: '',
      fix: suggestion(reference, [...builtInNames(), ...own.keys()], 'the presets are'),
    },
  };
}

function readOwn(
  reference: string,
  name: string,
  file: string,
  path: string,
  around: Surroundings,
): PresetFile | { readonly words: Words } {
  try {
    return { name, text: around.readFile(path), file, path, isBuiltIn: false };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const why = error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code})`;
    return {
      words: {
        what: `the preset ${shown(reference)} cannot be read`,
        why: `${why}: ${path}`,
        fix: 'give a path relative to this file, or the name of a preset',
      },
    };
  }
}

/** `./presets/My Corp.yaml` -> `my-corp`, fit for ids. */
function nameOf(reference: string): string {
  const stem = (reference.split('/').at(-1) ?? '').replace(/\.ya?ml$/, '');
  return (
    stem
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'preset'
  );
}
