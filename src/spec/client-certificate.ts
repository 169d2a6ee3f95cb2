// The client certificate of an allow entry: which secrets hold it, and that there is TLS to show it in.
import { checkSecretName } from './auth.ts';
import type { AllowEntry } from './bottle.ts';
import type { Report } from './report.ts';
import type { SpecEntry } from './schema.ts';

/** null when there is none, or when it cannot be used (which is then reported). */
export function readClientCertificate(
  { client_certificate: given, scheme }: SpecEntry,
  reaches: readonly Pick<AllowEntry, 'scheme'>[],
  secrets: readonly string[],
  report: Report,
): NonNullable<AllowEntry['clientCertificate']> | null {
  if (given === undefined) return null;
  const { certificate, key = certificate } = given;
  const below = report.below('client_certificate');
  checkSecretName(certificate, secrets, below.below('certificate'));
  if (given.key !== undefined) checkSecretName(key, secrets, below.below('key'));
  if (reaches.some((reach) => reach.scheme === 'http')) {
    report.problemAtKey(
      {
        what: `${report.name()} has client_certificate and http`,
        why: 'a certificate is shown in a TLS handshake, and http has none',
        fix: `remove ${scheme === 'http' ? '`scheme: http`' : 'port 80'}, or client_certificate`,
      },
      ['client_certificate'],
    );
    return null;
  }
  return { certificate, key };
}
