// `git:` of a spec: one repository of a forge -> the allow entry that it stands for.

import type { PushRule } from '../../proxy/src/contract.ts';
import type { Report } from './report.ts';
import type { SpecEntry, SpecGit, SpecPush } from './schema.ts';
import { shown } from './words.ts';

const REPO = /^(\[[0-9a-f:.]+\]|[^/:@\s]+)(?::(\d{1,5}))?((?:\/[^/\s?#%]+)+?)(?:\.git)?\/?$/;

/** null when the repository cannot be understood, which is then reported. */
export function gitEntry(git: SpecGit, report: Report): SpecEntry | null {
  const [, host, port, path] = REPO.exec(git.repo) ?? [];
  if (host === undefined || path === undefined) {
    const hint = /^(?:https?:\/\/|ssh:\/\/|[^/]+@)/.test(git.repo) ? 'without scheme and user, ' : '';
    report.problem(
      {
        what: `${report.name(['repo'])} ${shown(git.repo)} is no repository`,
        why: 'it is a host and a path',
        fix: `write it ${hint}like github.com/acme/web-shop`,
      },
      ['repo'],
    );
    return null;
  }
  const isWrite = git.access === 'write';
  for (const key of ['refs', 'force', 'delete'] as const) {
    if (isWrite || git[key] === undefined) continue;
    report.problemAtKey(
      {
        what: `${report.name()} has ${key}`,
        why: 'access is read, so nothing is pushed',
        fix: 'add `access: write`, or remove it',
      },
      [key],
    );
  }
  const at = (name: string) => [`${path}/${name}`, `${path}.git/${name}`];
  const service = (name: string) => [
    { methods: ['GET'], paths: at('info/refs'), query: { service: name } },
    { methods: ['POST'], paths: at(name) },
  ];
  return {
    host: host.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port: Number(port) }),
    rules: [...service('git-upload-pack'), ...(isWrite ? service('git-receive-pack') : [])],
    ...(isWrite ? { push: { refs: git.refs ?? ['**'], force: git.force ?? false, delete: git.delete ?? false } } : {}),
    ...(git.secret === undefined
      ? {}
      : { auth: { type: 'basic', secret: git.secret, username: git.username ?? 'x-access-token' } }),
    ...(git.allow_private === undefined ? {} : { allow_private: git.allow_private }),
    source: 'allowed',
  };
}

/** Branches may be written without `refs/heads/`. */
export function readPush(push: SpecPush): PushRule {
  const refs = push.refs.map((ref) => (ref.startsWith('refs/') ? ref : `refs/heads/${ref}`));
  return { refs, force: push.force ?? false, delete: push.delete ?? false };
}
