#!/bin/sh
# Set-up step: the images of this source tree.
set -eu
cd "$(dirname -- "$0")/../.."
exec scripts/with-node.sh node --disable-warning=ExperimentalWarning scripts/setup/images.ts
