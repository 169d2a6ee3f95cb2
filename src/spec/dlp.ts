// The search for secrets as a spec means it: which detectors, what happens on a find, and what was approved.
import { type OnMatch, PROFILES } from '../../proxy/src/contract.ts';
import { type Approval, readBaseline } from './baseline.ts';
import type { AllowEntry, Dlp } from './bottle.ts';
import { checkActions, checkDetectors } from './detector-ids.ts';
import { readKnown } from './files.ts';
import type { Report } from './report.ts';
import { readRulesFile } from './rules-file.ts';
import type { FilledSpec } from './schema.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';

export interface DlpRead {
  readonly dlp: Dlp;
  readonly approvals: readonly Approval[];
}

export function readDlp(spec: FilledSpec, around: Surroundings, report: Report): DlpRead {
  const { profile, on_match, detectors, actions } = spec.dlp;
  const rules = readRulesFile(spec.dlp.rules, around, report.below('rules'));
  const ruleIds = rules.map(({ id }) => id);
  checkDetectors(detectors ?? [], report.below('detectors'));
  checkActions(actions, ruleIds, report.below('actions'));
  const active = detectors ?? PROFILES[profile].detectors;
  return {
    dlp: {
      onMatch: on_match,
      profile,
      rulesFile: spec.dlp.rules === undefined ? null : resolvePath(spec.dlp.rules, report.file(['rules']), around),
      rules,
      detectors: active,
      actions: { ...pick(PROFILES[profile].actions, active), ...actions },
      known: readKnown(spec, report.below('known')),
      canaries: spec.dlp.canaries,
      workspace: readWorkspaceSearch(spec, report.below('workspace')),
    },
    approvals: readBaseline(spec.dlp.baseline, ruleIds, around, report.below('baseline')),
  };
}

function pick(actions: Readonly<Record<string, OnMatch>>, ids: readonly string[]): Readonly<Record<string, OnMatch>> {
  return Object.fromEntries(Object.entries(actions).filter(([id]) => ids.includes(id)));
}

/** Entries with what the baseline approves for their host. */
export function withApprovals(allow: readonly AllowEntry[], approvals: readonly Approval[]): readonly AllowEntry[] {
  if (approvals.length === 0) return allow;
  return allow.map((entry) => {
    const own = approvals
      .filter(({ host }) => host === entry.host || (host.startsWith('*.') && entry.host.endsWith(host.slice(1))))
      .map(({ detector, fingerprint }) => `${detector}:${fingerprint}`);
    return own.length === 0
      ? entry
      : { ...entry, dlp: { ...entry.dlp, except: [...new Set([...entry.dlp.except, ...own])] } };
  });
}

function readWorkspaceSearch(spec: FilledSpec, report: Report): boolean {
  if (spec.dlp.workspace && spec.workspace.path === null) {
    report.problem({
      what: 'dlp.workspace is true and there is no workspace',
      why: 'there is no source to search for',
      fix: 'set workspace.path, or remove it',
    });
  }
  return spec.dlp.workspace;
}
