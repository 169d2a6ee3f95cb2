import { createHash, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { expect, test } from 'vitest';
import { encodeTruststore } from '../../../src/session/truststore.ts';

const pem = rootCertificates[0] ?? '';

/** Reads what Java would read, by the format's own description. */
function decode(store: Buffer) {
  let at = 0;
  const take = (length: number) => {
    at += length;
    return store.subarray(at - length, at);
  };
  const uint32 = () => take(4).readUInt32BE();
  const text = () => take(take(2).readUInt16BE()).toString('ascii');
  const head = { magic: uint32().toString(16), version: uint32() };
  const entries = Array.from({ length: uint32() }, () => {
    const tag = uint32();
    const alias = text();
    const created = Number(take(8).readBigUInt64BE());
    const type = text();
    return { tag, alias, created, type, der: take(uint32()) };
  });
  const password = Buffer.from('changeit', 'utf16le').swap16();
  const expected = createHash('sha1')
    .update(password)
    .update('Mighty Aphrodite')
    .update(store.subarray(0, at))
    .digest();
  return { ...head, entries, isWhole: store.subarray(at).equals(expected) };
}

test('the store holds the certificate as a trusted one, closed by its digest', () => {
  const store = decode(encodeTruststore([{ alias: 'Bottle', pem }], new Date(1000)));
  expect(store).toMatchObject({ magic: 'feedfeed', version: 2, isWhole: true });
  expect(store.entries).toEqual([
    { tag: 2, alias: 'bottle', created: 1000, type: 'X.509', der: new X509Certificate(pem).raw },
  ]);
});
