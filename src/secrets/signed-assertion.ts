// A JWT that is signed here (RFC 7515, RFC 7519): what proves to a token endpoint, or to the service itself, who asks.
import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** RS256, ES256 for a P-256 key, EdDSA for an Ed25519 one; HS256 for bytes (RFC 7518, 3.1; RFC 8037, 3.1). */
export function signAssertion(
  key: KeyObject | Buffer,
  claims: Readonly<Record<string, unknown>>,
  keyId: string | null,
): string {
  const alg = Buffer.isBuffer(key) ? 'HS256' : ALGORITHMS[key.asymmetricKeyType ?? ''];
  const header = { alg, typ: 'JWT', ...(keyId === null ? {} : { kid: keyId }) };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${signatureOf(key, Buffer.from(text)).toString('base64url')}`;
}

const ALGORITHMS: Readonly<Record<string, string>> = { rsa: 'RS256', ec: 'ES256', ed25519: 'EdDSA' };

function signatureOf(key: KeyObject | Buffer, text: Buffer): Buffer {
  if (Buffer.isBuffer(key)) return createHmac('sha256', key).update(text).digest();
  if (key.asymmetricKeyType === 'ed25519') return sign(null, text, key);
  return sign('sha256', text, key.asymmetricKeyType === 'rsa' ? key : { key, dsaEncoding: 'ieee-p1363' });
}

/** What readPrivateKey takes. */
export const KEY_KINDS = 'RSA, P-256 or Ed25519 private key';

/** Null when it is no private key that can sign so; nothing of it is in the error. */
export function readPrivateKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
    const isUsable = type === 'rsa' || type === 'ed25519' || details?.namedCurve === 'prime256v1';
    return isUsable ? key : null;
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}
