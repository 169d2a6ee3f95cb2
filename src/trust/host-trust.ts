// The roots that this host trusts: what upstream certificates are verified against, also behind a company's TLS proxy.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import type { Bottle } from '../spec/bottle.ts';
import type { Environment } from '../state/paths.ts';

/** Where the distributions keep their bundle; the first that can be read is the system's. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Alpine, Arch
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem', // macOS, OpenBSD
];

/** `source`: where the file is named. */
export interface ExtraRoots {
  readonly file: string;
  readonly source: string;
}

/** Those of `egress.upstream_proxy.ca`. */
export function proxyRoots({ egress }: Pick<Bottle, 'egress'>): readonly ExtraRoots[] {
  const file = egress.upstreamProxy?.ca ?? null;
  return file === null ? [] : [{ file, source: 'egress.upstream_proxy.ca' }];
}

/**
 * PEM text of every root that the host trusts: the system bundle (or Node's view of the system store), then
 * NODE_EXTRA_CA_CERTS and SSL_CERT_FILE, then `extraFiles`. A file that was named and cannot be read is an error.
 */
export function loadHostTrust(env: Environment = process.env, extraFiles: readonly ExtraRoots[] = []): string {
  const roots = splitCertificates(systemRoots());
  for (const name of ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']) {
    const file = env[name];
    if (file !== undefined && file !== '') addNamed(roots, file, name);
  }
  for (const { file, source } of extraFiles) addNamed(roots, file, source);
  return [...roots.values()].join('');
}

/** The certificates of PEM text, in order and without duplicates, by their base64; anything between them is dropped. */
export function splitCertificates(pem: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [block] of pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) {
    const key = block.replace(/\s+/g, '');
    if (!found.has(key)) found.set(key, `${block}\n`);
  }
  return found;
}

function systemRoots(): string {
  for (const file of SYSTEM_BUNDLES) {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      // Not this distribution's place; the next one is tried, and Node's own view of the system store comes last.
    }
  }
  const system = getCACertificates('system');
  return (system.length > 0 ? system : getCACertificates('bundled')).join('\n');
}

function addNamed(roots: Map<string, string>, file: string, source: string): void {
  const blocks = splitCertificates(readNamed(file, source));
  if (blocks.size === 0) {
    throw new BottleError({
      what: `${source} names ${file}, which holds no certificate`,
      why: 'there is no "BEGIN CERTIFICATE" in it',
      fix: 'name a PEM file of certificate authorities',
      exitCode: EXIT.input,
    });
  }
  for (const [key, block] of blocks) {
    if (roots.has(key)) continue;
    assertCertificate(block, file, source);
    roots.set(key, block);
  }
}

function readNamed(file: string, source: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BottleError({
      what: `cannot read the certificates of ${source}`,
      why: error instanceof Error ? error.message : String(error),
      fix: `make ${file} readable, or do not name it in ${source}`,
      exitCode: EXIT.input,
      cause: error,
    });
  }
}

function assertCertificate(block: string, file: string, source: string): void {
  try {
    new X509Certificate(block);
  } catch (error) {
    throw new BottleError({
      what: `${source} names ${file}, which holds a damaged certificate`,
      why: error instanceof Error ? error.message : String(error),
      fix: 'name a PEM file of whole certificates',
      exitCode: EXIT.input,
      cause: error,
    });
  }
}
