// Presets of package registries: reading only. The host comes from the tool's own configuration on this machine.

import type { SpecEntry } from '../schema.ts';
import { authWith, type Preset, type Registry, type Tool } from './preset.ts';

interface RegistryPreset {
  readonly name: string;
  readonly tool: Tool;
  readonly about: string;
  /** For private packages. */
  readonly secrets: readonly string[];
  /** Variables that send the agent's tools to the same registry. */
  env(url: string): Readonly<Record<string, string>>;
  /** The folder below which everything may be read: that of the URL, or one above it. */
  folder(path: string): string;
}

const REGISTRIES: readonly RegistryPreset[] = [
  {
    name: 'npm',
    tool: 'npm',
    secrets: ['NPM_TOKEN'],
    about:
      'install packages with npm, pnpm, yarn or bun, from the registry that npm on this machine uses; no publishing',
    env: (url) => ({
      npm_config_registry: url,
      YARN_NPM_REGISTRY_SERVER: url.replace(/\/$/, ''),
      npm_config_update_notifier: 'false',
      // Both send the list of what is installed.
      npm_config_audit: 'false',
      npm_config_fund: 'false',
    }),
    folder: (path) => path,
  },
  {
    name: 'pypi',
    tool: 'pip',
    secrets: [],
    about:
      'install packages with pip or uv, from the index that pip on this machine uses; no uploads. An index that sends its files from another host needs an entry for that',
    env: (url) => ({ PIP_INDEX_URL: url, UV_INDEX_URL: url, PIP_DISABLE_PIP_VERSION_CHECK: '1' }),
    // An index `/x/simple/` has its files beside it, as `/x/packages/`.
    folder: (path) => path.replace(/\/simple\/?$/, '/'),
  },
];

export const REGISTRY_PRESETS: readonly Preset[] = REGISTRIES.map((preset) => ({
  name: preset.name,
  about: preset.about,
  secrets: preset.secrets,
  needsSecret: false,
  expand: ({ secret, registries }) => {
    const registry = registries.registryOf(preset.tool);
    return registry === null
      ? { entries: [], env: {} }
      : { entries: [entryOf(registry, preset, secret)], env: preset.env(registry.url) };
  },
}));

function entryOf(registry: Registry, preset: RegistryPreset, secret: string | null): SpecEntry {
  const url = new URL(registry.url);
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const folder = preset.folder(url.pathname).replace(/\/*$/, '/');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    scheme,
    rules: [`GET,HEAD ${folder}**`],
    ...authWith(secret, (name) => ({ type: 'bearer', secret: name })),
    // A company's registry is often a private address; who configured it on this machine meant it.
    ...(registry.isConfigured ? { allow_private: true } : {}),
  };
}

/** Which tool a preset asks, for the error when it does not answer. */
export function toolOf(presetName: string): Tool | null {
  return REGISTRIES.find(({ name }) => name === presetName)?.tool ?? null;
}
