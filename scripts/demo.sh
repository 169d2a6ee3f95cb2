#!/bin/sh
# npm run demo: sets up what is missing, runs the demo's session, then shows what was stopped.
set -eu
cd "$(dirname -- "$0")/.."
sh scripts/setup.sh
code=0
bin/bottle start bottles/demo.yaml --yes || code=$?
bin/bottle logs --blocked || true # its exit code says whether there is something to show
exit "$code"
