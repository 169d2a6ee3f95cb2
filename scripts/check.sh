#!/bin/sh
# npm run check: lint, types and unit tests; seconds, no engine needed.
set -eu
cd "$(dirname -- "$0")/.."
sh scripts/setup.sh node packages hooks
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/checks.ts unit -- "$@"
