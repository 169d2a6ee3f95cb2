import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { loadHostTrust, splitCertificates } from '../../../src/trust/host-trust.ts';

const dir = mkdtempSync(join(tmpdir(), 'bottle-trust-'));

function fileWith(name: string, text: string): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  return file;
}

describe('the trust of the host', () => {
  test('holds every certificate once, however many sources name it', () => {
    const plain = splitCertificates(loadHostTrust({}));
    const file = fileWith('again.pem', [...plain.values()].join('\n\n'));
    const again = splitCertificates(
      loadHostTrust({ NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: file }, [{ file, source: '--upstream-ca' }]),
    );
    expect(plain.size).toBeGreaterThan(50);
    expect([...again.keys()]).toEqual([...plain.keys()]);
  });

  test('drops what stands between certificates', () => {
    const pem = rootCertificates[0]!;
    expect([...splitCertificates(`# a comment\n${pem}\nsubject=x\n${pem}`).values()]).toEqual([`${pem.trim()}\n`]);
  });

  test.each([
    ['a file that does not exist', join(dir, 'missing.pem'), /cannot read the certificates of SSL_CERT_FILE: ENOENT/],
    ['a file without a certificate', fileWith('empty.pem', 'nothing here'), /holds no certificate/],
    [
      'a damaged certificate',
      fileWith('bad.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
      /holds a damaged certificate/,
    ],
  ])('%s is refused, with the variable that named it', (_, file, message) => {
    expect(() => loadHostTrust({ SSL_CERT_FILE: file })).toThrow(message);
  });
});
