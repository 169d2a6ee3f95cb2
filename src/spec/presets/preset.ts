// What a preset is: allow entries and variables under a name, in the words of a spec.

import type { SpecAuth, SpecEntry, SpecFile } from '../schema.ts';

export type Tool = 'npm' | 'pip';

/** Where the machine's own package tools fetch from. Our sources name no registry: the tools know theirs. */
export interface Registries {
  /** null when the tool's configuration cannot be found. */
  registryOf(tool: Tool): Registry | null;
}

export interface Registry {
  readonly url: string;
  /** Somebody configured it on this machine; otherwise it is the tool's default. */
  readonly isConfigured: boolean;
}

export interface Preset {
  readonly name: string;
  /** One line for `bottle presets`. */
  readonly about: string;
  /** Secrets that can serve, best first: the first that the spec has is used. */
  readonly secrets: readonly string[];
  /** Without one of `secrets` the hosts are of no use. */
  readonly needsSecret: boolean;
  expand(surroundings: PresetSurroundings): Expansion;
}

export interface PresetSurroundings {
  /** The one of `secrets` that the spec has. */
  readonly secret: string | null;
  readonly registries: Registries;
}

export interface Expansion {
  readonly entries: readonly SpecEntry[];
  /** Variables that the agent gets; the spec's own win. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that the agent finds, by path, as agent.files has them; the spec's own win. */
  readonly files?: Readonly<Record<string, SpecFile>>;
}

/** `{ auth }` when there is a secret, nothing otherwise: to be spread into an entry. */
export function authWith(secret: string | null, auth: (secret: string) => SpecAuth): { readonly auth?: SpecAuth } {
  return secret === null ? {} : { auth: auth(secret) };
}
