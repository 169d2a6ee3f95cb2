import { createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type CertificateFields,
  encodeCertificate,
  keyIdentifier,
  type Role,
  toPem,
} from '../../../src/ca/certificate.ts';

const authorityKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = (key: typeof authorityKey): Buffer => key.publicKey.export({ type: 'spki', format: 'der' });
const issuer = { organization: 'bottle', commonName: 'bottle s-1' };

function certificate(role: Role, changed: Partial<CertificateFields> = {}): X509Certificate {
  const fields: CertificateFields = {
    role,
    subject: role.kind === 'authority' ? issuer : { organization: 'bottle', commonName: 'leaf' },
    issuer,
    publicKey: der(role.kind === 'authority' ? authorityKey : leafKey),
    subjectKeyId: keyIdentifier(der(role.kind === 'authority' ? authorityKey : leafKey)),
    issuerKeyId: keyIdentifier(der(authorityKey)),
    serial: Buffer.from('4bcd', 'hex'),
    notBefore: new Date('2026-11-21T07:00:00Z'),
    notAfter: new Date('2026-11-28T08:00:00Z'),
    ...changed,
  };
  return new X509Certificate(toPem(encodeCertificate(fields, (tbs) => sign('sha256', tbs, authorityKey.privateKey))));
}

describe('an authority', () => {
  const authority = certificate({ kind: 'authority' });

  test('signs itself, may sign leaves, and nothing deeper', () => {
    expect(authority.ca).toBe(true);
    expect(authority.verify(authorityKey.publicKey)).toBe(true);
    expect(authority.checkIssued(authority)).toBe(true);
    // basicConstraints: critical, CA, path length 0.
    expect(authority.raw.toString('hex')).toContain('0603551d130101ff040830060101ff020100');
    // keyUsage: critical, keyCertSign and cRLSign.
    expect(authority.raw.toString('hex')).toContain('0603551d0f0101ff040403020106');
  });

  test('has subject, serial and times as given', () => {
    expect(authority.subject).toBe('O=bottle\nCN=bottle s-1');
    expect(authority.issuer).toBe(authority.subject);
    expect(authority.serialNumber).toBe('4BCD');
    expect(authority.validFromDate).toEqual(new Date('2026-11-21T07:00:00Z'));
    expect(authority.validToDate).toEqual(new Date('2026-11-28T08:00:00Z'));
  });
});

test('a key whose bytes look like DER themselves is taken as it is: one in 256 does', () => {
  // The point is 04 X Y. With X beginning 3f it reads as an octet string of exactly what is left.
  let odd = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  while (der(odd)[27] !== 0x3f) odd = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leaf = certificate({ kind: 'server', host: 'api.example' }, { publicKey: der(odd) });
  expect(leaf.publicKey.export({ type: 'spki', format: 'der' })).toEqual(der(odd));
  expect(leaf.verify(authorityKey.publicKey)).toBe(true);
});

describe('a leaf', () => {
  const authority = certificate({ kind: 'authority' });

  test.each([
    ['api.example', 'DNS:api.example'],
    [`${'a'.repeat(63)}.${'b'.repeat(63)}.example`, `DNS:${'a'.repeat(63)}.${'b'.repeat(63)}.example`],
    ['192.0.2.1', 'IP Address:192.0.2.1'],
    ['2001:db8::1', 'IP Address:2001:DB8:0:0:0:0:0:1'],
  ])('for %s names it as %s and is issued by the authority', (host, name) => {
    const leaf = certificate({ kind: 'server', host });
    expect(leaf.subjectAltName).toBe(name);
    expect(leaf.ca).toBe(false);
    expect(leaf.verify(createPublicKey(authorityKey.publicKey.export({ type: 'spki', format: 'pem' })))).toBe(true);
    // Compares the leaf's authority key identifier with the CA's subject key identifier.
    expect(leaf.checkIssued(authority)).toBe(true);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  test('that carries another key identifier is not taken for one of this authority', () => {
    const leaf = certificate({ kind: 'server', host: 'api.example' }, { issuerKeyId: keyIdentifier(der(leafKey)) });
    expect(leaf.checkIssued(authority)).toBe(false);
  });

  test('may have no common name', () => {
    expect(
      certificate({ kind: 'server', host: 'api.example' }, { subject: { organization: 'bottle', commonName: null } })
        .subject,
    ).toBe('O=bottle');
  });
});

test('times from 2050 on are encoded with four digits of the year', () => {
  const notAfter = new Date('2050-01-01T00:00:00Z');
  expect(certificate({ kind: 'authority' }, { notAfter }).validToDate).toEqual(notAfter);
});

test('names in other scripts survive', () => {
  const subject = { organization: 'bottle', commonName: 'Flasche 瓶' };
  expect(certificate({ kind: 'authority' }, { subject, issuer: subject }).subject).toContain('瓶');
});
