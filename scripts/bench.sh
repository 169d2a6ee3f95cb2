#!/bin/sh
# npm run bench: the project's own benchmark; npm run bench -- ARG... hands ARGs on (bench/run.ts says which; with --injection, bench/injection.ts).
set -eu
cd "$(dirname -- "$0")/.."
peers=
program=run
for argument in "$@"; do
  [ "$argument" != --peers ] || peers=peers
  [ "$argument" != --injection ] || program=injection
done
sh scripts/setup.sh node packages $peers
# Every idle tunnel costs descriptors on both sides.
ulimit -n "$(ulimit -Hn)"
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning "bench/$program.ts" "$@"
