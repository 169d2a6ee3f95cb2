// The pre-push hook with real git and the real gitleaks: what arrives at the remote, and what a person reads.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BOTTLE, bottle, freshDirectory } from './bottle-process.ts';

const ROOT = join(BOTTLE, '../..');
let home: string;
let remote: string;
let repository: string;
let env: NodeJS.ProcessEnv;

/** A token of GitHub's form that nobody issued. */
function freshToken(): string {
  return `ghp_${randomBytes(64)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 36)}`;
}

function git(args: readonly string[], cwd = repository) {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd, env, encoding: 'utf8' });
  return { code: status, stdout: stdout.trim(), stderr };
}

function mustGit(args: readonly string[], cwd = repository): string {
  const { code, stdout, stderr } = git(args, cwd);
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function commit(files: Readonly<Record<string, string | Buffer>>, message = 'work', cwd = repository): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(cwd, name, '..'), { recursive: true });
    writeFileSync(join(cwd, name), content);
  }
  mustGit(['add', '-A'], cwd);
  mustGit(['commit', '-q', '--no-verify', '-m', message], cwd);
  return mustGit(['rev-parse', 'HEAD'], cwd);
}

const refsThere = () => mustGit(['for-each-ref', '--format=%(refname) %(objectname)'], remote);

async function install(args: readonly string[] = []) {
  const outcome = await bottle(['hooks', 'install', ...args], { cwd: repository, env });
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  return outcome.stdout;
}

/** The push is refused, nothing arrives, and what is printed names the rule but not the token. */
function expectRefused(token: string, args: readonly string[], place: RegExp, cwd = repository) {
  const before = refsThere();
  const { code, stdout, stderr } = git(['push', ...args], cwd);
  expect(stderr).toMatch(/bottle: this push holds (?:a secret|\d+ secrets), so nothing is pushed/);
  expect(stderr).toMatch(place);
  expect(stdout + stderr).not.toContain(token);
  expect(code).toBe(1);
  expect(refsThere()).toBe(before);
}

function expectPushed(args: readonly string[], cwd = repository) {
  const { code, stderr } = git(['push', ...args], cwd);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/bottle:/) });
}

beforeAll(() => {
  execFileSync('sh', [join(ROOT, 'scripts/setup/gitleaks.sh')], { stdio: 'ignore' });
});

beforeEach(() => {
  home = freshDirectory();
  remote = join(home, 'remote.git');
  repository = join(home, 'work');
  env = {
    ...process.env,
    // gitleaks where set-up has put it, the rest of the person's configuration empty.
    ...{ XDG_DATA_HOME: process.env.XDG_DATA_HOME || join(process.env.HOME ?? '', '.local/share') },
    ...{ HOME: home, XDG_CONFIG_HOME: join(home, 'config'), GIT_CONFIG_NOSYSTEM: '1', NO_COLOR: '1' },
    ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@x.example', GIT_COMMITTER_NAME: 'a' },
    ...{ GIT_COMMITTER_EMAIL: 'a@x.example', BOTTLE_STATE_DIR: join(home, 'state') },
  };
  mkdirSync(repository);
  mustGit(['init', '-q', '--bare', '-b', 'main', remote], home);
  mustGit(['init', '-q', '-b', 'main', repository], home);
  mustGit(['remote', 'add', 'origin', remote]);
  commit({ 'README.md': 'hello\n' }, 'first');
  mustGit(['push', '-q', 'origin', 'main']);
});

describe('what a push brings', () => {
  beforeEach(() => install());

  test('clean commits pass: new branch, fast-forward, force, tag, deletion', () => {
    commit({ a: 'one\n' });
    expectPushed(['origin', 'main']);
    mustGit(['switch', '-qc', 'other']);
    commit({ b: 'two\n' });
    expectPushed(['origin', 'other']);
    mustGit(['commit', '-q', '--amend', '-m', 'again']);
    expectPushed(['--force', 'origin', 'other']);
    mustGit(['tag', '-am', 'release', 'v1']);
    expectPushed(['origin', 'v1']);
    expectPushed(['origin', '--delete', 'other', 'v1']);
    expect(refsThere().split('\n')).toHaveLength(1);
  });

  test('a secret is refused with rule, file, commit and what to do', () => {
    const token = freshToken();
    const id = commit({ 'src/config.ts': `export const token = "${token}";\n` });
    expectRefused(token, ['origin', 'main'], new RegExp(`github-pat +src/config\\.ts:1 +commit ${id.slice(0, 12)}`));
    const { stderr } = git(['push', 'origin', 'main']);
    expect(stderr).toMatch(/revoke the old one/);
    expect(stderr).toContain(`${id}:src/config.ts:github-pat:1`);
  });

  test('one that a later commit removes is in the history all the same', () => {
    const token = freshToken();
    commit({ a: `t = "${token}"\n` });
    commit({ a: 'gone\n' });
    expectRefused(token, ['origin', 'main'], /github-pat +a:1/);
  });

  test('what the remote has already is not held against a new branch', () => {
    const token = freshToken();
    commit({ old: `t = "${token}"\n` });
    mustGit(['push', '-q', '--no-verify', 'origin', 'main']);
    mustGit(['switch', '-qc', 'next']);
    commit({ new: 'fine\n' });
    expectPushed(['origin', 'next']);
    expectPushed([remote, 'next:by-url']);
  });

  test.each<[string, (token: string) => readonly string[], RegExp]>([
    ['a new branch', (token) => pushOf(token, ['switch', '-qc', 'b1'], ['origin', 'b1']), /github-pat +secret:1/],
    [
      'an unborn history',
      (token) => pushOf(token, ['switch', '-q', '--orphan', 'b2'], ['origin', 'b2']),
      /github-pat +secret:1/,
    ],
    [
      'a detached HEAD',
      (token) => pushOf(token, ['switch', '-q', '--detach'], ['origin', 'HEAD:refs/heads/b3']),
      /secret:1/,
    ],
    ['a bare URL', (token) => pushOf(token, ['switch', '-qc', 'b4'], [remote, 'b4']), /secret:1/],
    ['all refs', (token) => pushOf(token, ['switch', '-qc', 'b5'], ['origin', '--all']), /secret:1/],
    ['a mirror', (token) => pushOf(token, ['switch', '-qc', 'b6'], ['origin', '--mirror']), /secret:1/],
    [
      'an atomic push of two',
      (token) => pushOf(token, ['switch', '-qc', 'b7'], ['--atomic', 'origin', 'main', 'b7']),
      /secret:1/,
    ],
    [
      'a forced push over what was never fetched',
      (token) => {
        const elsewhere = join(home, 'elsewhere');
        mustGit(['clone', '-q', remote, elsewhere], home);
        commit({ c: 'theirs\n' }, 'theirs', elsewhere);
        mustGit(['push', '-q', 'origin', 'main'], elsewhere);
        return pushOf(token, ['status'], ['--force', 'origin', 'main']);
      },
      /secret:1/,
    ],
    [
      'an annotated tag of a commit on no branch',
      (token) => {
        const id = secretCommit(token);
        mustGit(['tag', '-am', 'release', 'v1', id]);
        mustGit(['reset', '-q', '--hard', 'HEAD~1']);
        return ['origin', 'v1'];
      },
      /secret:1/,
    ],
    [
      'a tag of a tag',
      (token) => {
        mustGit(['tag', '-am', 'one', 't1', secretCommit(token)]);
        mustGit(['tag', '-am', 'two', 't2', 't1']);
        mustGit(['reset', '-q', '--hard', 'HEAD~1']);
        return ['origin', 't2'];
      },
      /secret:1/,
    ],
    [
      "a tag's message",
      (token) => {
        mustGit(['tag', '-am', `use ${token}`, 'v2']);
        return ['origin', 'v2'];
      },
      /github-pat +message of the tag/,
    ],
    [
      'a tag of a blob',
      (token) => {
        writeFileSync(join(home, 'blob'), `t = "${token}"\n`);
        mustGit(['tag', 'blob', mustGit(['hash-object', '-w', join(home, 'blob')])]);
        return ['origin', 'blob'];
      },
      /github-pat +a blob:1/,
    ],
    [
      'a tag of a tree',
      (token) => {
        const id = secretCommit(token);
        mustGit(['tag', 'tree', `${id}^{tree}`]);
        mustGit(['reset', '-q', '--hard', 'HEAD~1']);
        return ['origin', 'tree'];
      },
      /github-pat +secret:1/,
    ],
    [
      'a message of a commit',
      (token) => {
        commit({ d: 'fine\n' }, `subject\n\nuse ${token} for now`);
        return ['origin', 'main'];
      },
      /github-pat +message of the commit:\d/,
    ],
    [
      "a file's name",
      (token) => {
        commit({ [`dir/${token}.txt`]: 'x\n' });
        return ['origin', 'main'];
      },
      /github-pat +names of files/,
    ],
    ["a ref's name", (token) => ['origin', `main:refs/heads/x/${token}`], /github-pat +names of refs/],
    [
      'what only the merge has',
      (token) => {
        mustGit(['switch', '-qc', 'side']);
        commit({ f: 'side\n' });
        mustGit(['switch', '-q', 'main']);
        commit({ f: 'main\n' });
        git(['merge', '-q', 'side']);
        writeFileSync(join(repository, 'f'), `t = "${token}"\n`);
        mustGit(['add', 'f']);
        mustGit(['commit', '-q', '--no-verify', '-m', 'merged']);
        return ['origin', 'main'];
      },
      // gitleaks does not take the b/ off where git tells of a conflict.
      /github-pat +(?:b\/)?f:\d/,
    ],
    [
      'a file that came with a merge and was on neither side',
      (token) => {
        mustGit(['switch', '-qc', 'side']);
        commit({ g: 'side\n' });
        mustGit(['switch', '-q', 'main']);
        commit({ h: 'main\n' });
        mustGit(['merge', '-q', '--no-commit', 'side']);
        commit({ new: `t = "${token}"\n` }, 'merged');
        return ['origin', 'main'];
      },
      /github-pat +new:1/,
    ],
    [
      'a shallow clone',
      (token) => {
        rmSync(repository, { recursive: true });
        mustGit(['clone', '-q', '--depth=1', `file://${remote}`, repository], home);
        execFileSync(BOTTLE, ['hooks', 'install'], { cwd: repository, env });
        return pushOf(token, ['status'], ['origin', 'main']);
      },
      /secret:1/,
    ],
  ])('%s with a secret is refused', (_, prepare, place) => {
    const token = freshToken();
    expectRefused(token, prepare(token), place);
  });

  test('a worktree has the same hook', () => {
    const token = freshToken();
    const tree = join(home, 'tree');
    mustGit(['worktree', 'add', '-q', '-b', 'wt', tree]);
    commit({ secret: `t = "${token}"\n` }, 'work', tree);
    expectRefused(token, ['origin', 'wt'], /secret:1/, tree);
  });

  test('from a directory below, and from a bare repository', () => {
    const token = freshToken();
    commit({ 'deep/down/secret': `t = "${token}"\n` });
    expectRefused(token, ['origin', 'main'], /deep\/down\/secret:1/, join(repository, 'deep/down'));
    const bare = join(home, 'bare.git');
    mustGit(['clone', '-q', '--bare', repository, bare], home);
    mustGit(['remote', 'add', 'there', remote], bare);
    execFileSync(BOTTLE, ['hooks', 'install'], { cwd: bare, env });
    expectRefused(token, ['there', 'main'], /secret:1/, bare);
  });
});

function secretCommit(token: string): string {
  return commit({ secret: `t = "${token}"\n` });
}

function pushOf(token: string, before: readonly string[], push: readonly string[]): readonly string[] {
  mustGit(before);
  secretCommit(token);
  return push;
}

describe('what would hide it from a diff', () => {
  beforeEach(() => install());

  test.each<[string, () => void]>([
    ['attributes: -diff', () => writeFileSync(join(repository, '.gitattributes'), '* -diff\n')],
    ['attributes: binary', () => writeFileSync(join(repository, '.gitattributes'), '* binary\n')],
    [
      'a driver that converts',
      () => {
        writeFileSync(join(repository, '.git/info/attributes'), '* diff=blind\n');
        mustGit(['config', 'diff.blind.textconv', 'true']);
      },
    ],
    [
      'a driver of its own',
      () => {
        writeFileSync(join(repository, '.git/info/attributes'), '* diff=blind\n');
        mustGit(['config', 'diff.blind.command', 'true']);
      },
    ],
    ...[
      ...[
        'diff.external true',
        'color.ui always',
        'color.diff always',
        'diff.noprefix true',
        'diff.mnemonicPrefix true',
      ],
      ...[
        'diff.srcPrefix x/',
        'diff.dstPrefix y/',
        'format.pretty oneline',
        'log.decorate full',
        'log.showSignature true',
      ],
      ...[
        'log.abbrevCommit true',
        'diff.renames copies',
        'diff.relative true',
        'log.diffMerges off',
        'diff.context 20',
      ],
      ...['diff.interHunkContext 50', 'diff.suppressBlankEmpty true', 'diff.submodule log', 'log.date relative'],
      ...['diff.algorithm histogram', 'diff.orderFile /dev/null', 'diff.wordRegex .', 'core.quotePath false'],
      ...[
        'diff.ignoreSubmodules all',
        'log.follow true',
        'core.pager true',
        'diff.colorMoved zebra',
        'log.mailmap true',
      ],
    ].map((setting): [string, () => void] => {
      const [key = '', value = ''] = setting.split(' ');
      return [`configuration: ${setting}`, () => void mustGit(['config', key, value])];
    }),
    ['a NUL at the beginning of the file', () => writeFileSync(join(repository, 'pre'), '\0\0\0')],
  ])('%s', (_, prepare) => {
    const token = freshToken();
    prepare();
    const zeros = existsSync(join(repository, 'pre')) ? '\0\0\0\n' : '';
    commit({ 'sub dir/secret é.txt': `${zeros}t = "${token}"\n` });
    expectRefused(token, ['origin', 'main'], /github-pat/);
  });

  test('the first commit of all, where log.showRoot is off', () => {
    const token = freshToken();
    mustGit(['config', 'log.showRoot', 'false']);
    mustGit(['switch', '-q', '--orphan', 'fresh']);
    commit({ secret: `t = "${token}"\n` });
    expectRefused(token, ['origin', 'fresh'], /secret:1/);
  });

  test('a replaced commit and a graft', () => {
    const token = freshToken();
    const first = mustGit(['rev-parse', 'HEAD']);
    const id = commit({ secret: `t = "${token}"\n` });
    mustGit(['reset', '-q', '--hard', first]);
    const clean = commit({ secret: 'fine\n' });
    mustGit(['reset', '-q', '--hard', id]);
    mustGit(['replace', id, clean]);
    expectRefused(token, ['origin', 'main'], /secret:1/);
    mustGit(['replace', '-d', id]);
    const tip = commit({ g: 'fine\n' });
    writeFileSync(join(repository, '.git/info/grafts'), `${tip} ${first}\n`);
    expectRefused(token, ['origin', 'main'], /secret:1/);
  });
});

describe('what the repository says', () => {
  beforeEach(() => install());

  test('.gitleaksignore, .gitleaks.toml and a baseline silence what they name, and nothing else', () => {
    const [first, second, third] = [freshToken(), freshToken(), freshToken()];
    const id = commit({ one: `t = "${first}"\n` });
    commit({ '.gitleaksignore': `${id}:one:github-pat:1\n` });
    expectPushed(['origin', 'main']);
    commit({ 'fixtures/two': `t = "${second}"\n` });
    expectRefused(second, ['origin', 'main'], /fixtures\/two:1/);
    commit({ '.gitleaks.toml': '[extend]\nuseDefault = true\n[allowlist]\npaths = ["fixtures/.*"]\n' });
    expectPushed(['origin', 'main']);
    commit({ three: `t = "${third}"\n` });
    const gitleaks = JSON.parse(
      execFileSync(BOTTLE, ['hooks', 'status', '--json'], { cwd: repository, env, encoding: 'utf8' }),
    );
    const report = ['--report-format', 'json', '--report-path', join(home, 'baseline.json')];
    spawnSync(gitleaks.gitleaks, ['detect', '--source', repository, '--redact', ...report], { env });
    expectRefused(third, ['origin', 'main'], /three:1/);
    mustGit(['config', 'bottle.baseline', join(home, 'baseline.json')]);
    expectPushed(['origin', 'main']);
  });

  test('a broken .gitleaks.toml refuses, and says so', () => {
    commit({ '.gitleaks.toml': '[[rules]\n', a: 'fine\n' });
    const before = refsThere();
    const { code, stderr } = git(['push', 'origin', 'main']);
    expect(stderr).toMatch(/bottle: gitleaks failed, so nothing is pushed/);
    expect(code).toBe(1);
    expect(refsThere()).toBe(before);
  });
});

describe('without gitleaks', () => {
  beforeEach(async () => {
    await install();
    env = { ...env, XDG_DATA_HOME: join(home, 'nothing') };
    const tools = join(home, 'bin');
    mkdirSync(tools);
    // Everything but gitleaks, wherever it is.
    for (const name of ['git', 'sh', 'cat', 'dirname', 'readlink', 'node', 'env']) {
      const path = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
      symlinkSync(name === 'node' ? process.execPath : path, join(tools, name));
    }
    env = { ...env, PATH: tools };
  });

  test('nothing is pushed, and it says how to get it', () => {
    commit({ a: 'fine\n' });
    const before = refsThere();
    const { code, stderr } = git(['push', 'origin', 'main']);
    expect(stderr).toMatch(/gitleaks is not here, so nothing is pushed.*install it.*git config bottle\.engine bottle/s);
    expect(code).toBe(1);
    expect(refsThere()).toBe(before);
  });

  test("bottle's own search serves where a person has chosen it", () => {
    mustGit(['config', 'bottle.engine', 'bottle']);
    commit({ a: 'fine\n' });
    const { code, stderr } = git(['push', 'origin', 'main']);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/gitleaks is not here/) });
    const token = freshToken();
    const id = commit({ 'x/secret': Buffer.from(`t = "${token}"\n`, 'utf16le') }, `m\n\n${freshToken()}`);
    expectRefused(token, ['origin', 'main'], new RegExp(`github-token +x/secret:\\d+ +commit ${id.slice(0, 12)}`));
    expect(git(['push', 'origin', 'main']).stderr).toMatch(/github-token +message of the commit/);
  });
});

describe('what was there before', () => {
  const TELLING = '#!/bin/sh\ncat > earlier-saw\n[ -z "$EARLIER_REFUSES" ]\n';

  test('an earlier hook runs after ours with the same input, can refuse, and comes back', async () => {
    const hook = join(repository, '.git/hooks/pre-push');
    writeFileSync(hook, TELLING, { mode: 0o755 });
    chmodSync(hook, 0o755);
    expect(await install()).toMatch(/the hook that was there runs after ours/);
    expect(await install()).toMatch(/^renewed /);
    commit({ a: 'fine\n' });
    expectPushed(['origin', 'main']);
    const saw = join(repository, 'earlier-saw');
    expect(readFileSync(saw, 'utf8')).toMatch(/^refs\/heads\/main [0-9a-f]{40} refs\/heads\/main [0-9a-f]{40}\n$/);
    commit({ b: 'fine\n' });
    env = { ...env, EARLIER_REFUSES: '1' };
    expect(git(['push', 'origin', 'main']).code).toBe(1);
    rmSync(saw);
    const token = freshToken();
    commit({ c: `t = "${token}"\n` });
    expectRefused(token, ['origin', 'main'], /c:1/);
    expect(existsSync(saw)).toBe(false);
    const { code, stdout } = await bottle(['hooks', 'uninstall'], { cwd: repository, env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `put the earlier ${hook} back\n` });
    expect(readFileSync(hook, 'utf8')).toBe(TELLING);
  });

  test('core.hooksPath is heeded', async () => {
    mustGit(['config', 'core.hooksPath', 'tools/hooks']);
    await install();
    expect(existsSync(join(repository, 'tools/hooks/pre-push'))).toBe(true);
    const token = freshToken();
    commit({ c: `t = "${token}"\n` });
    expectRefused(token, ['origin', 'main'], /c:1/);
  });

  test("husky: our lines stand in the person's own file, and survive its next set-up", async () => {
    const generate = () => {
      // What husky 9 writes: a directory that git looks into, whose scripts run the file of the same name above it.
      mkdirSync(join(repository, '.husky/_'), { recursive: true });
      writeFileSync(
        join(repository, '.husky/_/h'),
        '#!/usr/bin/env sh\ns=$(dirname "$(dirname "$0")")/$(basename "$0")\n[ ! -f "$s" ] || sh -e "$s" "$@"\n',
      );
      writeFileSync(join(repository, '.husky/_/pre-push'), '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n', {
        mode: 0o755,
      });
    };
    generate();
    mustGit(['config', 'core.hooksPath', '.husky/_']);
    writeFileSync(join(repository, '.husky/pre-push'), 'cat > earlier-saw\n');
    expect(await install()).toMatch(/a block at the beginning of .*\.husky\/pre-push/);
    await install();
    generate();
    commit({ a: 'fine\n' });
    expectPushed(['origin', 'main']);
    expect(readFileSync(join(repository, 'earlier-saw'), 'utf8')).toMatch(/^refs\/heads\/main /);
    const token = freshToken();
    commit({ c: `t = "${token}"\n` });
    expectRefused(token, ['origin', 'main'], /c:1/);
    await bottle(['hooks', 'uninstall'], { cwd: repository, env });
    expect(readFileSync(join(repository, '.husky/pre-push'), 'utf8')).toBe('cat > earlier-saw\n');
  });

  test('lefthook: a command in its local configuration, beside what is there', async () => {
    writeFileSync(join(repository, 'lefthook.yml'), 'pre-commit:\n  commands:\n    lint:\n      run: true\n');
    const local = '# mine\npre-push:\n  commands:\n    tests:\n      run: true\n';
    writeFileSync(join(repository, 'lefthook-local.yml'), local);
    await install();
    expect(readFileSync(join(repository, 'lefthook-local.yml'), 'utf8')).toBe(
      `${local}    bottle:\n      run: "'${BOTTLE}' hooks run pre-push {0}"\n      use_stdin: true\n      fail_text: "bottle: nothing is pushed"\n`,
    );
    await bottle(['hooks', 'uninstall'], { cwd: repository, env });
    expect(readFileSync(join(repository, 'lefthook-local.yml'), 'utf8')).toBe(local);
  });

  test('--global: every repository, their own hooks go on, and all is undone', async () => {
    const own = join(repository, '.git/hooks/pre-commit');
    writeFileSync(own, '#!/bin/sh\ntouch own-ran\n', { mode: 0o755 });
    writeFileSync(join(repository, '.git/hooks/pre-push'), TELLING, { mode: 0o755 });
    await install(['--global']);
    writeFileSync(join(repository, 'a'), 'fine\n');
    mustGit(['add', 'a']);
    mustGit(['commit', '-qm', 'with hooks']);
    expect(existsSync(join(repository, 'own-ran'))).toBe(true);
    expectPushed(['origin', 'main']);
    expect(readFileSync(join(repository, 'earlier-saw'), 'utf8')).toMatch(/^refs\/heads\/main /);
    const token = freshToken();
    commit({ c: `t = "${token}"\n` });
    expectRefused(token, ['origin', 'main'], /c:1/);
    expect(await bottle(['hooks', 'uninstall', '--global'], { cwd: repository, env })).toMatchObject({ code: 0 });
    expect(git(['config', '--global', 'core.hooksPath']).code).toBe(1);
    expect(existsSync(join(home, 'config/bottle/git-hooks'))).toBe(false);
  });

  test('a hook that calls a bottle which has gone refuses and says so', async () => {
    await install();
    const hook = join(repository, '.git/hooks/pre-push');
    writeFileSync(hook, readFileSync(hook, 'utf8').replaceAll(BOTTLE, '/nowhere/bottle'));
    commit({ a: 'fine\n' });
    const { code, stderr } = git(['push', 'origin', 'main']);
    expect(stderr).toMatch(/nothing is pushed: the hook calls \/nowhere\/bottle, which is not there any more/);
    expect(code).toBe(1);
  });

  test.each([
    [['hooks', 'uninstall'], 2, /there is no hook of ours to take away/],
    [['hooks', 'status'], 1, /^not installed: /],
    [['hooks', 'run', 'pre-commit'], 2, /there is no hook pre-commit/],
  ])('%j', async (args, code, words) => {
    const outcome = await bottle(args, { cwd: repository, env });
    expect(outcome.code).toBe(code);
    expect(outcome.stdout + outcome.stderr).toMatch(words);
  });

  test('input that git would not give is refused', async () => {
    const outcome = await bottle(['hooks', 'run', 'pre-push', 'origin'], { cwd: repository, env, input: 'main\n' });
    expect(outcome).toMatchObject({ code: 125, stderr: expect.stringMatching(/this push cannot be checked/) });
  });
});

test('this repository has the hook', () => {
  expect(readFileSync(join(ROOT, '.githooks/pre-push'), 'utf8')).toMatch(/bottle" hooks run pre-push "\$@"/);
  const token = freshToken();
  mustGit(['config', 'core.hooksPath', join(ROOT, '.githooks')]);
  commit({ secret: `t = "${token}"\n` });
  expectRefused(token, ['origin', 'main'], /secret:1/);
});
