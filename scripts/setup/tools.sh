#!/bin/sh
# Set-up step of `npm test`: the programs that tests run on this machine, real clients among them.
set -eu
cd "$(dirname -- "$0")/../.."
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/setup/tools.ts
