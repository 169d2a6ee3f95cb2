#!/bin/sh
# Set-up step of `npm run bench -- --peers`: the proxies of others that ours is measured beside.
set -eu
cd "$(dirname -- "$0")/../.."
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/setup/tools.ts peers.txt 'the benchmarks'
