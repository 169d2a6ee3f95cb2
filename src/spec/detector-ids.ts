// Checks the detectors that a spec names, so that a misspelt one is found when it is read.

import { DETECTOR_IDS } from '../../proxy/src/contract.ts';
import type { Report } from './report.ts';
import { shown, suggestion } from './words.ts';

/** Verdicts that can be excused like a detector: what could not be read. */
const UNREAD = ['undecodable', 'over_budget', 'rules_deadline'];
/** Found by other means than a format; on through `dlp.workspace`. */
const OTHERS = ['workspace-source'];
/** Exact finds of what the spec itself protects. */
const NEVER_EXCUSED = ['known-secret', 'placeholder', 'canary'];

export function checkDetectors(ids: readonly string[], report: Report): void {
  ids.forEach((id, index) => {
    if (DETECTOR_IDS.includes(id)) return;
    unknown(id, DETECTOR_IDS, report.below(index));
  });
}

/** Detector ids, or fingerprints of single findings. */
export function checkExcept(ids: readonly string[], ruleIds: readonly string[], report: Report): void {
  ids.forEach((id, index) => {
    const at = report.below(index);
    if (NEVER_EXCUSED.includes(id.replace(/:.*/, ''))) {
      at.problem({
        what: `${at.name()} is ${id.replace(/:.*/, '')}`,
        why: 'a secret of this spec leaves by injection or not at all',
        fix: 'remove it',
      });
    } else if (!isExcusable(id, ruleIds)) {
      unknown(id.replace(/:[0-9a-f]{16}$/, ''), [...DETECTOR_IDS, ...UNREAD, ...OTHERS], at);
    }
  });
}

function isExcusable(id: string, ruleIds: readonly string[]): boolean {
  const [detector = '', fingerprint] = id.split(':');
  if (ruleIds.includes(detector)) return true;
  if (fingerprint !== undefined) return DETECTOR_IDS.includes(detector) || OTHERS.includes(detector);
  return DETECTOR_IDS.includes(id) || UNREAD.includes(id) || OTHERS.includes(id) || /^[0-9a-f]{16}$/.test(id);
}

/** Detectors with an action of their own. */
export function checkActions(
  actions: Readonly<Record<string, unknown>>,
  ruleIds: readonly string[],
  report: Report,
): void {
  for (const id of Object.keys(actions)) {
    if (NEVER_EXCUSED.includes(id)) {
      const why = 'a secret of this spec leaves by injection or not at all';
      report.problemAtKey({ what: `${report.name([id])} has an action`, why, fix: 'remove it' }, [id]);
    } else if (!DETECTOR_IDS.includes(id) && !OTHERS.includes(id) && !ruleIds.includes(id)) {
      const fix = suggestion(id, DETECTOR_IDS, 'the detectors are');
      report.problemAtKey({ what: `${report.name()} ${shown(id)} is no detector`, why: '', fix }, [id]);
    }
  }
}

function unknown(id: string, known: readonly string[], report: Report): void {
  report.problem({
    what: `${report.name()} ${shown(id)} is no detector`,
    why: '',
    fix: suggestion(id, known, 'the detectors are'),
  });
}
