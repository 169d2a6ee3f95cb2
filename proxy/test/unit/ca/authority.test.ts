import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/ca/authority.ts';
import { ProxyFailure } from '../../../src/failure.ts';

/** The leaf's certificate as the context holds it. */
function leafOf(context: object): X509Certificate {
  const native = (context as { context: { getCertificate(): Buffer } }).context;
  return new X509Certificate(native.getCertificate());
}

test('two authorities have nothing in common', () => {
  const [one, other] = [createAuthority({ session: 's' }), createAuthority({ session: 's' })].map(
    (authority) => new X509Certificate(authority.certificatePem),
  );
  expect(one!.publicKey.equals(other!.publicKey)).toBe(false);
  expect(one!.serialNumber).not.toBe(other!.serialNumber);
});

test('the certificate names the session and lives a week, from an hour ago', () => {
  const certificate = new X509Certificate(createAuthority({ session: 'web-1a2b3c' }).certificatePem);
  expect(certificate.subject).toBe('O=bottle\nCN=bottle web-1a2b3c');
  expect((certificate.validFromDate.getTime() - Date.now()) / 60_000).toBeCloseTo(-60, 0);
  expect((certificate.validToDate.getTime() - Date.now()) / 3_600_000).toBeCloseTo(7 * 24, 1);
});

test('nothing that it gives away holds a private key', () => {
  const authority = createAuthority({ session: 's' });
  expect(JSON.stringify(authority)).not.toContain('PRIVATE');
  expect(authority.certificatePem.match(/-----BEGIN [A-Z ]+-----/g)).toEqual(['-----BEGIN CERTIFICATE-----']);
});

describe('leaves', () => {
  const authority = createAuthority({ session: 's', cacheSize: 3 });
  const root = new X509Certificate(authority.certificatePem);

  test('carry positive serials of 16 bytes that do not repeat, share one key, and live as long as the authority', () => {
    const leaves = Array.from({ length: 200 }, (_, i) => leafOf(authority.secureContext(`h${i}.example`)));
    for (const leaf of leaves) {
      expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
      expect(leaf.publicKey.equals(leaves[0]!.publicKey)).toBe(true);
      expect(leaf.publicKey.equals(root.publicKey)).toBe(false);
      expect(leaf.validTo).toBe(root.validTo);
      expect(leaf.verify(root.publicKey)).toBe(true);
    }
    expect(new Set(leaves.map((leaf) => leaf.serialNumber)).size).toBe(200);
  });

  test.each([
    ['API.Example.', 'O=bottle\nCN=api.example', 'DNS:api.example'],
    ['[::1]', 'O=bottle\nCN=::1', 'IP Address:0:0:0:0:0:0:0:1'],
    ['_dmarc.x_y.example', 'O=bottle\nCN=_dmarc.x_y.example', 'DNS:_dmarc.x_y.example'],
    [`${'a'.repeat(60)}.example`, 'O=bottle', `DNS:${'a'.repeat(60)}.example`],
  ])('%s', (host, subject, name) => {
    const leaf = leafOf(authority.secureContext(host));
    expect(leaf.subject).toBe(subject);
    expect(leaf.subjectAltName).toBe(name);
  });

  test('are cached by name, the least recently used one goes first', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((host) => authority.secureContext(host));
    expect(authority.secureContext('A.')).toBe(a);
    authority.secureContext('d');
    expect(authority.secureContext('a')).toBe(a);
    expect(authority.secureContext('c')).toBe(c);
    expect(authority.secureContext('b')).not.toBe(b);
  });

  test('of premint are there before they are asked for; patterns are passed over', () => {
    const fresh = createAuthority({ session: 's' });
    fresh.premint(['api.example', '*.example', '']);
    expect(fresh.secureContext('api.example')).toBe(fresh.secureContext('api.example'));
  });

  test.each([
    '',
    '.',
    'a b',
    'a\0.example',
    '*.example',
    'a..b',
    '-a.example',
    'x,DNS:evil.example',
    'a'.repeat(64),
    'é.example',
    'fe80::1%lo',
  ])('%j is no name to certify', (host) => {
    expect(() => authority.secureContext(host)).toThrow(ProxyFailure);
  });
});
