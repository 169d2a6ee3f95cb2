// A JWT that is signed here (RFC 7515, RFC 7519): what proves to a token endpoint who asks.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

/** RS256, or ES256 for a P-256 key. */
export function signAssertion(key: KeyObject, claims: Readonly<Record<string, unknown>>, keyId: string | null): string {
  const isRsa = key.asymmetricKeyType === 'rsa';
  const header = { alg: isRsa ? 'RS256' : 'ES256', typ: 'JWT', ...(keyId === null ? {} : { kid: keyId }) };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const signature = sign('sha256', Buffer.from(text), isRsa ? key : { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** Null when it is no private key that can sign so; nothing of it is in the error. */
export function readPrivateKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    const isUsable = key.asymmetricKeyType === 'rsa' || key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isUsable ? key : null;
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}
