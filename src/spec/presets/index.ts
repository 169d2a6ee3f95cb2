// The presets by name.

import { FORGE_PRESETS } from './forges.ts';
import { MODEL_PRESETS } from './models.ts';
import type { Preset } from './preset.ts';
import { REGISTRY_PRESETS } from './registries.ts';

export const PRESETS: readonly Preset[] = [...MODEL_PRESETS, ...FORGE_PRESETS, ...REGISTRY_PRESETS];

export function presetNames(): readonly string[] {
  return PRESETS.map(({ name }) => name);
}
