// A preset's name -> its entries and variables, with the credential that the spec has for it, or why that cannot be.

import type { Words } from '../shape-words.ts';
import { PRESETS } from './index.ts';
import type { Expansion, Registries } from './preset.ts';
import { toolOf } from './registries.ts';

export type Expanded = (Expansion & { readonly words: null }) | { readonly words: Words };

/** `name` is a known preset; `secrets` are the names that the spec has. */
export function expandPreset(name: string, secrets: readonly string[], registries: Registries): Expanded {
  const preset = PRESETS.find((one) => one.name === name);
  if (preset === undefined) throw new Error(`no preset ${name}`);
  const secret = preset.secrets.find((one) => secrets.includes(one)) ?? null;
  if (secret === null && preset.needsSecret) {
    const [first = '', ...others] = preset.secrets;
    return {
      words: {
        what: `the preset "${name}" needs a secret`,
        why: `none of secrets is called ${preset.secrets.join(' or ')}`,
        fix: `add \`${first}: { env: ${first} }\` under secrets${others.length === 0 ? '' : ` (or ${others.join(', ')})`}`,
      },
    };
  }
  const expansion = preset.expand({ secret, registries });
  const tool = toolOf(name);
  if (expansion.entries.length === 0 && tool !== null) {
    return {
      words: {
        what: `the preset "${name}" finds no registry`,
        why: `${tool} on this machine does not say where it installs from`,
        fix:
          tool === 'npm'
            ? 'set it with `npm config set registry URL`'
            : 'set it with `pip config set global.index-url URL`, or PIP_INDEX_URL',
      },
    };
  }
  return { ...expansion, words: null };
}
