// The scanner that a configuration asks for.
import type { ProxyConfig } from '../contract.ts';
import { rulesOf } from '../dlp/rules/runner.ts';
import { createScanner } from '../dlp/scanner.ts';
import type { Scanner } from '../dlp/types.ts';

/** Throws ProxyFailure when the rules of others cannot be run. */
export function scannerOf({ secrets, dlp, limits }: ProxyConfig, fingerprintKey: Buffer): Scanner {
  return createScanner({
    secrets,
    detectors: dlp.detectors,
    canaries: dlp.canaries ?? [],
    source: dlp.source === '' ? null : Buffer.from(dlp.source, 'base64'),
    rules: rulesOf(dlp.rules),
    fingerprintKey,
    decodedBytes: limits.decodedBytes,
  });
}
