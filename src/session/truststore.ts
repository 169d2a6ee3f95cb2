// Writes a Java key store (JKS) that trusts the given certificates: Java reads no PEM bundle.
// Format: sun.security.provider.JavaKeyStore; big-endian, closed by SHA-1 over password (UTF-16BE), a fixed phrase, and the data.
import { createHash, X509Certificate } from 'node:crypto';
import { TRUST } from '../plan/trust-paths.ts';

const MAGIC = 0xfeedfeed;
const VERSION = 2;
const TRUSTED_CERTIFICATE = 2;
const INTEGRITY_PHRASE = 'Mighty Aphrodite';

export interface TrustedCertificate {
  readonly alias: string;
  readonly pem: string;
}

export function encodeTruststore(certificates: readonly TrustedCertificate[], created: Date): Buffer {
  const parts: Buffer[] = [uint32(MAGIC), uint32(VERSION), uint32(certificates.length)];
  for (const { alias, pem } of certificates) {
    const der = new X509Certificate(pem).raw;
    parts.push(uint32(TRUSTED_CERTIFICATE), utf(alias.toLowerCase()), uint64(BigInt(created.getTime())));
    parts.push(utf('X.509'), uint32(der.length), der);
  }
  const data = Buffer.concat(parts);
  const password = Buffer.from(TRUST.javaPassword, 'utf16le').swap16();
  return Buffer.concat([data, createHash('sha1').update(password).update(INTEGRITY_PHRASE).update(data).digest()]);
}

/** Java's "modified UTF-8" is plain ASCII for what we write. */
function utf(text: string): Buffer {
  const bytes = Buffer.from(text, 'ascii');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
