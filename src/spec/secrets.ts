// Where the values of secrets come from, as a spec says it: one origin each, what of its text is the value, and when it is read again.

import type { Pick, SecretOrigin, SecretSource, SecretStore, Workspace } from './bottle.ts';
import { isVisible } from './files.ts';
import type { Report } from './report.ts';
import { isReservedForSecrets } from './reserved-env.ts';
import type { FilledSpec } from './schema.ts';
import type { SpecSecret } from './schema-secret.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

const ORIGINS = ['env', 'file', 'cmd', 'keychain', 'op', 'vault', 'aws', 'gcp'] as const;
const PICKS = ['json', 'yaml', 'dotenv', 'netrc', 'ini'] as const;

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
    const origin = readOrigin(given, name, workspace, around, at);
    if (origin === null) continue;
    const pick = readPick(given, at);
    const ttl = given.ttl_seconds;
    sources[name] = {
      ...origin,
      ...(pick === null ? {} : { pick }),
      ...(ttl === undefined ? {} : { ttlMs: ttl * 1000 }),
    };
  }
  return sources;
}

function readOrigin(
  given: SpecSecret,
  name: string,
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
  if (given.timeout_seconds !== undefined && (given.env !== undefined || given.file !== undefined)) {
    at.problem(
      {
        what: `${at.name(['timeout_seconds'])} has no meaning`,
        why: 'a variable and a file are there at once',
        fix: 'remove it',
      },
      ['timeout_seconds'],
    );
  }
  const patience = given.timeout_seconds === undefined ? {} : { timeoutMs: given.timeout_seconds * 1000 };
  if (given.env !== undefined) return { kind: 'env', env: given.env };
  if (given.cmd !== undefined) return { kind: 'cmd', cmd: given.cmd, ...patience };
  if (given.file !== undefined) return readFileOrigin(given.file, workspace, around, at);
  const store = readStore(given);
  return store === null ? null : { kind: 'store', store, ...patience };
}

function readFileOrigin(path: string, workspace: Workspace, around: Surroundings, at: Report): SecretOrigin {
  const file = resolvePath(path, at.file(['file']), around);
  const realWorkspace = workspace.path === null ? workspace : { ...workspace, path: around.realPath(workspace.path) };
  if (isVisible(file, workspace) || isVisible(around.realPath(file), realWorkspace)) {
    at.problem(
      {
        what: `${at.name(['file'])} ${shown(path)} lies in the workspace`,
        why: 'the agent could read the real value there',
        fix: 'move it out, or add it to workspace.hide',
      },
      ['file'],
    );
  }
  return { kind: 'file', file };
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
