#!/bin/sh
# Sets up what is missing, one step after the other, and says so: scripts/setup.sh [STEP...]
# A step is a script in setup/: its last line on stdout is the result, what it writes to stderr is its progress.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
steps=${*:-node packages hooks gitleaks engine images}
state=${BOTTLE_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/bottle}

now_ms() {
  now=$(date +%s%N)
  case $now in
    *N) echo "$(date +%s)000" ;; # no nanoseconds on macOS
    *) echo "${now%??????}" ;;
  esac
}

seconds() {
  printf '%d.%02d s' $(($1 / 1000)) $(($1 % 1000 / 10))
}

# Two set-ups at once wait for each other. The lock is a file descriptor, so that it cannot outlive its process; steps do not
# inherit it, or the engine that one of them starts would keep it.
mkdir -p -m 700 "$state"
if command -v flock >/dev/null; then
  exec 9>"$state/setup.lock"
  flock --nonblock 9 || { echo 'setup: waiting for another set-up to end' >&2; flock 9; }
fi

began=$(now_ms)
for step in $steps; do
  step_began=$(now_ms)
  if ! result=$(sh "$root/scripts/setup/$step.sh" </dev/null 9>&-); then
    echo "setup: $step failed; mend what it says above and run npm run setup again" >&2
    exit 125
  fi
  printf 'setup: %-9s %s (%s)\n' "$step" "$result" "$(seconds $(($(now_ms) - step_began)))" >&2
done
printf 'setup: everything is there (%s)\n' "$(seconds $(($(now_ms) - began)))" >&2
