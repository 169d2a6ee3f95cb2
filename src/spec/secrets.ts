// Where the values of secrets come from, as a spec says it: one origin each, what of its text is the value, and when it is read again.

import { checkSecretName } from './auth.ts';
import type { Pick, SecretOrigin, SecretSource, SecretStore, TokenIssuer, Workspace } from './bottle.ts';
import { readExpires } from './expires.ts';
import { isVisible } from './files.ts';
import type { Report } from './report.ts';
import { isReservedForSecrets } from './reserved-env.ts';
import type { FilledSpec } from './schema.ts';
import type { SpecSecret } from './schema-secret.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

const ISSUED = ['oauth2', 'jwt_bearer', 'github_app', 'jwt', 'login'] as const;
const JWT_LIFE_SECONDS = 600;
const ORIGINS = ['env', 'file', 'cmd', 'keychain', 'op', 'vault', 'aws', 'gcp', ...ISSUED] as const;
const LOGIN_FILES = { claude: '~/.claude/.credentials.json', codex: '~/.codex/auth.json' } as const;
const PICKS = ['json', 'yaml', 'dotenv', 'netrc', 'ini'] as const;

/** Is it asked for at a token endpoint? */
export const isIssued = (given: SpecSecret): boolean => ISSUED.some((kind) => given[kind] !== undefined);

export function readSecrets(
  spec: FilledSpec,
  workspace: Workspace,
  around: Surroundings,
  report: Report,
): Record<string, SecretSource> {
  const sources: Record<string, SecretSource> = {};
  for (const [name, given] of Object.entries(spec.secrets)) {
    const at = report.below(name);
    if (isReservedForSecrets(name)) {
      at.problemAtKey({
        what: `${at.name()} has the name of a variable that programs need`,
        why: 'the agent gets a placeholder in a variable of that name',
        fix: 'call it something else',
      });
    }
    const origin = readOrigin(given, name, spec, workspace, around, at);
    if (origin === null) continue;
    const pick = readPick(given, at);
    if (pick !== null && origin.kind === 'token') {
      at.problem(
        {
          what: `${at.name([pick.format])} has no meaning`,
          why: 'the value is the token that was issued, as a whole',
          fix: 'remove it',
        },
        [pick.format],
      );
    }
    const ttl = given.ttl_seconds;
    const until = readExpires(given.expires, at.below('expires'));
    sources[name] = {
      ...origin,
      ...(pick === null ? {} : { pick }),
      ...(ttl === undefined ? {} : { ttlMs: ttl * 1000 }),
      ...(until === null ? {} : { expires: until }),
    };
  }
  return sources;
}

function readOrigin(
  given: SpecSecret,
  name: string,
  spec: FilledSpec,
  workspace: Workspace,
  around: Surroundings,
  at: Report,
): SecretOrigin | null {
  const named = ORIGINS.filter((origin) => given[origin] !== undefined);
  if (named.length !== 1) {
    at.problem(
      named.length === 0
        ? {
            what: `${at.name()} names no source`,
            why: 'a secret comes from a variable, a file, a command or a store of secrets',
            fix: `write { env: ${name} }`,
          }
        : {
            what: `${at.name()} names more than one source`,
            why: 'only one of them could count',
            fix: `keep one of ${named.join(', ')}`,
          },
    );
    return null;
  }
  if (given.timeout_seconds !== undefined && (given.env !== undefined || given.file !== undefined || isIssued(given))) {
    at.problem(
      {
        what: `${at.name(['timeout_seconds'])} has no meaning`,
        why: 'only commands take their time',
        fix: 'remove it',
      },
      ['timeout_seconds'],
    );
  }
  const patience = given.timeout_seconds === undefined ? {} : { timeoutMs: given.timeout_seconds * 1000 };
  if (given.env !== undefined) return { kind: 'env', env: given.env };
  if (given.cmd !== undefined) return { kind: 'cmd', cmd: given.cmd, ...patience };
  if (given.file !== undefined) return readFileOrigin(given.file, workspace, around, at);
  const issuer = readIssuer(given, Object.keys(spec.secrets), workspace, around, at);
  if (issuer !== null) return { kind: 'token', issuer };
  const store = readStore(given);
  return store === null ? null : { kind: 'store', store, ...patience };
}

function readIssuer(
  { oauth2, jwt_bearer: bearer, github_app: app, jwt, login }: SpecSecret,
  names: readonly string[],
  workspace: Workspace,
  around: Surroundings,
  at: Report,
): TokenIssuer | null {
  const input = (name: string | undefined, key: string): string | null => {
    if (name !== undefined) checkSecretName(name, names, at.below('oauth2', key));
    return name ?? null;
  };
  const keyAt = (path: string, key: string) => readPath(path, [key, 'key'], workspace, around, at);
  if (oauth2 !== undefined) {
    const { token_url: tokenUrl, client_id: clientId, scope, audience } = oauth2;
    const clientSecret = input(oauth2.client_secret, 'client_secret');
    const refreshToken = input(oauth2.refresh_token, 'refresh_token');
    if (clientSecret === null && refreshToken === null) {
      at.problem(
        {
          what: `${at.name(['oauth2'])} has neither client_secret nor refresh_token`,
          why: 'nothing would prove who asks for the token',
          fix: 'add `client_secret: NAME` or `refresh_token: NAME`, the name of another secret',
        },
        ['oauth2'],
      );
    }
    return {
      ...{ kind: 'oauth2', tokenUrl, clientId, clientSecret, refreshToken },
      ...{ scope: scope ?? null, audience: audience ?? null, clientAuth: oauth2.client_auth ?? 'basic' },
    };
  }
  if (bearer !== undefined) {
    const { token_url: tokenUrl = null, issuer = null, scope = null } = bearer;
    return { kind: 'jwt_bearer', key: keyAt(bearer.key, 'jwt_bearer'), tokenUrl, issuer, scope };
  }
  if (jwt !== undefined) {
    return {
      ...{ kind: 'jwt', key: keyAt(jwt.key, 'jwt'), hs256: jwt.algorithm === 'HS256', keyId: jwt.key_id ?? null },
      ...{ issuer: jwt.issuer ?? null, subject: jwt.subject ?? null, audience: jwt.audience ?? null },
      ...{ claims: jwt.claims ?? {}, lifeMs: (jwt.life_seconds ?? JWT_LIFE_SECONDS) * 1000 },
    };
  }
  if (login !== undefined) {
    const { of, file = LOGIN_FILES[of], token_url: tokenUrl = null, write_back: writeBack = false } = login;
    return { kind: 'login', of, file: readPath(file, ['login', 'file'], workspace, around, at), tokenUrl, writeBack };
  }
  if (app === undefined) return null;
  return {
    ...{ kind: 'github_app', appId: app.app_id, installationId: app.installation_id },
    ...{ key: keyAt(app.key, 'github_app'), api: app.api ?? 'https://api.github.com' },
    ...{ repositories: app.repositories ?? [], permissions: app.permissions ?? {} },
  };
}

function readFileOrigin(path: string, workspace: Workspace, around: Surroundings, at: Report): SecretOrigin {
  return { kind: 'file', file: readPath(path, ['file'], workspace, around, at) };
}

function readPath(
  path: string,
  place: readonly string[],
  workspace: Workspace,
  around: Surroundings,
  at: Report,
): string {
  const file = resolvePath(path, at.file(place), around);
  const realWorkspace = workspace.path === null ? workspace : { ...workspace, path: around.realPath(workspace.path) };
  if (isVisible(file, workspace) || isVisible(around.realPath(file), realWorkspace)) {
    at.problem(
      {
        what: `${at.name(place)} ${shown(path)} lies in the workspace`,
        why: 'the agent could read the real value there',
        fix: 'move it out, or add it to workspace.hide',
      },
      place,
    );
  }
  return file;
}

function readStore({ keychain, op, vault, aws, gcp }: SpecSecret): SecretStore | null {
  if (keychain !== undefined) return { kind: 'keychain', service: keychain.service, account: keychain.account ?? null };
  if (op !== undefined) return { kind: 'op', reference: op };
  if (vault !== undefined) return { kind: 'vault', path: vault.path, field: vault.field };
  if (aws !== undefined)
    return { kind: 'aws', secret: aws.secret, region: aws.region ?? null, profile: aws.profile ?? null };
  if (gcp !== undefined)
    return { kind: 'gcp', secret: gcp.secret, version: gcp.version ?? 'latest', project: gcp.project ?? null };
  return null;
}

function readPick(given: SpecSecret, at: Report): Pick | null {
  const named = PICKS.filter((format) => given[format] !== undefined);
  if (named.length > 1) {
    at.problem({
      what: `${at.name()} is read in more than one format`,
      why: 'only one of them could count',
      fix: `keep one of ${named.join(', ')}`,
    });
  }
  const [format] = named;
  return format === undefined ? null : { format, key: given[format]! };
}
