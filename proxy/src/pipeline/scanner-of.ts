// The scanner that a configuration asks for.
import type { ProxyConfig } from '../contract.ts';
import { rulesOf } from '../dlp/rules/runner.ts';
import { createScanner } from '../dlp/scanner.ts';
import type { Scanner, ScannerConfig } from '../dlp/types.ts';
import { otherFormsOfKeys } from './sign/hmac-key.ts';

/** Compiled when it is first asked, which a start need not wait for. Throws ProxyFailure when the rules of others cannot be run. */
export function scannerOf(config: ProxyConfig, fingerprintKey: Buffer): Scanner {
  return scannersOf(config)(config, fingerprintKey);
}

/** The same for configurations that differ in their secrets alone: the thread that runs the rules of others is one for all of them. */
export function scannersOf(
  config: Pick<ProxyConfig, 'dlp'>,
  formsOf?: NonNullable<ScannerConfig['formsOf']>,
): (config: ProxyConfig, fingerprintKey: Buffer) => Scanner {
  const rules = rulesOf(config.dlp.rules);
  return ({ routes, secrets, dlp, limits }, fingerprintKey) =>
    whenAsked(() =>
      createScanner({
        secrets: [...secrets, ...otherFormsOfKeys(routes, secrets)],
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
