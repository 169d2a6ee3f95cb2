// A throw-away authority and one server certificate for the demo's API, so that its TLS is verified like any other upstream's.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { encodeCertificate, keyIdentifier, type Role } from '../proxy/src/ca/certificate.ts';

export interface ServerCertificate {
  /** PEM of the authority. */
  readonly authority: string;
  /** PEM of the server's key and certificate. */
  readonly key: string;
  readonly cert: string;
}

const HOUR_MS = 3_600_000;

export function makeServerCertificate(host: string): ServerCertificate {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = {
    organization: 'bottle demo',
    commonName: `demo ${createHash('sha256').update(randomBytes(8)).digest('hex').slice(0, 8)}`,
  };
  const spki = (pair: typeof server) => pair.publicKey.export({ type: 'spki', format: 'der' });
  const certify = (role: Role, subject: typeof issuer, publicKey: Buffer) =>
    toPem(
      encodeCertificate(
        {
          role,
          subject,
          issuer,
          publicKey,
          issuerKeyId: keyIdentifier(spki(authority)),
          serial: Buffer.concat([Buffer.from([1]), randomBytes(15)]),
          notBefore: new Date(Date.now() - HOUR_MS),
          notAfter: new Date(Date.now() + 24 * HOUR_MS),
        },
        (tbs) => sign('sha256', tbs, authority.privateKey),
      ),
    );
  return {
    authority: certify({ kind: 'authority' }, issuer, spki(authority)),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: certify({ kind: 'server', host }, { organization: 'bottle demo', commonName: host }, spki(server)),
  };
}

function toPem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}
