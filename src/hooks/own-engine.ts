// The second engine, which a person may choose where there is no gitleaks: what `bottle scan` does, on each file as the push brings it.
import { basename, join } from 'node:path';
import { DEFAULT_LIMITS } from '../../proxy/src/contract.ts';
import { BottleError } from '../report/bottle-error.ts';
import { askScan } from '../scan/ask-scan.ts';
import { readFingerprintKey } from '../state/fingerprint-key.ts';
import { stateDir } from '../state/paths.ts';
import type { PushFinding } from './push-finding.ts';
import type { PushScope } from './push-scope.ts';
import type { PushTexts } from './push-texts.ts';
import { filesOf, writeBlobs } from './pushed-files.ts';

/** `directory`: empty, for this search alone; it holds the texts already. */
export async function searchWithOwnEngine(
  scope: PushScope,
  texts: PushTexts,
  directory: string,
): Promise<readonly PushFinding[]> {
  const files = await filesOf(scope);
  await writeBlobs(files.keys(), join(directory, 'blobs'));
  const findings: PushFinding[] = [];
  const request = {
    dlp: { detectors: null, source: '', fingerprintKey: readFingerprintKey(stateDir()) },
    ...{ secrets: [], targets: [directory], everything: true, decodedBytes: DEFAULT_LIMITS.decodedBytes },
  };
  for await (const event of askScan(request, null)) {
    if (event.event === 'unread') {
      const file = files.get(basename(event.file))?.path ?? 'a text';
      throw new BottleError({
        what: 'this push cannot be checked whole',
        why: `${file}: ${event.why}`,
        fix: 'install gitleaks, which reads it or leaves it out by its own rules: bottle hooks status',
      });
    }
    if (event.event !== 'finding') continue;
    const { file, line, detector } = event.finding;
    const found = { rule: detector, file, line: line ?? 1, commit: null, ignoreAs: null };
    const pushed = files.get(basename(file));
    findings.push(pushed === undefined ? texts.placed(found) : { ...found, file: pushed.path, commit: pushed.commit });
  }
  return findings;
}
