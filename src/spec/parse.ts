// The text of a spec -> what it means, or everything that is wrong with it. Pure: files, registries and directories are given in.

import { basename, resolve } from 'node:path';
import type { Problem } from '../report/problem.ts';
import { readAgent } from './agent.ts';
import { readAgentFiles } from './agent-files.ts';
import type { Bottle } from './bottle.ts';
import { readChain } from './chain.ts';
import { withDefaults } from './defaults.ts';
import { readDlp, withApprovals } from './dlp.ts';
import { readEgress } from './egress.ts';
import { readLogs, readWorkspace } from './files.ts';
import { readLimits, readQuota } from './limits.ts';
import { plainOf } from './located.ts';
import { mergeLayers } from './merge.ts';
import { checkNotYet } from './not-yet.ts';
import { makeReport } from './report.ts';
import type { FilledSpec, SpecDocument } from './schema.ts';
import { readSecrets } from './secrets.ts';
import { makeShapeCheck } from './shape.ts';
import type { Surroundings } from './surroundings.ts';
import { readUpstreamProxy } from './upstream-proxy.ts';

export type ParsedSpec =
  | { readonly ok: true; readonly bottle: Bottle; readonly warnings: readonly Problem[] }
  /** Sorted by file (the spec itself first) and place. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

const checkShape = makeShapeCheck();
/** More would not be read. */
const MAX_PROBLEMS = 200;

/** `file` is the path as the person gave it: problems begin with it. */
export function parseSpec(text: string, file: string, around: Surroundings): ParsedSpec {
  const chain = readChain(text, file, around, checkShape);
  const problems = [...chain.problems];
  if (chain.layers.length === 0) return { ok: false, problems: sorted(problems) };

  const root = mergeLayers(chain.layers);
  // What did not fit the schema was cut out of the layers, and merging keeps what fits.
  const spec: FilledSpec = withDefaults('spec', plainOf(root) as SpecDocument);
  const warnings: Problem[] = [];
  const report = makeReport(root, problems, warnings);
  checkNotYet(spec, report);
  const { dlp, approvals } = readDlp(spec, around, report.below('dlp'));
  const egress = readEgress(
    spec,
    dlp.rules.map(({ id }) => id),
    around,
    { problems, warnings },
    report.below('egress'),
    report.below('git'),
  );
  const files = readAgentFiles(spec, egress.files, report.below('agent', 'files'));
  const workspace = readWorkspace(spec, [...chain.files, ...egress.presetFiles], around, report.below('workspace'));
  const bottle: Bottle = {
    version: 1,
    name: spec.name ?? nameFromFile(file),
    file: resolve(around.cwd, file),
    agent: readAgent(spec, egress.env, files, report.below('agent')),
    workspace,
    secrets: readSecrets(spec, workspace, around, report.below('secrets')),
    egress: {
      mode: 'enforce',
      allow: withApprovals(egress.allow, approvals),
      deny: egress.deny,
      upstreamProxy: readUpstreamProxy(spec, around, report.below('egress', 'upstream_proxy')),
      onDeny: spec.egress.on_deny,
      quota: readQuota(spec.egress.limits, 'egress.limits', report.below('egress', 'limits')),
      limits: readLimits(spec.egress, report.below('egress', 'limits')),
    },
    dlp,
    logs: readLogs(spec, workspace, around, report.below('logs')),
  };
  return problems.length === 0
    ? { ok: true, bottle, warnings: sorted(warnings) }
    : { ok: false, problems: sorted(problems) };
}

/** `./Web Shop.bottle.yaml` -> `web-shop-bottle`. */
function nameFromFile(file: string): string {
  const stem = basename(file).replace(/\.(?:ya?ml|json)$/i, '');
  const clean = stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return clean === '' ? 'bottle' : clean;
}

function sorted(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()]
    .sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.col - b.col)
    .slice(0, MAX_PROBLEMS);
}
