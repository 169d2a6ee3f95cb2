#!/bin/sh
# Set-up step: a Node that is new enough.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
. "$root/scripts/find-node.sh"
node=$(find_node "$root") || node=$("$root/scripts/setup/bring-node.sh")
echo "$("$node" --version), $node"
