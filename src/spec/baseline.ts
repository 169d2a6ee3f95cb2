// A file of findings that a person has looked at and approved: `FINGERPRINT DETECTOR HOST` a line, `#` begins a comment.
import { DETECTOR_IDS } from '../../proxy/src/contract.ts';
import { parseHostPattern } from './host-pattern.ts';
import { readNamedFile } from './named-file.ts';
import type { Report } from './report.ts';
import type { Surroundings } from './surroundings.ts';
import { shown, suggestion } from './words.ts';

export interface Approval {
  readonly fingerprint: string;
  readonly detector: string;
  /** As in `egress.allow`: the approval holds for entries with this host, or below it for `*.x`. */
  readonly host: string;
}

/** Exact finds of what the spec itself protects. */
const NEVER_APPROVED = ['known-secret', 'placeholder', 'canary'];

export function readBaseline(
  file: string | undefined,
  ruleIds: readonly string[],
  around: Surroundings,
  report: Report,
): readonly Approval[] {
  if (file === undefined) return [];
  const text = readNamedFile(file, around, report);
  if (text === null) return [];
  return text.split(/\r?\n/).flatMap((line, index) => {
    const words = line.replace(/(?:^|\s)#.*$/, '').trim();
    if (words === '') return [];
    const at = { name: `${file}:${index + 1}`, report };
    const [fingerprint = '', detector = '', host = '', ...more] = words.split(/\s+/);
    if (more.length > 0 || host === '')
      return refuse(
        at,
        'is not FINGERPRINT DETECTOR HOST',
        '',
        'write the three of a finding, as `bottle logs --json` shows them',
      );
    if (!/^[0-9a-f]{16}$/.test(fingerprint))
      return refuse(
        at,
        'does not begin with a fingerprint',
        'that is 16 hex digits',
        'copy it from `bottle logs --json`',
      );
    if (NEVER_APPROVED.includes(detector))
      return refuse(
        at,
        `approves ${detector}`,
        'a secret of this spec leaves by injection or not at all',
        'remove the line',
      );
    if (!DETECTOR_IDS.includes(detector) && !ruleIds.includes(detector))
      return refuse(
        at,
        `names ${shown(detector)}, which is no detector`,
        '',
        suggestion(detector, DETECTOR_IDS, 'the detectors are'),
      );
    const pattern = parseHostPattern(host, `${at.name}: host`, 'deny');
    if (pattern.ok) return [{ fingerprint, detector, host: pattern.host }];
    report.problem(pattern.words);
    return [];
  });
}

function refuse({ name, report }: { name: string; report: Report }, what: string, why: string, fix: string): [] {
  report.problem({ what: `${name} ${what}`, why, fix });
  return [];
}
