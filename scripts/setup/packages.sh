#!/bin/sh
# Set-up step: the packages of the lock file, installed where node_modules does not match it.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
cd "$root"
if found=$(scripts/with-node.sh node scripts/setup/packages-match.js); then
  echo "$found"
  exit 0
fi
echo "    $found: npm ci" >&2
# The flags stand against a user's npm settings (NODE_ENV=production, omit=dev).
scripts/with-node.sh npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error >&2
scripts/with-node.sh node scripts/setup/packages-match.js
