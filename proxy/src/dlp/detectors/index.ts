// All built-in detectors.
import { chat } from './chat.ts';
import { clouds } from './clouds.ts';
import { codeHosts } from './code-hosts.ts';
import type { Detector } from './detector.ts';
import { keys } from './keys.ts';
import { models } from './models.ts';
import { registries } from './registries.ts';
import { services } from './services.ts';
import { structured } from './structured.ts';

export const DETECTORS: readonly Detector[] = [
  ...codeHosts,
  ...clouds,
  ...models,
  ...registries,
  ...chat,
  ...services,
  ...keys,
  ...structured,
];

/** The detectors with these ids, or those that are on by default. */
export function activeDetectors(ids: readonly string[] | null): readonly Detector[] {
  return DETECTORS.filter((one) => (ids === null ? one.byDefault : ids.includes(one.id)));
}
