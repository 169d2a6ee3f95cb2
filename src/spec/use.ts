// `egress.use`: presets found, told what the spec says, and expanded into entries and variables.

import type { Problem } from '../report/problem.ts';
import type { BroughtFile } from './agent-files.ts';
import { withDefaults } from './defaults.ts';
import type { Placed } from './egress.ts';
import { type EntrySurroundings, readEntry } from './entry.ts';
import { expandPreset } from './presets/expand.ts';
import { findPreset } from './presets/find.ts';
import { makePresetCheck, readPreset } from './presets/read-preset.ts';
import { makeReport, pinnedReport, type Report } from './report.ts';
import type { FilledSpec, SpecUse } from './schema.ts';
import type { ParameterValue } from './schema-preset.ts';
import type { ShapeCheck } from './shape.ts';
import type { Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

export interface UseRead {
  readonly entries: readonly Placed[];
  /** Variables that presets want the agent to have. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that they want the agent to have. */
  readonly files: readonly BroughtFile[];
  /** Absolute paths of the presets that are not bottle's own. */
  readonly presetFiles: readonly string[];
}

export function readUse(
  spec: FilledSpec,
  entries: EntrySurroundings,
  around: Surroundings,
  sink: { readonly problems: Problem[]; readonly warnings: Problem[] },
  report: Report,
): UseRead {
  const placed: Placed[] = [];
  const env: Record<string, string> = {};
  const files: BroughtFile[] = [];
  const presetFiles: string[] = [];
  const seen = new Map<string, number>();
  const asked = new Set<string>();
  let checkShape: ShapeCheck | null = null;
  for (const [index, use] of spec.egress.use.entries()) {
    // A base and the spec itself may both ask for it.
    if (asked.has(JSON.stringify(use))) continue;
    asked.add(JSON.stringify(use));
    const [reference, given] = toldOf(use);
    const at = typeof use === 'string' ? report.below(index) : report.below(index, reference);
    const found = findPreset(reference, report.file([index]), around);
    if ('words' in found) {
      at.problemAtKey(found.words);
      continue;
    }
    if (!found.isBuiltIn) {
      presetFiles.push(found.path);
      checkShape ??= makePresetCheck();
    }
    const { preset, problems } = readPreset(found, found.isBuiltIn ? null : checkShape);
    sink.problems.push(...problems);
    if (preset === null) continue;
    const expanded = expandPreset(preset, given, entries.secrets, around.registries, at);
    if (expanded === null) continue;
    const number = (seen.get(found.name) ?? 0) + 1;
    seen.set(found.name, number);
    const id = number === 1 ? `use.${found.name}` : `use.${found.name}-${number}`;
    const pinned = pinnedReport(report.below(index), `${report.below(index).name()} ${shown(reference)}`);
    // What is wrong in a person's own file stands there.
    const own = found.isBuiltIn ? null : makeReport(expanded.root, sink.problems, sink.warnings);
    expanded.entries.forEach((written, place) => {
      const where = own?.below('allow', place) ?? pinned;
      for (const entry of readEntry(withDefaults('entry', written), `${id}.${place}`, false, entries, where)) {
        placed.push({ entry, report: pinned, name: pinned.name(), hostReport: pinned });
      }
    });
    for (const [given, file] of Object.entries(expanded.files)) {
      files.push({ given, file, report: own?.below('files', given) ?? pinned });
    }
    for (const [name, value] of Object.entries(expanded.env)) {
      if (Object.hasOwn(env, name) && env[name] !== value) {
        pinned.warning({
          what: `${pinned.name()} sets ${name}, which another preset has set`,
          why: 'a variable has one value',
          fix: `set ${name} under agent.env to the one that you want`,
        });
      } else env[name] = value;
    }
  }
  return { entries: placed, env, files, presetFiles };
}

function toldOf(use: SpecUse): readonly [reference: string, given: Readonly<Record<string, ParameterValue>>] {
  if (typeof use === 'string') return [use, {}];
  // The schema asks for one key.
  return Object.entries(use)[0] ?? ['', {}];
}
