#!/bin/sh
# npm run bench: the project's own benchmark; npm run bench -- ARG... hands ARGs on.
set -eu
cd "$(dirname -- "$0")/.."
sh scripts/setup.sh
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning bench/run.ts "$@"
