// One allow entry, as written (a host, or the parts) -> as the proxy needs it. What is wrong is reported; the entry is then null.

import { readAuth, readPlaceholder } from './auth.ts';
import type { AllowEntry } from './bottle.ts';
import { checkExcept } from './detector-ids.ts';
import { parseHostPattern } from './host-pattern.ts';
import type { Report } from './report.ts';
import { readRules } from './rule.ts';
import type { FilledEntry, SpecDocument } from './schema.ts';
import { shown } from './words.ts';

export interface EntrySurroundings {
  /** Names of the spec's secrets. */
  readonly secrets: readonly string[];
  /** For entries without a `dlp.on_match` of their own. */
  readonly onMatch: NonNullable<NonNullable<SpecDocument['dlp']>['on_match']>;
}

const DEFAULT_PORT = { https: 443, http: 80 } as const;

export function readEntry(
  entry: FilledEntry,
  id: string,
  isText: boolean,
  around: EntrySurroundings,
  report: Report,
): AllowEntry | null {
  const hostReport = isText ? report : report.below('host');
  const pattern = parseHostPattern(entry.host, hostReport.name(), 'allow');
  if (!pattern.ok) hostReport.problem(pattern.words);
  else if (pattern.isPrivate && !entry.allow_private) {
    // Listing it is no permission: the proxy refuses it, and tells the agent why.
    hostReport.warning({
      what: `${hostReport.name()} ${shown(entry.host)} is ${pattern.isAddress ? 'a private address' : 'this machine itself'}`,
      why: 'requests to it are refused, for an agent could reach the machine or its network through it',
      fix: isText
        ? `write { host: "${pattern.host}", allow_private: true } if that is what you want`
        : 'add `allow_private: true` if that is what you want',
    });
  }
  if (entry.port !== undefined && entry.ports !== undefined) {
    report.problemAtKey(
      { what: `${report.name()} has both port and ports`, why: 'only one of them could count', fix: 'keep ports' },
      ['port'],
    );
  }
  const rules = readRules(entry, report);
  const auth = readAuth(entry.auth, around.secrets, report.below('auth'));
  const placeholder = readPlaceholder(entry.placeholder, around.secrets, report.below('placeholder'));
  if (entry.scheme === 'http' && !entry.allow_private && (auth !== null || placeholder !== null)) {
    report.problemAtKey(
      {
        what: `${report.name()} sends a credential over http`,
        why: 'everybody on the way could read it',
        fix: 'remove `scheme: http`, or the credential',
      },
      [auth !== null ? 'auth' : 'placeholder'],
    );
  }
  if (
    auth !== null &&
    placeholder !== null &&
    auth.secret !== placeholder.secret &&
    auth.type !== 'query' &&
    placeholder.in.includes('header')
  ) {
    report.problemAtKey(
      {
        what: `${report.name()} has auth and placeholder with two secrets`,
        why: 'both write header fields, and one would undo the other',
        fix: 'keep one of them',
      },
      ['placeholder'],
    );
  }
  checkExcept(entry.dlp.except ?? [], report.below('dlp', 'except'));
  if (!pattern.ok) return null;
  return {
    id,
    host: pattern.host,
    ports: entry.ports ?? [entry.port ?? DEFAULT_PORT[entry.scheme]],
    scheme: entry.scheme,
    rules,
    auth,
    placeholder,
    dlp: { onMatch: readOnMatch(entry.dlp.on_match ?? around.onMatch), except: entry.dlp.except ?? [] },
    allowPrivate: entry.allow_private,
    errorShape: entry.error_shape,
  };
}

/** `hold` is reported as "not yet"; until then nothing is looser than to block. */
export function readOnMatch(onMatch: EntrySurroundings['onMatch']): AllowEntry['dlp']['onMatch'] {
  return onMatch === 'hold' ? 'block' : onMatch;
}
