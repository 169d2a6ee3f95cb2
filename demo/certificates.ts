// A throw-away authority and server certificates, so that the TLS of an upstream that we start is verified like any other's.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { encodeCertificate, keyIdentifier, type Name, type Role, toPem } from '../proxy/src/ca/certificate.ts';

export interface ServerCertificates {
  /** PEM of the authority. */
  readonly authority: string;
  /** PEM of the key that all servers share. */
  readonly key: string;
  /** PEM of each host's certificate. */
  readonly certs: Readonly<Record<string, string>>;
}

const HOUR_MS = 3_600_000;
const ORGANIZATION = 'bottle demo';

export function makeServerCertificates(hosts: readonly string[]): ServerCertificates {
  const authority = newKeyPair();
  const server = newKeyPair();
  const issuer = { organization: ORGANIZATION, commonName: `demo ${randomBytes(4).toString('hex')}` };
  const certify = (role: Role, subject: Name, { publicKey, keyId }: typeof server): string =>
    toPem(
      encodeCertificate(
        {
          role,
          subject,
          issuer,
          publicKey,
          subjectKeyId: keyId,
          issuerKeyId: authority.keyId,
          serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
          notBefore: new Date(Date.now() - HOUR_MS),
          notAfter: new Date(Date.now() + 24 * HOUR_MS),
        },
        (tbs) => sign('sha256', tbs, authority.privateKey),
      ),
    );
  return {
    authority: certify({ kind: 'authority' }, issuer, authority),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certs: Object.fromEntries(
      hosts.map((host) => [
        host,
        certify({ kind: 'server', host }, { organization: ORGANIZATION, commonName: host }, server),
      ]),
    ),
  };
}

function newKeyPair() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
  return { privateKey: pair.privateKey, publicKey, keyId: keyIdentifier(publicKey) };
}
