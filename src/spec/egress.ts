// The egress part as a whole: entries with their ids, what presets bring, the deny list, and entries that stand in each other's way.

import type { Problem } from '../report/problem.ts';
import type { BroughtFile } from './agent-files.ts';
import type { AllowEntry, DenyEntry } from './bottle.ts';
import { withDefaults } from './defaults.ts';
import { type EntrySurroundings, readEntry } from './entry.ts';
import { gitEntry } from './git.ts';
import { hostCovers, parseHostPattern } from './host-pattern.ts';
import { pinnedReport, type Report } from './report.ts';
import type { FilledSpec } from './schema.ts';
import { isIssued } from './secrets.ts';
import type { Surroundings } from './surroundings.ts';
import { withTokenTakers } from './token-takers.ts';
import { readUse } from './use.ts';
import { shown } from './words.ts';

export interface EgressRead {
  readonly allow: readonly AllowEntry[];
  readonly deny: readonly DenyEntry[];
  /** Variables that presets want the agent to have. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that they bring. */
  readonly files: readonly BroughtFile[];
  /** Absolute paths of presets that are not bottle's own. */
  readonly presetFiles: readonly string[];
}

export function readEgress(
  spec: FilledSpec,
  ruleIds: readonly string[],
  machine: Surroundings,
  sink: { readonly problems: Problem[]; readonly warnings: Problem[] },
  report: Report,
  gitReport: Report,
): EgressRead {
  const around: EntrySurroundings = {
    secrets: Object.keys(spec.secrets),
    issued: Object.keys(spec.secrets).filter((name) => isIssued(spec.secrets[name] ?? {})),
    ruleIds,
    onMatch: spec.dlp.on_match,
    prices: spec.egress.limits?.prices,
  };
  const own = [...readGit(spec, around, gitReport), ...readOwn(spec, around, report.below('allow'))];
  const presets = readUse(spec, around, machine, sink, report.below('use'));
  const deny = readDeny(spec, report.below('deny'));
  const placed = withTokenTakers([...own, ...presets.entries]);
  checkIds(placed);
  checkCovered(placed);
  checkDenied(own, deny);
  return {
    allow: placed.map(({ entry }) => entry),
    deny: deny.map(({ host }, index) => ({ id: `deny.${index}`, host })),
    env: presets.env,
    files: presets.files,
    presetFiles: presets.presetFiles,
  };
}

export interface Placed {
  readonly entry: AllowEntry;
  readonly report: Report;
  /** `allow.3`, as it stands in its file; `use.0 "npm"` for what a preset brings. */
  readonly name: string;
  /** Where its host stands. */
  readonly hostReport: Report;
}

function readOwn(spec: FilledSpec, around: EntrySurroundings, report: Report): Placed[] {
  return spec.egress.allow.flatMap((written, index) => {
    const at = report.below(index);
    const isText = typeof written === 'string';
    const long = withDefaults('entry', isText ? { host: written } : written);
    const entries = readEntry(long, long.id ?? `allow.${index}`, isText, around, at);
    return entries.map((entry) => ({
      entry,
      report: at,
      name: at.name(),
      hostReport: isText ? at : at.below('host'),
    }));
  });
}

/** Before all others: what they say of a repository is not undone by a wider entry for its host. */
function readGit(spec: FilledSpec, around: EntrySurroundings, report: Report): Placed[] {
  return spec.git.flatMap((written, index) => {
    const at = report.below(index);
    const entry = gitEntry(written, at);
    if (entry === null) return [];
    const pinned = pinnedReport(at, `${at.name()} ${shown(written.repo)}`);
    return readEntry(withDefaults('entry', entry), `git.${index}`, false, around, pinned).map((one) => ({
      ...{ entry: one, report: pinned, name: pinned.name(), hostReport: pinned },
    }));
  });
}

function readDeny(spec: FilledSpec, report: Report): { readonly host: string; readonly name: string }[] {
  return spec.egress.deny.flatMap((text, index) => {
    const at = report.below(index);
    const pattern = parseHostPattern(text, at.name(), 'deny');
    if (pattern.ok) return [{ host: pattern.host, name: at.name() }];
    at.problem(pattern.words);
    return [];
  });
}

function checkIds(placed: readonly Placed[]): void {
  const seen = new Map<string, Placed>();
  for (const one of placed) {
    if (/^(?:deny\.|default$)/.test(one.entry.id)) {
      one.report.problem(
        {
          what: `${one.name} has the id ${shown(one.entry.id)}`,
          why: 'records use that for refusals',
          fix: 'give it another id',
        },
        ['id'],
      );
    }
    const first = seen.get(one.entry.id);
    if (first === undefined) seen.set(one.entry.id, one);
    else {
      one.report.problem(
        {
          what: `${one.name} has the id ${shown(one.entry.id)}`,
          why: `${first.name} has it, too, and a record could mean either`,
          fix: 'give it another id',
        },
        ['id'],
      );
    }
  }
}

/** An entry whose credential can never be used, or that can never ask, because an earlier one decides about every request that it would match. */
function checkCovered(placed: readonly Placed[]): void {
  placed.forEach((later, index) => {
    const { auth, clientCertificate: shown, rules } = later.entry;
    const asks = rules.some(({ confirm }) => confirm !== undefined);
    if (auth === null && shown === undefined && !asks) return;
    const earlier = placed.slice(0, index).find((one) => covers(one.entry, later.entry));
    if (asks && earlier?.entry.rules.every(({ confirm }) => confirm === undefined)) {
      later.hostReport.problem({
        what: `${later.name} (${later.entry.host}) would never ask a person`,
        why: `${earlier.name} comes first and matches every request to that host, without \`confirm\``,
        fix: `remove ${earlier.name}, or give it rules for what nobody has to see`,
      });
    }
    if (
      shown !== undefined &&
      earlier !== undefined &&
      earlier.entry.clientCertificate?.certificate !== shown.certificate
    ) {
      later.hostReport.problem({
        what: `${later.name} (${later.entry.host}) would never show its client certificate`,
        why: `${earlier.name} comes first and matches every request to that host`,
        fix: `remove ${earlier.name}, or give it rules for what it alone is about`,
      });
    }
    if (auth === null || earlier === undefined || JSON.stringify(earlier.entry.auth) === JSON.stringify(auth)) return;
    later.hostReport.problem({
      what: `${later.name} (${later.entry.host}) would never add its credential ${auth.secret}`,
      why: `${earlier.name} comes first and matches every request to that host${earlier.entry.auth === null ? ', without one' : ` with ${earlier.entry.auth.secret}`}`,
      fix: `remove ${earlier.name}, or give it rules for what it alone is about`,
    });
  });
}

function covers(earlier: AllowEntry, later: AllowEntry): boolean {
  if (earlier.scheme !== later.scheme || !hostCovers(earlier.host, later.host)) return false;
  if (!later.ports.every((port) => earlier.ports.includes(port))) return false;
  return later.rules.every((rule) =>
    earlier.rules.some((wide) => {
      const anyMethod =
        wide.methods === null || (rule.methods?.every((method) => wide.methods?.includes(method)) ?? false);
      const anyPath = wide.paths === null || (rule.paths?.every((path) => wide.paths?.includes(path)) ?? false);
      return anyMethod && anyPath && Object.keys(wide.query).length === 0 && Object.keys(wide.headers).length === 0;
    }),
  );
}

/** What a base or a preset allows may be narrowed by a deny; an entry of one's own that can never pass is hardly meant. */
function checkDenied(own: readonly Placed[], deny: readonly { readonly host: string; readonly name: string }[]): void {
  for (const { entry, name, hostReport } of own) {
    const denied = deny.find(({ host }) => hostCovers(host, entry.host));
    if (denied === undefined) continue;
    hostReport.warning({
      what: `${name} allows ${shown(entry.host)}, which ${denied.name} ${shown(denied.host)} denies`,
      why: 'deny always wins, so the entry has no effect',
      fix: 'remove one of the two',
    });
  }
}
