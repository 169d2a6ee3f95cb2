// Where a secret comes from, for people: never a value.
import type { SecretOrigin, SecretSource, TokenIssuer } from '../spec/bottle.ts';
import { storeCommand } from './store-command.ts';

/** `env GITHUB_TOKEN`, `file /home/me/auth.json (json tokens.access)`, `command pass show token`: for people; never a value. */
export function describeSource(source: SecretSource): string {
  const { pick } = source;
  return `${describeOrigin(source)}${pick ? ` (${pick.format} ${pick.key})` : ''}`;
}

function describeOrigin(origin: SecretOrigin): string {
  switch (origin.kind) {
    case 'env':
      return `env ${origin.env}`;
    case 'file':
      return `file ${origin.file}`;
    case 'cmd':
      return `command ${origin.cmd.join(' ')}`;
    case 'store':
      return `command ${storeCommand(origin.store, process.platform).join(' ')}`;
    case 'token':
      return describeIssuer(origin.issuer);
    default:
      return origin satisfies never;
  }
}

function describeIssuer(issuer: TokenIssuer): string {
  switch (issuer.kind) {
    case 'oauth2':
      return `oauth2 ${issuer.tokenUrl}`;
    case 'jwt_bearer':
      return `jwt_bearer ${issuer.tokenUrl ?? issuer.key}`;
    case 'github_app':
      return `github_app ${issuer.appId}, installation ${issuer.installationId}`;
    case 'jwt':
      return `jwt signed with ${issuer.key}`;
    case 'login':
      return `login ${issuer.of} ${issuer.file}`;
    default:
      return issuer satisfies never;
  }
}
