// The schema of `auth: { type: hmac }`: what is hashed, with what, and where it is sent.

import Type from 'typebox';
import { words } from './schema-parts.ts';

const sent = (description: string, example: Readonly<Record<string, string>>) =>
  Type.Optional(
    Type.Record(Type.String(), Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]+$', examples: ['{signature}'] }), {
      ...words(description),
      propertyNames: { minLength: 1 },
      examples: [example],
    }),
  );

export const hmacParts = {
  algorithm: Type.Optional(
    Type.Enum(['sha1', 'sha256', 'sha512'], words('type hmac: the hash; default sha256.', { examples: ['sha256'] })),
  ),
  encoding: Type.Optional(
    Type.Enum(
      ['hex', 'base64', 'base64url'],
      words('type hmac: how the signature is written; default hex.', { examples: ['hex'] }),
    ),
  ),
  secret_encoding: Type.Optional(
    Type.Enum(
      ['utf8', 'hex', 'base64'],
      words('type hmac: how the secret is written, of which the bytes are the key; default utf8: as it is.', {
        examples: ['base64'],
      }),
    ),
  ),
  message: Type.Optional(
    Type.String({
      ...words(
        'type hmac: what is signed; default `{body}`. Parts: {method} {path} (with query) {query} {host} {body} {body_sha256} {timestamp} {timestamp_ms} {timestamp_iso} {nonce} {access_key}.',
      ),
      minLength: 1,
      examples: ['{timestamp}.{body}'],
    }),
  ),
  headers: sent(
    'type hmac: header fields and their values. Parts: {signature} {timestamp} {timestamp_ms} {timestamp_iso} {nonce} {access_key} {body_sha256}.',
    { 'x-signature': 'sha256={signature}' },
  ),
  query: sent('type hmac: query parameters, the same; `message` has those that are known before the signature.', {
    signature: '{signature}',
  }),
};
