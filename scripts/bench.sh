#!/bin/sh
# npm run bench: the project's own benchmark; npm run bench -- ARG... hands ARGs on (bench/run.ts says which).
set -eu
cd "$(dirname -- "$0")/.."
peers=
for argument in "$@"; do
  [ "$argument" != --peers ] || peers=peers
done
sh scripts/setup.sh node packages $peers
# Every idle tunnel costs descriptors on both sides.
ulimit -n "$(ulimit -Hn)"
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning bench/run.ts "$@"
