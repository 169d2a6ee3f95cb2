// The workspace, the secrets that are only watched for, and the log directory: paths made absolute, and those refused that would give too much away.

import { relative } from 'node:path';
import { BottleError } from '../report/bottle-error.ts';
import { checkWorkspace } from '../workspace/check-workspace.ts';
import { compileGlob } from '../workspace/glob.ts';
import { checkSecretName } from './auth.ts';
import type { Logs, Workspace } from './bottle.ts';
import type { Report } from './report.ts';
import type { FilledSpec } from './schema.ts';
import { isInside, resolvePath, type Surroundings } from './surroundings.ts';
import { shown } from './words.ts';

/** `specFiles`: absolute paths of the spec and its bases. */
export function readWorkspace(
  spec: FilledSpec,
  specFiles: readonly string[],
  around: Surroundings,
  report: Report,
): Workspace {
  const { path, hide } = spec.workspace;
  hide.forEach((glob, index) => {
    checkHide(glob, report.below('hide', index));
  });
  if (path === null) return { path, mode: 'mount', hide };
  const absolute = readWorkspacePath(path, around, report.below('path'));
  if (absolute === null) return { path: null, mode: 'mount', hide };
  const own = specFiles.flatMap((file) => [
    ...ownHide(file, absolute),
    ...ownHide(around.realPath(file), around.realPath(absolute)),
  ]);
  return { path: absolute, mode: 'mount', hide: [...new Set([...hide, ...own])] };
}

function readWorkspacePath(path: string, around: Surroundings, report: Report): string | null {
  const fromHere = /^\$(?:PWD|\{PWD\})(?=\/|$)/.exec(path);
  if (fromHere === null && path.includes('$')) {
    report.problem({
      what: `${report.name()} ${shown(path)} holds a variable`,
      why: 'only $PWD at the start is understood',
      fix: 'write the path itself, like ~/src/web-shop',
    });
    return null;
  }
  const absolute =
    fromHere === null
      ? resolvePath(path, report.file(), around)
      : resolvePath(around.cwd + path.slice(fromHere[0].length), '', around);
  try {
    checkWorkspace(absolute, {
      home: around.home,
      stateDirectory: around.stateDirectory,
      engineSockets: ['/var/run/docker.sock', '/run/docker.sock', '/run/podman/podman.sock'],
      engineRoot: undefined,
    });
  } catch (error) {
    if (!(error instanceof BottleError)) throw error;
    report.problem({
      what: `${report.name()} ${shown(path)} is refused`,
      why: error.why,
      fix: 'give the directory of one project',
    });
    return null;
  }
  return absolute;
}

/**
 * An agent that can replace the spec decides what the next session may do. A file at the top of the workspace is masked; for one
 * further down its topmost directory is, since the agent could rename that, and put another in its place.
 */
function ownHide(specFile: string, workspace: string): string[] {
  if (!isInside(specFile, workspace)) return [];
  const [top = ''] = relative(workspace, specFile).split('/');
  return [top.replace(/[*?]/g, '?')];
}

function checkHide(glob: string, report: Report): void {
  const subject = `${report.name()} ${shown(glob)}`;
  if (glob.startsWith('/') || glob.startsWith('~')) {
    report.problem({
      what: `${subject} is not relative`,
      why: 'globs are relative to workspace.path',
      fix: `write ${shown(glob.replace(/^[~/]+/, '') || '.env')}`,
    });
  } else if (glob.split('/').includes('..')) {
    report.problem({
      what: `${subject} leaves the workspace`,
      why: 'the agent sees nothing outside anyway',
      fix: 'remove it',
    });
  } else if (glob.startsWith('!')) {
    report.problem({
      what: `${subject} begins with !`,
      why: 'there are no exceptions',
      fix: 'name what is to be hidden only',
    });
  } else if (/^(?:\.\/)?(?:\.|\*+|\*\*\/\*+)\/?$/.test(glob)) {
    report.problem({
      what: `${subject} hides everything`,
      why: 'the agent would have nothing to work on',
      fix: 'leave workspace.path out instead',
    });
  } else if (/[\\[\]{}]/.test(glob)) {
    report.problem({
      what: `${subject} holds \\, [ or {`,
      why: 'a glob has *, ** and ? only',
      fix: 'write one glob for each',
    });
  }
}

/** Could the agent read it there? Both absolute. */
export function isVisible(file: string, workspace: Workspace): boolean {
  if (workspace.path === null || !isInside(file, workspace.path)) return false;
  const steps = relative(workspace.path, file).split('/');
  const globs = workspace.hide.map(compileGlob);
  return !steps.some((_, index) => {
    const path = steps.slice(0, index + 1).join('/');
    return globs.some((glob) => glob.matches(path, index < steps.length - 1));
  });
}

export function readKnown(spec: FilledSpec, report: Report): readonly string[] {
  const secrets = Object.keys(spec.secrets);
  spec.dlp.known.forEach((name, index) => {
    checkSecretName(name, secrets, report.below(index));
  });
  return [...new Set(spec.dlp.known)];
}

export function readLogs(spec: FilledSpec, workspace: Workspace, around: Surroundings, report: Report): Logs {
  const { dir, keep, bodies } = spec.logs;
  const absolute = dir === null ? null : resolvePath(dir, report.file(['dir']), around);
  if (absolute !== null && workspace.path !== null && isInside(absolute, workspace.path)) {
    report.problem(
      {
        what: `${report.name(['dir'])} ${shown(dir)} lies in the workspace`,
        why: 'the agent could change its own record',
        fix: 'give a directory elsewhere',
      },
      ['dir'],
    );
  }
  return { dir: absolute, keep, bodies };
}
