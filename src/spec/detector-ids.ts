// Checks the detectors that a spec names, so that a misspelt one is found when it is read.

import { DETECTOR_IDS } from '../../proxy/src/contract.ts';
import type { Report } from './report.ts';
import { shown, suggestion } from './words.ts';

/** Verdicts that can be excused like a detector: what could not be read. */
const UNREAD = ['undecodable', 'over_budget'];
/** Found by other means than a format; on through `dlp.workspace`. */
const OTHERS = ['workspace-source'];
/** Exact finds of what the spec itself protects. */
const NEVER_EXCUSED = ['known-secret', 'placeholder'];

export function checkDetectors(ids: readonly string[], report: Report): void {
  ids.forEach((id, index) => {
    if (DETECTOR_IDS.includes(id)) return;
    unknown(id, DETECTOR_IDS, report.below(index));
  });
}

/** Detector ids, or fingerprints of single findings. */
export function checkExcept(ids: readonly string[], report: Report): void {
  ids.forEach((id, index) => {
    const at = report.below(index);
    if (NEVER_EXCUSED.includes(id)) {
      at.problem({
        what: `${at.name()} is ${id}`,
        why: 'a secret of this spec leaves by injection or not at all',
        fix: 'remove it',
      });
    } else if (
      !DETECTOR_IDS.includes(id) &&
      !UNREAD.includes(id) &&
      !OTHERS.includes(id) &&
      !/^[0-9a-f]{16}$/.test(id)
    ) {
      unknown(id, [...DETECTOR_IDS, ...UNREAD, ...OTHERS], at);
    }
  });
}

function unknown(id: string, known: readonly string[], report: Report): void {
  report.problem({
    what: `${report.name()} ${shown(id)} is no detector`,
    why: '',
    fix: suggestion(id, known, 'the detectors are'),
  });
}
