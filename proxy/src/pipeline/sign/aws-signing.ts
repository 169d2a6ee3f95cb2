// The keys and the rule of a route whose requests are signed for AWS.
import { type Auth, type Route, type SecretValue, secretsOfAuth } from '../../contract.ts';
import { checkHeaderSafe, secretOf, unusable } from '../usable-secret.ts';
import { resign } from './resign.ts';
import type { Signing } from './signing.ts';

/** Fields and parameters that carry an AWS signature: all of them are taken off, or made anew. */
const HEADERS: ReadonlySet<string> = new Set(['authorization', 'x-amz-security-token']);
const PARAMETERS: ReadonlySet<string> = new Set(['X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-Security-Token']);

export function awsSigning(
  route: Route,
  auth: Extract<Auth, { readonly type: 'sigv4' }>,
  secrets: ReadonlyMap<string, SecretValue>,
): Signing {
  const accessKey = secretOf(route, auth.accessKey, secrets);
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(accessKey.value)) {
    throw unusable(
      route,
      `secret ${auth.accessKey} is no access key id`,
      'give the id, like AKIA…, not the secret key',
    );
  }
  const sessionToken = auth.sessionToken === null ? null : secretOf(route, auth.sessionToken, secrets).value;
  if (sessionToken !== null) checkHeaderSafe(route, auth.sessionToken!, sessionToken);
  const keys = {
    accessKeyId: accessKey.value,
    secretAccessKey: secretOf(route, auth.secret, secrets).value,
    sessionToken,
  };
  const { services, regions } = auth;
  const rule = { placeholder: accessKey.placeholder, services, regions };
  return {
    secrets: secretsOfAuth(auth).map((name) => ({ name, label: 'AWS signature' })),
    ownsHeader: (lower) => HEADERS.has(lower),
    ownsParameter: (name) => PARAMETERS.has(name),
    sign: (request, body, { now }) => resign(request, keys, rule, body, now),
  };
}
