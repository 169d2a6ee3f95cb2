// How small files get into an agent whose home is in memory: a shell with the agent's own rights writes them, and then becomes its program. Pure.
//
// A mount of each would be simpler, and tools could not replace such a file (a rename onto a mount fails), which is how most of them save. As it
// is, nothing is written on this machine, and what writes can do nothing that the agent could not.
import type { AgentFile } from '../spec/bottle.ts';
import type { ImageStart } from './facts.ts';
import type { ContainerSpec } from './plan.ts';

/**
 * Arguments: how many files, a path and a text for each, then the program. Refused is a place where something stands already, and a link
 * anywhere on the way there: a volume of the image may hold one, to the workspace even. `set -C`: what is opened is made new.
 */
const SCRIPT = `
place() (
  umask 077
  set -C
  refuse() { echo "bottle: the file $path of agent.files cannot be placed: $1" >&2; exit 1; }
  path=$1 way= rest=\${1#/}
  while [ "$rest" != "\${rest#*/}" ]; do
    way=$way/\${rest%%/*} rest=\${rest#*/}
    [ ! -L "$way" ] || refuse "$way is a link in this image"
    [ -d "$way" ] || mkdir "$way" || refuse "the directory $way cannot be made"
  done
  [ ! -e "$path" ] && [ ! -L "$path" ] || refuse "this image has something there"
  printf %s "$2" > "$path" || refuse "it cannot be written"
)
files=$1
shift
while [ "$files" -gt 0 ]; do
  place "$1" "$2" || exit 125
  shift 2
  files=$((files - 1))
done
[ $# -gt 0 ] || { echo "bottle: this image starts nothing by itself; set agent.command" >&2; exit 125; }
unset -f place
unset files
exec "$@"
`;

/** `command`: empty = what the image starts by itself. */
export function placingFiles(
  files: readonly AgentFile[],
  start: ImageStart | null,
  command: readonly string[],
): Pick<ContainerSpec, 'Entrypoint' | 'Cmd'> {
  if (files.length === 0) return command.length === 0 ? {} : { Cmd: command };
  if (start === null) throw new Error('files are placed in an image that nobody has looked at');
  return {
    Entrypoint: [
      ...['/bin/sh', '-c', SCRIPT, 'bottle', String(files.length)],
      ...files.flatMap(({ path, text }) => [path, text]),
    ],
    Cmd: [...start.entrypoint, ...(command.length === 0 ? start.command : command)],
  };
}
