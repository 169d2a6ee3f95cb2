// A machine for specs to be read on: invented directories and registries, and tokens made up anew.

import { randomBytes } from 'node:crypto';
import type { Surroundings } from '../../../src/spec/surroundings.ts';

export function surroundings(given: Partial<Surroundings> = {}): Surroundings {
  return {
    cwd: '/home/me/src/web-shop',
    home: '/home/me',
    stateDirectory: '/home/me/.local/state/bottle',
    registries: {
      registryOf: (tool) => (tool === 'npm' ? { url: 'https://packages.example/npm/', isConfigured: true } : null),
    },
    ownPresets: () => new Map(),
    readFile(path) {
      throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    },
    realPath: (path) => path,
    ...given,
  };
}

export type InventedTokens = ReturnType<typeof inventTokens>;

/** Shaped like the real ones, so that they may not stand in a file. */
export function inventTokens() {
  const random = randomBytes(30).toString('hex').slice(0, 36);
  const github = `ghp_${random}`;
  return {
    'github-token': github,
    // As YAML double-quoted text.
    'escaped-github-token': github.replace('_', '\\u005f'),
    random: `a1${randomBytes(16).toString('hex')}`,
    'private-key-head': `-----BEGIN ${'PRIVATE'} KEY-----`,
  };
}
