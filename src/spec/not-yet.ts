// Parts of the vocabulary whose behaviour comes later: refused with "not yet", never ignored.

import type { Path } from './located.ts';
import type { Report } from './report.ts';
import type { FilledSpec } from './schema.ts';

interface Later {
  readonly path: Path;
  /** The value that cannot be had yet; left out when it is the whole key. */
  readonly value?: string;
  readonly fix: string;
}

const WHY = 'this version cannot do it, and does not pretend to';

export function checkNotYet(spec: FilledSpec, report: Report): void {
  for (const { path, value, fix } of partsOf(spec)) {
    const name = report.name(path);
    if (value === undefined) report.problemAtKey({ what: `not yet: ${name}`, why: WHY, fix }, path);
    else report.problem({ what: `not yet: ${name} "${value}"`, why: WHY, fix }, path);
  }
}

function partsOf(spec: FilledSpec): Later[] {
  const { agent, workspace, egress } = spec;
  const later: Later[] = [];
  const key = (given: unknown, path: Path, fix = 'remove the line') => {
    if (given !== undefined) later.push({ path, fix });
  };
  const value = (given: string, now: string, path: Path) => {
    if (given !== now) later.push({ path, value: given, fix: `write ${now}` });
  };
  value(agent.runtime, 'runc', ['agent', 'runtime']);
  value(workspace.mode, 'mount', ['workspace', 'mode']);
  key(workspace.protect, ['workspace', 'protect'], 'remove it; `hide` keeps files from the agent altogether');
  key(workspace.volumes, ['workspace', 'volumes']);
  key(workspace.require_clean, ['workspace', 'require_clean']);
  value(egress.mode, 'enforce', ['egress', 'mode']);
  spec.git.forEach(({ scan }, index) => {
    if (scan !== undefined) value(scan, 'dlp', ['git', index, 'scan']);
  });
  key(spec.ports, ['ports']);
  return later;
}
