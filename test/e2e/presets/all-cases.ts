// All cases, and which of them can be in one spec: those whose hosts are not the same.
import { AWS_CASES } from './aws.ts';
import { CONTAINER_CASES } from './containers.ts';
import { FORGE_CASES } from './forges.ts';
import { HOSTING_CASES } from './hosting.ts';
import { MODEL_CASES } from './models.ts';
import type { PresetCase } from './preset-case.ts';
import { REGISTRY_CASES } from './registries.ts';
import { TRACKER_CASES } from './trackers.ts';

export const ALL_CASES: readonly PresetCase[] = [
  ...MODEL_CASES,
  ...FORGE_CASES,
  ...REGISTRY_CASES,
  ...CONTAINER_CASES,
  ...TRACKER_CASES,
  ...HOSTING_CASES,
  ...AWS_CASES,
];

/** In as few specs as can be: a proxy takes a second to start. */
export function roundsOf(cases: readonly PresetCase[]): readonly (readonly [string, readonly PresetCase[]])[] {
  const rounds: PresetCase[][] = [];
  for (const one of cases) {
    const round = rounds.find(
      (others) => !others.some(({ service }) => service.hosts.some((host) => one.service.hosts.includes(host))),
    );
    if (round === undefined) rounds.push([one]);
    else round.push(one);
  }
  return rounds.map((round) => [round.map(({ preset }) => preset).join(', '), round]);
}
