// The shell scripts that git calls. They do nothing themselves but hand over to `bottle hooks run`, and to the hook that was there before.

/** Says whose a script is; what holds it is ours to change and to remove. */
export const MARK = 'bottle hooks install';
const BEGIN = `# >>> ${MARK} >>>`;
const END = `# <<< ${MARK} <<<`;

/** Suffix of the hook that was there before. */
export const EARLIER = '.before-bottle';

/** Git's other hooks that a hooks directory for all repositories would silence: githooks(5) less those whose mere presence changes what git does. */
export const OTHER_HOOKS: readonly string[] = [
  ...['applypatch-msg', 'pre-applypatch', 'post-applypatch', 'pre-commit', 'pre-merge-commit', 'prepare-commit-msg'],
  ...[
    'commit-msg',
    'post-commit',
    'pre-rebase',
    'post-checkout',
    'post-merge',
    'pre-receive',
    'update',
    'post-receive',
  ],
  ...['post-update', 'pre-auto-gc', 'post-rewrite', 'sendemail-validate', 'reference-transaction'],
];

/** pre-push of one repository. `program`: absolute path of `bottle`. */
export function prePushScript(program: string): string {
  return `#!/bin/sh
# Written by \`${MARK}\`: bottle searches what is pushed for secrets; \`bottle hooks uninstall\` takes it away again.
${handOver(program)}
earlier=$(dirname -- "$0")/pre-push${EARLIER}
# pre-commit that was installed before and after us would call itself.
[ -z "\${PRE_COMMIT_RUNNING_LEGACY:-}" ] || ! grep -q pre-commit "$earlier" 2>/dev/null || exit 0
[ ! -x "$earlier" ] || printf %s "$bottle_refs" | "$earlier" "$@"
`;
}

/** pre-push for all repositories of a person: theirs, if any, comes after. */
export function globalPrePushScript(program: string): string {
  return `${prePushScript(program)}[ $? -eq 0 ] || exit 1
${OWN_HOOK.replace('NAME', 'pre-push')}
[ ! -x "$own" ] || printf %s "$bottle_refs" | "$own" "$@"
`;
}

/** Any other hook, for all repositories: theirs alone. */
export function passOnScript(name: string): string {
  return `#!/bin/sh
# Written by \`${MARK} --global\`: the repository's own hook, which core.hooksPath would silence.
${OWN_HOOK.replace('NAME', name)}
[ ! -x "$own" ] || exec "$own" "$@"
`;
}

/** Lines for the beginning of a pre-push file that a person keeps (husky's). */
export function prePushBlock(program: string): string {
  return `${BEGIN}
${handOver(program)}
exec <<bottle_end
$bottle_refs
bottle_end
${END}
`;
}

/** The text without our block; null when it has none. */
export function withoutBlock(text: string): string | null {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) return null;
  return text.slice(0, begin) + text.slice(end + END.length).replace(/^\n/, '');
}

/** The block comes first, after the interpreter's line. */
export function withBlock(text: string, program: string): string {
  const bare = withoutBlock(text) ?? text;
  const first = /^#![^\n]*\n/.exec(bare)?.[0] ?? '';
  return first + prePushBlock(program) + bare.slice(first.length);
}

const OWN_HOOK = 'own=$(git rev-parse --git-common-dir)/hooks/NAME';

function handOver(program: string): string {
  return `bottle=${quoted(program)}
if [ ! -x "$bottle" ]; then
  echo "bottle: nothing is pushed: the hook calls $bottle, which is not there any more; install it again (bottle hooks install) or remove $0" >&2
  exit 1
fi
bottle_refs=$(cat && echo .) || exit 1
bottle_refs=\${bottle_refs%.}
printf %s "$bottle_refs" | "$bottle" hooks run pre-push "$@" || exit 1`;
}

/** One word of a shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
