// Credentials of an allow entry: which secret goes where, checked against the secrets that the spec has.

import type { Auth, PlaceholderSwap } from '../../proxy/src/contract.ts';
import { nearest } from '../report/nearest.ts';
import { readHmac } from './auth-hmac.ts';
import { checkCredentialField } from './credential-field.ts';
import type { Report } from './report.ts';
import type { SpecAuth, SpecEntry } from './schema.ts';
import { shown } from './words.ts';

const BELONGS = {
  username: ['basic'],
  name: ['header', 'query'],
  template: ['header'],
  access_key: ['sigv4', 'hmac'],
  session_token: ['sigv4'],
  services: ['sigv4'],
  regions: ['sigv4'],
  algorithm: ['hmac'],
  encoding: ['hmac'],
  secret_encoding: ['hmac'],
  message: ['hmac'],
  headers: ['hmac'],
  query: ['hmac'],
} as const satisfies Readonly<Record<string, readonly SpecAuth['type'][]>>;

/** null when there is none, or when it cannot be understood (which is then reported). */
export function readAuth(
  auth: SpecAuth | undefined,
  { secrets, issued = [] }: { readonly secrets: readonly string[]; readonly issued?: readonly string[] },
  report: Report,
): Auth | null {
  if (auth === undefined) return null;
  const { type, secret } = auth;
  checkSecretName(secret, secrets, report.below('secret'));
  for (const [key, types] of Object.entries(BELONGS) as [keyof typeof BELONGS, readonly SpecAuth['type'][]][]) {
    if (auth[key] === undefined || types.includes(type)) continue;
    report.problemAtKey(
      {
        what: `${report.name()} has ${key}`,
        why: `type ${type} has none; ${key} belongs to ${types.join(', ')}`,
        fix: `remove it, or write \`type: ${types[0]}\``,
      },
      [key],
    );
  }
  switch (type) {
    case 'bearer':
      return { type, secret };
    case 'basic':
      return { type, secret, username: auth.username ?? 'x-access-token' };
    case 'header':
    case 'query': {
      if (auth.name === undefined) {
        const thing = type === 'header' ? 'header field' : 'query parameter';
        report.problem({
          what: `${report.name()} has no name`,
          why: `type ${type} puts the secret into one ${thing}`,
          fix: `add \`name: ${type === 'header' ? 'x-api-key' : 'api_key'}\``,
        });
        return null;
      }
      if (type === 'query') return { type, secret, name: auth.name };
      const name = auth.name.toLowerCase();
      checkCredentialField(auth.name, report.below('name'));
      return { type, secret, name, template: auth.template ?? '{secret}' };
    }
    case 'sigv4':
      return readSigning(auth, secrets, report);
    case 'hmac':
      if (auth.access_key !== undefined) checkSecretName(auth.access_key, secrets, report.below('access_key'));
      return readHmac(auth, report);
    case 'oauth2':
      if (secrets.includes(secret) && !issued.includes(secret)) {
        report.problem(
          {
            what: `${report.name()} is oauth2, and nobody issues secret ${secret}`,
            why: 'type oauth2 sends a token that is asked for at a token endpoint: its source is oauth2, jwt_bearer, github_app, jwt or login',
            fix: `write \`type: bearer\`, or \`${secret}: { oauth2: { ... } }\` under secrets`,
          },
          ['type'],
        );
      }
      return { type: 'bearer', secret };
  }
}

function readSigning(auth: SpecAuth, secrets: readonly string[], report: Report): Auth | null {
  const { secret, access_key: accessKey, session_token: sessionToken, services, regions } = auth;
  if (accessKey === undefined) {
    report.problem({
      what: `${report.name()} has no access_key`,
      why: 'type sigv4 signs with a secret key and the id that belongs to it',
      fix: 'add `access_key: AWS_ACCESS_KEY_ID`, the name of a secret',
    });
    return null;
  }
  checkSecretName(accessKey, secrets, report.below('access_key'));
  if (sessionToken !== undefined) checkSecretName(sessionToken, secrets, report.below('session_token'));
  return {
    ...{ type: 'sigv4', accessKey, secret, sessionToken: sessionToken ?? null },
    ...{ services: services ?? null, regions: regions ?? null },
  };
}

export function readPlaceholder(
  placeholder: SpecEntry['placeholder'],
  secrets: readonly string[],
  report: Report,
): PlaceholderSwap | null {
  if (placeholder === undefined) return null;
  checkSecretName(placeholder.secret, secrets, report.below('secret'));
  return { secret: placeholder.secret, in: placeholder.in ?? ['header'] };
}

export function checkSecretName(name: string, secrets: readonly string[], report: Report): void {
  if (secrets.includes(name)) return;
  const near = nearest(name, secrets);
  report.problem({
    what: `${report.name()} ${shown(name)} is not in secrets`,
    why: secrets.length === 0 ? 'the spec has no secrets' : '',
    fix: near === undefined ? `add \`${name}: { env: ${name} }\` under secrets` : `did you mean ${shown(near)}?`,
  });
}
