# Finds a Node that is new enough; to be sourced. The one we brought along (see setup/bring-node.sh) goes first: it is the
# version that the project is tested with, and a look at a file is cheaper than asking another Node for its version.

NODE_LEAST=24.7

# find_node ROOT: prints the path of a Node >= NODE_LEAST, or fails.
find_node() {
  brought=$(brought_node "$1")
  if [ -x "$brought" ]; then
    echo "$brought"
    return 0
  fi
  on_path=$(command -v node) || return 1
  version=$("$on_path" --version 2>/dev/null) || return 1
  version=${version#v}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  if [ "$major" -gt "${NODE_LEAST%.*}" ] || { [ "$major" -eq "${NODE_LEAST%.*}" ] && [ "$minor" -ge "${NODE_LEAST#*.}" ]; }; then
    echo "$on_path"
    return 0
  fi
  return 1
}

# brought_node ROOT: where the brought-along Node is, or would be.
brought_node() {
  echo "${XDG_DATA_HOME:-$HOME/.local/share}/bottle/node/$(cat "$1/.nvmrc")/bin/node"
}
