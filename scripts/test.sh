#!/bin/sh
# npm test: sets up what is missing, then lint, types and every test. npm test -- ARG... hands ARGs to vitest.
set -eu
cd "$(dirname -- "$0")/.."
sh scripts/setup.sh node packages hooks gitleaks tools engine images
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/checks.ts unit proxy cli docker -- "$@"
