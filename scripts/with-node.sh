#!/bin/sh
# Runs a command with the project's Node and the project's tools first on the PATH: scripts/with-node.sh CMD ARG...
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/scripts/find-node.sh"
if ! node=$(find_node "$root"); then
  echo "bottle: no Node >= $NODE_LEAST here; run: npm run setup" >&2
  exit 125
fi
PATH=$root/node_modules/.bin:$(dirname "$node"):$PATH
export PATH
exec "$@"
