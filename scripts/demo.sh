#!/bin/sh
# npm run demo [-- --spec FILE]: sets up what is missing, runs the demo, then shows what was stopped.
set -eu
cd "$(dirname -- "$0")/.."
sh scripts/setup.sh
code=0
sh scripts/with-node.sh node --disable-warning=ExperimentalWarning demo/run.ts "$@" || code=$?
bin/bottle logs --blocked || true # its exit code says whether there is something to show
exit "$code"
