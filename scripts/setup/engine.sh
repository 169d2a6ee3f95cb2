#!/bin/sh
# Set-up step: a Docker engine that answers; where there is none, our own.
set -eu
cd "$(dirname -- "$0")/../.."
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/engine/main.ts start
