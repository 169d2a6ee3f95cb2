// The scanner that a configuration asks for.
import type { ProxyConfig } from '../contract.ts';
import { rulesOf } from '../dlp/rules/runner.ts';
import { createScanner } from '../dlp/scanner.ts';
import type { Scanner, ScannerConfig } from '../dlp/types.ts';

/** Compiled when it is first asked, which a start need not wait for. Throws ProxyFailure when the rules of others cannot be run. */
export function scannerOf(
  { secrets, dlp, limits }: ProxyConfig,
  fingerprintKey: Buffer,
  formsOf?: NonNullable<ScannerConfig['formsOf']>,
): Scanner {
  const rules = rulesOf(dlp.rules);
  return whenAsked(() =>
    createScanner({
      secrets,
      detectors: dlp.detectors,
      canaries: dlp.canaries ?? [],
      source: dlp.source === '' ? null : Buffer.from(dlp.source, 'base64'),
      rules,
      fingerprintKey,
      ...(formsOf === undefined ? {} : { formsOf }),
      decodedBytes: limits.decodedBytes,
    }),
  );
}

function whenAsked(make: () => Scanner): Scanner {
  let made: Scanner | null = null;
  const scanner = (): Scanner => {
    made ??= make();
    return made;
  };
  return {
    scanText: (where, text) => scanner().scanText(where, text),
    scanJoined: (where, texts) => scanner().scanJoined(where, texts),
    mayBegin: (text) => scanner().mayBegin(text),
    scanBody: (where, body, meta) => scanner().scanBody(where, body, meta),
    scanStream: (where, meta, redact) => scanner().scanStream(where, meta, redact),
    replacement: (match) => scanner().replacement(match),
    redactText: (text) => scanner().redactText(text),
  };
}
