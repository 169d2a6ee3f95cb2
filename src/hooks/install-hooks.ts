// Puts the pre-push hook where git runs it, beside what is there; takes it away again and puts back what was there.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMap, parseDocument } from 'yaml';
import { BottleError, EXIT } from '../report/bottle-error.ts';
import { askGit, git } from './git.ts';
import { globalHooks, type HookPlace, hookPlace, textOf } from './hook-place.ts';
import {
  EARLIER,
  globalPrePushScript,
  MARK,
  OTHER_HOOKS,
  passOnScript,
  prePushScript,
  quoted,
  withBlock,
  withoutBlock,
} from './hook-script.ts';

const LEFTHOOK_AT = ['pre-push', 'commands', 'bottle'] as const;

/** What was done, in one line a thing. `program`: absolute path of `bottle`. */
export async function installHook(program: string): Promise<readonly string[]> {
  const place = await hookPlace();
  switch (place.kind) {
    case 'file':
      return [`${installFile(place.file, prePushScript(program))}${await trackedNote(place.file)}`];
    case 'husky':
      writeHook(place.file, withBlock(textOf(place.file) ?? '', program));
      return [`wrote a block at the beginning of ${place.file}, which husky runs${await trackedNote(place.file)}`];
    case 'lefthook': {
      const document = readYaml(place.file);
      document.setIn(LEFTHOOK_AT, {
        ...{
          run: `${quoted(program)} hooks run pre-push {0}`,
          use_stdin: true,
          fail_text: 'bottle: nothing is pushed',
        },
      });
      writeFileSync(place.file, document.toString());
      return [
        `added the command "bottle" to ${place.file}, which lefthook reads${await trackedNote(place.file)}`,
        'run `lefthook install` if its hooks are not installed yet',
      ];
    }
  }
}

export async function uninstallHook(): Promise<readonly string[]> {
  const place = await hookPlace();
  const text = textOf(place.file);
  switch (place.kind) {
    case 'file':
      return [uninstallFile(place.file)];
    case 'husky': {
      const rest = text === null ? null : withoutBlock(text);
      if (rest === null) throw notInstalled(place.file);
      if (rest.trim() === '') rmSync(place.file);
      else writeHook(place.file, rest);
      return [`took our lines out of ${place.file}`];
    }
    case 'lefthook': {
      const document = readYaml(place.file);
      if (!document.hasIn(LEFTHOOK_AT)) throw notInstalled(place.file);
      for (let path: readonly string[] = LEFTHOOK_AT; path.length > 0; path = path.slice(0, -1)) {
        const here = document.getIn(path);
        if (path.length === LEFTHOOK_AT.length || (isMap(here) && here.items.length === 0)) document.deleteIn(path);
      }
      if (isMap(document.contents) && document.contents.items.length > 0)
        writeFileSync(place.file, document.toString());
      else rmSync(place.file);
      return [`took the command "bottle" out of ${place.file}`];
    }
  }
}

/** For all repositories of this person that have no core.hooksPath of their own. */
export async function installGlobally(program: string): Promise<readonly string[]> {
  const { directory, isOurs } = await globalHooks();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const done = [installFile(join(directory, 'pre-push'), (isOurs ? globalPrePushScript : prePushScript)(program))];
  if (!isOurs) return [...done, 'core.hooksPath of your configuration names this directory: it stays as it is'];
  for (const name of OTHER_HOOKS) writeHook(join(directory, name), passOnScript(name));
  await git(['config', '--global', 'core.hooksPath', directory]);
  return [
    ...done,
    `core.hooksPath of your configuration is ${directory} now; hooks of repositories in .git/hooks go on to run`,
    'a repository with a core.hooksPath of its own (husky, say) does not look there: run `bottle hooks install` in it',
  ];
}

export async function uninstallGlobally(): Promise<readonly string[]> {
  const { directory, isOurs } = await globalHooks();
  const done = [uninstallFile(join(directory, 'pre-push'))];
  if (!isOurs) return done;
  for (const name of OTHER_HOOKS) {
    if (textOf(join(directory, name))?.includes(MARK)) rmSync(join(directory, name));
  }
  if ((await askGit(['config', '--global', 'core.hooksPath'])) !== null) {
    await git(['config', '--global', '--unset', 'core.hooksPath']);
    done.push('core.hooksPath of your configuration is unset again');
  }
  if (readdirSync(directory).length === 0) rmdirSync(directory);
  return done;
}

/** Whether our hook would run, and where it is. */
export async function hookStatus(): Promise<{ readonly isInstalled: boolean; readonly place: HookPlace }> {
  const place = await hookPlace();
  const text = textOf(place.file) ?? '';
  const isInstalled = place.kind === 'lefthook' ? readYaml(place.file).hasIn(LEFTHOOK_AT) : text.includes(MARK);
  return { isInstalled, place };
}

function installFile(file: string, script: string): string {
  const there = textOf(file);
  mkdirSync(dirname(file), { recursive: true });
  if (there === null || there.includes(MARK)) {
    writeHook(file, script);
    return `${there === null ? 'wrote' : 'renewed'} ${file}`;
  }
  const earlier = file + EARLIER;
  if (existsSync(earlier)) {
    throw new BottleError({
      what: `cannot keep the hook ${file}`,
      why: `${earlier} is there already, from an earlier install that something has written over`,
      fix: `look at both, remove the one that you do not need, and run it again`,
      exitCode: EXIT.input,
    });
  }
  renameSync(file, earlier);
  writeHook(file, script);
  return `wrote ${file}; the hook that was there runs after ours, as ${earlier}`;
}

function uninstallFile(file: string): string {
  const there = textOf(file);
  if (there === null || !there.includes(MARK)) throw notInstalled(file);
  if (!existsSync(file + EARLIER)) {
    rmSync(file);
    return `removed ${file}`;
  }
  renameSync(file + EARLIER, file);
  return `put the earlier ${file} back`;
}

function writeHook(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

function readYaml(file: string) {
  const document = parseDocument(textOf(file) ?? '');
  if (document.errors.length === 0 && (document.contents === null || isMap(document.contents))) return document;
  throw new BottleError({
    what: `cannot change ${file}`,
    why: document.errors[0]?.message.split('\n')[0] ?? 'it is no YAML mapping',
    fix: 'mend it and run it again',
    exitCode: EXIT.input,
  });
}

/** A file of the work tree would be committed, and hold for everybody. */
async function trackedNote(file: string): Promise<string> {
  const isTracked = (await askGit(['ls-files', '--error-unmatch', '--', file])) !== null;
  return isTracked ? '; it is in the repository, so the change shows in git status' : '';
}

function notInstalled(file: string): BottleError {
  return new BottleError({
    what: 'there is no hook of ours to take away',
    why: `${file} is not there or not written by bottle hooks install`,
    fix: 'see bottle hooks status',
    exitCode: EXIT.input,
  });
}
